import type { Millis } from './protocol.ts';

interface Seen {
  readonly wave: number;
  readonly expiresAt: Millis;
}

/**
 * The questions that this peer has worked on lately, each with its last wave: what makes it answer each wave once. At its bound it
 * forgets the oldest before its time, and counts that; where a peer that forgot would do harm, ask `isFull` before.
 */
export class SeenWaves {
  readonly #sizeMax: number;
  readonly #lifeMs: Millis;
  /** All live equally long, so the order of entry is the order of expiry. */
  readonly #seen = new Map<string, Seen>();
  /** Forgotten before their time. */
  evicted = 0;

  constructor(sizeMax: number, lifeMs: Millis) {
    this.#sizeMax = sizeMax;
    this.#lifeMs = lifeMs;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** With those that are worked on and will be added. */
  isFull(working: number): boolean {
    return this.#seen.size + working >= this.#sizeMax;
  }

  /** −1 when the question is unknown. */
  waveOf(questionId: string): number {
    return this.#seen.get(questionId)?.wave ?? -1;
  }

  add(now: Millis, questionId: string, wave: number): void {
    this.#seen.delete(questionId);
    this.#seen.set(questionId, { wave, expiresAt: now + this.#lifeMs });
    if (this.#seen.size <= this.#sizeMax) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      this.evicted++;
      return;
    }
  }

  next(): Millis {
    for (const first of this.#seen.values()) return first.expiresAt;
    return Number.POSITIVE_INFINITY;
  }

  expire(now: Millis): void {
    for (const [questionId, { expiresAt }] of this.#seen) {
      if (expiresAt > now) return;
      this.#seen.delete(questionId);
    }
  }
}
