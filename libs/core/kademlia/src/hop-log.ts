import type { Millis } from '@starling/kernel';
import type { Call } from './caller.ts';
import type { Hop } from './messages.ts';

/** What a lookup did, call by call, and what that adds up to. */
export class HopLog {
  readonly hops: Hop[] = [];
  readonly #startedAt: Millis;
  /** Calls made. */
  rpcs = 0;
  failures = 0;
  /** Calls one after another until what counted. */
  rounds = 0;

  constructor(startedAt: Millis) {
    this.#startedAt = startedAt;
  }

  tookMs(now: Millis): Millis {
    return now - this.#startedAt;
  }

  add(now: Millis, call: Call, hop: Pick<Hop, 'path' | 'round' | 'sharedBits' | 'outcome' | 'count'>): void {
    const { outcome } = hop;
    if (outcome === 'timeout' || outcome === 'linkDown' || outcome === 'untrue') this.failures++;
    const atMs = call.sentAt - this.#startedAt;
    this.hops.push({ peer: call.to.info, ...hop, atMs, tookMs: now - call.sentAt });
  }
}
