import type { Millis } from '@starling/kernel';

interface Seen {
  readonly wave: number;
  readonly expiresAt: Millis;
}

/** The queries that this peer has answered lately, with the last wave: what makes it answer each wave once. */
export class SeenQueries {
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

  /** −1 when the query is unknown. */
  waveOf(queryId: string): number {
    return this.#seen.get(queryId)?.wave ?? -1;
  }

  add(now: Millis, queryId: string, wave: number): void {
    this.#seen.delete(queryId);
    this.#seen.set(queryId, { wave, expiresAt: now + this.#lifeMs });
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
    for (const [queryId, seen] of this.#seen) {
      if (seen.expiresAt > now) return;
      this.#seen.delete(queryId);
    }
  }
}
