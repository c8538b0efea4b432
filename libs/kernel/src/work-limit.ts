import type { Millis, PeerId } from './protocol.ts';

/** A second's worth may come at once. */
interface Bucket {
  tokens: number;
  at: Millis;
}

/**
 * How many questions of one neighbour, and of this peer's own clients, are taken up in a second: what is beyond is shed before it
 * costs an index or a link anything, so that a storm of questions leaves broadcast its share of the peer. Token buckets.
 */
export class WorkLimit {
  readonly #perSecond: number;
  readonly #sourcesMax: number;
  readonly #buckets = new Map<PeerId, Bucket>();

  constructor(perSecond: number, sourcesMax: number) {
    this.#perSecond = perSecond;
    this.#sourcesMax = sourcesMax;
  }

  /** 0: taken. Else it is shed, and after so many ms there is room for one again. */
  take(now: Millis, source: PeerId): Millis {
    const bucket = this.#bucketOf(now, source);
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + ((now - bucket.at) * this.#perSecond) / 1_000);
    bucket.at = now;
    if (bucket.tokens < 1) return ((1 - bucket.tokens) * 1_000) / this.#perSecond;
    bucket.tokens--;
    return 0;
  }

  forget(source: PeerId): void {
    this.#buckets.delete(source);
  }

  #bucketOf(now: Millis, source: PeerId): Bucket {
    const known = this.#buckets.get(source);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#sourcesMax) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const made = { tokens: this.#perSecond, at: now };
    this.#buckets.set(source, made);
    return made;
  }
}
