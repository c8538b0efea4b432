import type { ReceivedMessage, SubscribeFrom } from '@starling/client';
import { CliError, exitCode } from '../exit-codes.ts';
import { json, payloadText, printable } from '../output.ts';
import { type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface SubOptions extends SessionOptions {
  readonly from: string;
  readonly count: string;
}

/** Prints messages until `--count` of them have come or it is stopped. Goes on at another peer when its own goes. */
export function sub(topics: readonly string[], options: SubOptions): Promise<number> {
  const from = fromOf(options.from);
  const count = wholeNumber('--count', options.count, 0, 1_000_000_000);
  return withClient(options, 'client', async (client) => {
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    let seen = 0;
    for await (const event of client.subscribe({ topics, from, signal: stop.signal })) {
      if (event.kind === 'message') {
        console.log(options.output === 'json' ? messageJson(event) : messageLine(event));
        seen++;
        if (count > 0 && seen >= count) break;
      } else if (options.output === 'json') {
        console.log(json(event));
      } else if (event.kind === 'gap') {
        console.error(
          `gap: messages ${event.firstSequence}–${event.lastSequence} of ${event.origin} cannot be had any more (${event.reason})`,
        );
      } else {
        console.error(`listening at ${event.address}`);
      }
    }
    return exitCode.ok;
  });
}

function messageLine(message: ReceivedMessage): string {
  return `${message.publishedAt.toISOString()}  ${message.topic}  ${printable(payloadText(message.payload).text)}`;
}

function messageJson(message: ReceivedMessage): string {
  const { text, encoding } = payloadText(message.payload);
  return json({ ...message, payload: text, payloadEncoding: encoding });
}

function fromOf(text: string): SubscribeFrom {
  if (text === 'new' || text === 'all') return text;
  const since = new Date(text);
  if (Number.isNaN(since.getTime())) {
    throw new CliError(`--from ${text}: use new, all, or a time such as ${new Date(0).toISOString()}`, exitCode.usage);
  }
  return { since };
}
