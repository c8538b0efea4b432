import type { Millis, Rng } from '@starling/kernel';

const never = Number.POSITIVE_INFINITY;

export interface CanaryConfig {
  readonly enabled: boolean;
  /** One canary about so often in the whole mesh, whatever its size, so that idle cost does not grow with it. 5 s: product decision. */
  readonly meshIntervalMs: Millis;
  /** No peer sends more often than this. 10 s: product decision. */
  readonly peerIntervalMsMin: Millis;
}

export const defaultCanaryConfig: CanaryConfig = { enabled: true, meshIntervalMs: 5_000, peerIntervalMsMin: 10_000 };

/** Decides when this peer sends its next canary: a small broadcast by which the mesh measures its own delivery. */
export class Canary {
  readonly #config: CanaryConfig;
  readonly #rng: Rng;
  #nextAt: Millis = never;
  #isPlaced = false;
  #number = 0;

  constructor(config: CanaryConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** Begins, once the directory has had a moment to fill: who just came does not know yet how many share the interval. */
  start(now: Millis): void {
    if (this.#config.enabled && this.#nextAt === never) {
      this.#nextAt = now + (0.5 + 0.5 * this.#rng.float()) * this.#config.peerIntervalMsMin;
    }
  }

  stop(): void {
    this.#nextAt = never;
  }

  /** The number of the canary to send now; undefined when none is due. */
  due(now: Millis, peers: number): number | undefined {
    if (now < this.#nextAt) return undefined;
    if (this.#isPlaced) return this.next(now, peers);
    // The first at a random point of the interval: peers that started together do not send together, now or later.
    this.#isPlaced = true;
    this.#nextAt = now + this.#interval(peers) * this.#rng.float();
    return undefined;
  }

  /** The number of one that is sent now, due or not; undefined when this peer sends none. */
  next(now: Millis, peers: number): number | undefined {
    if (this.#nextAt === never) return undefined;
    this.#isPlaced = true;
    // Not in step with others, and within the interval, which is the directory's: then it needs no refreshes besides.
    this.#nextAt = now + this.#interval(peers) * (0.8 + 0.2 * this.#rng.float());
    this.#number++;
    return this.#number;
  }

  nextDeadline(): Millis {
    return this.#nextAt;
  }

  #interval(peers: number): Millis {
    return Math.max(this.#config.peerIntervalMsMin, peers * this.#config.meshIntervalMs);
  }
}
