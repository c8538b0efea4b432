import type { Millis } from '@starling/kernel';
import type { LogMessage } from './messages.ts';

/** A message that waits for an earlier one of its stream. */
export interface Waiting<B> {
  readonly message: LogMessage<B>;
  readonly topic: string;
  readonly since: Millis;
}

/** How far one stream is delivered here. */
export class StreamOrder<B> {
  readonly id: string;
  /** The number whose turn it is. */
  next = 1;
  /** Up to here nothing is in the log any more, and when the last of it was appended. */
  goneTo = 0;
  goneAt: Millis = Number.NEGATIVE_INFINITY;
  lastAt: Millis;
  /** Messages that came before their turn, by number. */
  waiting: Map<number, Waiting<B>> | null = null;

  constructor(id: string, now: Millis) {
    this.id = id;
    this.lastAt = now;
  }

  /** The earliest message that waits; undefined when none does. */
  firstWaiting(): Waiting<B> | undefined {
    let first: Waiting<B> | undefined;
    for (const waiting of this.waiting?.values() ?? []) {
      if (first === undefined || waiting.message.seq < first.message.seq) first = waiting;
    }
    return first;
  }
}
