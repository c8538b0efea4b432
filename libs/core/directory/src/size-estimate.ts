import type { Millis } from '@starling/kernel';

/**
 * How many peers announce themselves, from a bounded sample: M. Wegman's adaptive sampling (analysed by Flajolet, 1990).
 * Only ids whose hash ends in `level` zero bits are kept; when they are too many the level rises and half of them go.
 * Kept × 2^level is an unbiased estimate. Only a directory that is full needs one.
 */
export class SizeEstimate {
  readonly #sampleMax: number;
  readonly #sample = new Map<number, Millis>();
  #level = 0;

  constructor(sampleMax: number) {
    this.#sampleMax = sampleMax;
  }

  get peers(): number {
    return this.#sample.size * 2 ** this.#level;
  }

  /** A peer was heard of; it counts until `expiresAt`. */
  add(idBits: number, expiresAt: Millis): void {
    if (!this.#isSampled(idBits)) return;
    this.#sample.set(idBits, expiresAt);
    while (this.#sample.size > this.#sampleMax && this.#level < 31) {
      this.#level++;
      for (const kept of this.#sample.keys()) if (!this.#isSampled(kept)) this.#sample.delete(kept);
    }
  }

  delete(idBits: number): void {
    this.#sample.delete(idBits);
  }

  expire(now: Millis): void {
    for (const [idBits, expiresAt] of this.#sample) if (expiresAt <= now) this.#sample.delete(idBits);
  }

  /** The high bits decide: the low ones already choose the bucket. */
  #isSampled(idBits: number): boolean {
    return this.#level === 0 || idBits >>> (32 - this.#level) === 0;
  }
}
