import type { Millis, Rng } from '@starling/kernel';

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
  #nextAt: Millis = Number.POSITIVE_INFINITY;
  #number = 0;

  constructor(config: CanaryConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** Begins: the first one comes after a random part of the interval, so that peers started together do not send together. */
  start(now: Millis, peers: number): void {
    if (this.#config.enabled && this.#nextAt === Number.POSITIVE_INFINITY) {
      this.#nextAt = now + this.#rng.float() * this.#interval(peers);
    }
  }

  stop(): void {
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  /** The number of the canary to send now; undefined when none is due. */
  due(now: Millis, peers: number): number | undefined {
    if (now < this.#nextAt) return undefined;
    // ±25 % so that two peers do not stay in step.
    this.#nextAt = now + this.#interval(peers) * (0.75 + 0.5 * this.#rng.float());
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
