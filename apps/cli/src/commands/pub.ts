import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { OutgoingMessage, Receipt } from '@starling/client';
import { CliError, exitCode } from '../exit-codes.ts';
import { json } from '../output.ts';
import { type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface PubOptions extends SessionOptions {
  readonly header: readonly string[];
  readonly held: string;
  readonly lines: boolean;
}

/** Lines that are on their way to the peer; then it is waited for the first to be taken. As many as a publish stream has. */
const linesMax = 256;

/** Publishes one message: the argument, or standard input when it is `-` or missing. With `--lines` each line of it is one. */
export function pub(topic: string, payload: string | undefined, options: PubOptions): Promise<number> {
  const headers = Object.fromEntries(options.header.map(headerOf));
  const heldBy = wholeNumber('--held', options.held, 0, 8);
  if (options.lines) {
    if (payload !== undefined && payload !== '-') {
      throw new CliError('--lines reads messages from standard input: leave out the payload', exitCode.usage);
    }
    return pubLines({ topic, headers }, heldBy, options);
  }
  const bytes = payload === undefined || payload === '-' ? readFileSync(0) : Buffer.from(payload, 'utf8');
  return withClient(options, 'client', async (client) => {
    const receipt = await client.publish({ topic, payload: bytes, headers }, { heldBy });
    if (options.output === 'json') console.log(json(receipt));
    else {
      // Without --held nobody was asked, and 0 would look like a failure.
      const accepted =
        heldBy === 0 ? 'accepted' : `held by ${receipt.heldBy} ${receipt.heldBy === 1 ? 'neighbour' : 'neighbours'}`;
      const held = receipt.alone ? 'held here alone: this peer has no neighbour yet' : accepted;
      console.log(`${receipt.id}  ${bytes.length} bytes, ${held}`);
    }
    return exitCode.ok;
  });
}

/** In order, each as soon as its line has come, and no faster than the peer takes them. Ends with the first that is refused. */
function pubLines(message: Omit<OutgoingMessage, 'payload'>, heldBy: number, options: PubOptions): Promise<number> {
  return withClient(options, 'client', async (client) => {
    const stream = client.publishStream(linesMax);
    const underWay: Promise<void>[] = [];
    const refused: { readonly line: number; readonly error: unknown }[] = [];
    let [lines, taken, alone] = [0, 0, 0];
    const count = (receipt: Receipt): void => {
      taken++;
      if (receipt.alone) alone++;
    };
    const input = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const payload of input) {
      const line = ++lines;
      const published = stream.publish({ ...message, payload }, { heldBy });
      const refuse = (error: unknown): void => {
        refused.push({ line, error });
        // The next line may be long in coming, or never come.
        input.close();
      };
      underWay.push(published.then(count, refuse));
      if (underWay.length >= linesMax) await underWay.shift();
      if (refused.length > 0) break;
    }
    await Promise.all(underWay);
    await stream.close();
    const [first] = refused;
    if (first !== undefined) {
      console.error(`starling: line ${first.line} was refused; ${taken} were taken`);
      throw first.error;
    }
    const held = alone === 0 ? '' : `, ${alone} held there alone: the peer has no neighbour yet`;
    console.log(options.output === 'json' ? json({ published: taken, alone }) : `${taken} published${held}`);
    return exitCode.ok;
  });
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CliError(`--header ${text}: use name=value`, exitCode.usage);
  return [text.slice(0, at), text.slice(at + 1)];
}
