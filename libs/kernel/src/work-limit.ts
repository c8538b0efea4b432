import type { Millis, PeerId } from './protocol.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * How many questions of one neighbour, and of this peer's own clients, are taken up in a second: what is beyond is shed before it
 * costs an index or a link anything, so that a storm of questions leaves broadcast its share of the peer. A second's worth may come at once.
 */
export class WorkLimit {
  readonly #perSecond: number;
  readonly #sourcesMax: number;
  readonly #buckets = new Map<PeerId, TokenBucket>();

  constructor(perSecond: number, sourcesMax: number) {
    this.#perSecond = perSecond;
    this.#sourcesMax = sourcesMax;
  }

  /** 0: taken. Else it is shed, and after so many ms there is room for one again. */
  take(now: Millis, source: PeerId): Millis {
    const bucket = this.#bucketOf(source);
    const waitMs = bucket.waitMs(now);
    if (waitMs === 0) bucket.spend();
    return waitMs;
  }

  forget(source: PeerId): void {
    this.#buckets.delete(source);
  }

  #bucketOf(source: PeerId): TokenBucket {
    const known = this.#buckets.get(source);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#sourcesMax) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const made = new TokenBucket(this.#perSecond, this.#perSecond);
    this.#buckets.set(source, made);
    return made;
  }
}
