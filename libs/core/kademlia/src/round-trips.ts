import type { Millis } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';

/** Calls remembered. 64: a percentile of the last few seconds of work, cheap to sort. */
const samplesMax = 64;
/** Fewer say nothing about a tail. */
const samplesMin = 8;

/** How long calls took of late, and so how long is longer than most. Two of them: over a link that was up, and with a dial before. */
export class RoundTrips {
  readonly #config: KademliaConfig;
  readonly #samples: Millis[] = [];
  #next = 0;
  #hedgeMs: Millis;

  constructor(config: KademliaConfig) {
    this.#config = config;
    this.#hedgeMs = config.hedgeFirstMs;
  }

  /** Somebody else is asked when a call takes longer than this. */
  get hedgeMs(): Millis {
    return this.#hedgeMs;
  }

  add(tookMs: Millis): void {
    this.#samples[this.#next] = tookMs;
    this.#next = (this.#next + 1) % samplesMax;
    // Sorting each time would cost more than the call; every eighth time the percentile hardly lags.
    if (this.#samples.length < samplesMin || this.#next % 8 !== 0) return;
    const sorted = this.#samples.slice().sort((a, b) => a - b);
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * this.#config.hedgePercentile));
    // A little above it: calls that all take equally long are not slow.
    this.#hedgeMs = Math.max(this.#config.hedgeMinMs, (sorted[at] as Millis) * 1.25);
  }
}
