import type { Millis } from '@starling/kernel';

/**
 * Lifeguard's local health score (§IV-A): 0 is healthy; each sign that this peer itself is slow raises it, good rounds lower it,
 * and all timeouts are multiplied by it plus one. Whoever is slow doubts itself before it doubts others.
 */
export class LocalHealth {
  readonly #max: number;
  readonly #periodMs: Millis;
  #score = 0;
  #changedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(max: number, periodMs: Millis) {
    this.#max = max;
    this.#periodMs = periodMs;
  }

  get score(): number {
    return this.#score;
  }

  get multiplier(): number {
    return this.#score + 1;
  }

  /** A sign of own slowness. Raises by `by`. */
  worsen(now: Millis, by: number): void {
    this.#score = Math.min(this.#max, this.#score + by);
    this.#changedAt = now;
  }

  /** As `worsen` by one, but several peers that missed the same stall count once in a period. */
  worsenOnce(now: Millis): void {
    if (now - this.#changedAt >= this.#periodMs) this.worsen(now, 1);
  }

  /** A ping was answered in time. Lowers by one, at most once in a period. */
  improve(now: Millis): void {
    if (this.#score === 0 || now - this.#changedAt < this.#periodMs) return;
    this.#score--;
    this.#changedAt = now;
  }
}
