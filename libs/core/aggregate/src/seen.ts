import type { Millis } from '@starling/kernel';

interface Seen {
  readonly wave: number;
  readonly expiresAt: Millis;
}

/**
 * The questions that this peer has answered lately, with the last wave: what makes it answer each wave once. None is forgotten
 * before its time, since a peer that forgot could count twice: who would add one to a full memory asks `isFull` first.
 */
export class SeenQuestions {
  readonly #sizeMax: number;
  readonly #lifeMs: Millis;
  /** All live equally long, so the order of entry is the order of expiry. */
  readonly #seen = new Map<string, Seen>();

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
  waveOf(queryId: string): number {
    return this.#seen.get(queryId)?.wave ?? -1;
  }

  add(now: Millis, queryId: string, wave: number): void {
    this.#seen.delete(queryId);
    this.#seen.set(queryId, { wave, expiresAt: now + this.#lifeMs });
  }

  next(): Millis {
    for (const first of this.#seen.values()) return first.expiresAt;
    return Number.POSITIVE_INFINITY;
  }

  expire(now: Millis): void {
    for (const [queryId, { expiresAt }] of this.#seen) {
      if (expiresAt > now) return;
      this.#seen.delete(queryId);
    }
  }
}
