import type { Millis } from './protocol.ts';

/** So many at once, and so many more in a second. It is full when it is made. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  #tokens: number;
  #at: Millis = 0;

  constructor(capacity: number, perSecond: number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#tokens = capacity;
  }

  /** As of the last `refill`, `take` or `waitMs`. */
  get isEmpty(): boolean {
    return this.#tokens < 1;
  }

  refill(now: Millis): void {
    const gained = (Math.max(0, now - this.#at) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained);
    this.#at = now;
  }

  /** Takes what something cost. Below zero by the last one, so that nothing costs too much for ever. */
  spend(tokens = 1): void {
    this.#tokens -= tokens;
  }

  /** False when nothing is left. */
  take(now: Millis): boolean {
    this.refill(now);
    if (this.isEmpty) return false;
    this.spend();
    return true;
  }

  /** How long until one is there; 0: now. */
  waitMs(now: Millis): Millis {
    this.refill(now);
    return this.isEmpty ? ((1 - this.#tokens) * 1_000) / this.#perSecond : 0;
  }
}
