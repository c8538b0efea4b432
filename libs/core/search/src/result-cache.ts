import type { Millis } from '@starling/kernel';
import type { FinishReason, Hit } from './messages.ts';

export interface Remembered {
  readonly hits: readonly Hit[];
  readonly reason: FinishReason;
  readonly at: Millis;
}

/**
 * Answers of this peer's own queries, for the next client who asks the same. Bounded in number, in characters and in age; the
 * oldest goes first. What is remembered is given as it was: the one who asks is told its age.
 */
export class ResultCache {
  readonly #sizeMax: number;
  readonly #charsMax: number;
  readonly #lifeMs: Millis;
  /** All live equally long, so the order of entry is the order of expiry. */
  readonly #entries = new Map<string, Remembered>();
  #chars = 0;

  constructor(sizeMax: number, charsMax: number, lifeMs: Millis) {
    this.#sizeMax = sizeMax;
    this.#charsMax = charsMax;
    this.#lifeMs = lifeMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get chars(): number {
    return this.#chars;
  }

  get(now: Millis, key: string): Remembered | undefined {
    this.#expire(now);
    return this.#entries.get(key);
  }

  /** An answer that is larger than all that may be kept is not kept. */
  put(now: Millis, key: string, hits: readonly Hit[], reason: FinishReason): void {
    this.#expire(now);
    this.#delete(key);
    const chars = charsOf(key, hits);
    if (chars > this.#charsMax) return;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#sizeMax && this.#chars + chars <= this.#charsMax) break;
      this.#delete(oldest);
    }
    if (this.#sizeMax < 1) return;
    this.#entries.set(key, { hits, reason, at: now });
    this.#chars += chars;
  }

  clear(): void {
    this.#entries.clear();
    this.#chars = 0;
  }

  #expire(now: Millis): void {
    for (const [key, { at }] of this.#entries) {
      if (now - at < this.#lifeMs) return;
      this.#delete(key);
    }
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#chars -= charsOf(key, entry.hits);
  }
}

function charsOf(key: string, hits: readonly Hit[]): number {
  return hits.reduce(
    (sum, { peer, documentId, document }) => sum + peer.length + documentId.length + document.length,
    key.length,
  );
}
