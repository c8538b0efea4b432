import { readFileSync } from 'node:fs';
import { CliError, exitCode } from '../exit-codes.ts';
import { json } from '../output.ts';
import { type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface PubOptions extends SessionOptions {
  readonly header: readonly string[];
  readonly held: string;
}

/** Publishes one message: the argument, or standard input when it is `-` or missing. */
export function pub(topic: string, payload: string | undefined, options: PubOptions): Promise<number> {
  const headers = Object.fromEntries(options.header.map(headerOf));
  const heldBy = wholeNumber('--held', options.held, 0, 8);
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

function headerOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CliError(`--header ${text}: use name=value`, exitCode.usage);
  return [text.slice(0, at), text.slice(at + 1)];
}
