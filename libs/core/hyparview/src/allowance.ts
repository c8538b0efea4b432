import type { Millis } from '@starling/kernel';

/** A token bucket: so many at once, and one more per interval. */
export class Allowance {
  readonly #capacity: number;
  readonly #intervalMs: Millis;
  #left: number;
  #since: Millis = 0;

  constructor(capacity: number, intervalMs: Millis) {
    this.#capacity = capacity;
    this.#intervalMs = intervalMs;
    this.#left = capacity;
  }

  has(now: Millis): boolean {
    this.#refill(now);
    return this.#left >= 1;
  }

  /** False when nothing is left. */
  take(now: Millis): boolean {
    if (!this.has(now)) return false;
    this.#left--;
    return true;
  }

  #refill(now: Millis): void {
    this.#left = Math.min(this.#capacity, this.#left + Math.max(0, now - this.#since) / this.#intervalMs);
    this.#since = now;
  }
}
