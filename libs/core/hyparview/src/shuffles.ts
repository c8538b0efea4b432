import type { Millis, PeerId, PeerInfo, Rng } from '@starling/kernel';
import type { HyParViewConfig } from './config.ts';
import { backedOff, jittered } from './pace.ts';
import type { Views } from './views.ts';

const never = Number.POSITIVE_INFINITY;

/** Shuffles in a row that taught nothing before they become rarer. 3: guess, a peer may miss the same few by chance. */
const vainMax = 3;
/** How often the pause then doubles: to eight times the fast one. More would keep islands that were just joined from hearing of each other. */
const doublingsMax = 3;

/** A shuffle that begins its walk at `first`. */
export interface OwnShuffle {
  readonly first: PeerId;
  readonly sample: readonly PeerInfo[];
}

/** This peer's own shuffles (TR-07-13 §4.4): when the next one is due, what it carries, and whether it was answered. */
export class Shuffles {
  readonly #config: HyParViewConfig;
  readonly #views: Views;
  readonly #rng: Rng;
  /** What the last one carried, until it is answered. */
  #sent: PeerInfo[] | null = null;
  #nextAt: Millis = never;
  #fastUntil: Millis = 0;
  /** A neighbour that may be on another island; shuffles go there while the overlay is young. */
  #bridge: PeerId | null = null;
  /** Own shuffles since a sample last named somebody new. */
  #vain = 0;

  constructor(config: HyParViewConfig, views: Views, rng: Rng) {
    this.#config = config;
    this.#views = views;
    this.#rng = rng;
  }

  /** Infinity without neighbours. */
  get nextAt(): Millis {
    return this.#nextAt;
  }

  /** Until then the overlay is young. */
  get fastUntil(): Millis {
    return this.#fastUntil;
  }

  /** Fast while the overlay is young. */
  intervalMs(now: Millis): Millis {
    return now < this.#fastUntil ? this.#config.shuffleFastIntervalMs : this.#config.shuffleIntervalMs;
  }

  /** A sample named somebody new: there is more to learn. True: the next one is due sooner for it. */
  taught(now: Millis): boolean {
    const wasRare = this.#vain > vainMax && now < this.#fastUntil;
    this.#vain = 0;
    if (wasRare) this.#nextAt = Math.min(this.#nextAt, now + this.#jittered(this.intervalMs(now)));
    return wasRare;
  }

  /** The first neighbour is there. */
  joined(now: Millis): void {
    this.#vain = 0;
    this.#fastUntil = now + this.#config.shuffleFastForMs;
    this.#nextAt = now + this.#jittered(this.#config.shuffleFastIntervalMs);
  }

  /** Two islands are to hear of each other quickly: the next shuffles go over the bridge, for as long as it stands. */
  cross(now: Millis, bridge: PeerId): void {
    this.#bridge = bridge;
    this.#vain = 0;
    this.#fastUntil = Math.max(this.#fastUntil, now + this.#config.shuffleFastForMs);
    this.#nextAt = now;
  }

  /** The last neighbour is gone. */
  stop(): void {
    this.#nextAt = never;
  }

  /** A walk with this peer, k_a neighbours and k_p spares; undefined when there is nobody to walk to. */
  begin(now: Millis): OwnShuffle | undefined {
    this.#nextAt = now + this.#jittered(this.#pauseMs(now));
    const isBridged = this.#bridge !== null && this.#views.isNeighbor(this.#bridge);
    if (!isBridged) this.#bridge = null;
    const first = this.#bridge ?? this.#views.randomNeighborId();
    if (first === undefined) return undefined;
    const { shuffleActiveCount, shufflePassiveCount } = this.#config;
    const sample = this.#views.sampleNeighbors(shuffleActiveCount, first);
    sample.push(...this.#views.sampleSpares(shufflePassiveCount));
    this.#sent = sample.slice();
    return { first, sample };
  }

  /** What the answered shuffle carried; null: nobody asked. Each is answered once. */
  answered(): PeerInfo[] | null {
    const sent = this.#sent;
    this.#sent = null;
    return sent;
  }

  /**
   * Until the next one. Who knows all of a small mesh learns nothing more, however fast it asks: each time in vain it then waits twice as long. In a mesh
   * of which the spares are only a part the views are to become random, and every shuffle does its work.
   */
  #pauseMs(now: Millis): Millis {
    if (this.#views.isPassiveFull) this.#vain = 0;
    const doublings = Math.min(doublingsMax, Math.max(0, this.#vain - vainMax));
    this.#vain++;
    return backedOff(this.intervalMs(now), this.#config.shuffleIntervalMs, doublings);
  }

  #jittered(spanMs: Millis): Millis {
    return jittered(this.#rng, spanMs, this.#config.jitter);
  }
}
