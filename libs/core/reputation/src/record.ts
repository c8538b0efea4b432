import type { Millis } from '@starling/kernel';
import type { ReputationConfig } from './config.ts';
import type { Deed, Misdeed } from './messages.ts';

/** What one peer did lately, fading. */
export class Record {
  readonly #config: ReputationConfig;
  readonly #deeds: { [deed in Deed]: number } = {
    firstDelivery: 0,
    brokenPromise: 0,
    violation: 0,
    flood: 0,
    slow: 0,
  };
  #at: Millis;
  /** Banned until then; 0: never was. */
  bannedUntil: Millis = 0;
  /** How long the last ban was, for the next one. */
  lastBanMs: Millis = 0;
  isDropped = false;

  constructor(config: ReputationConfig, now: Millis) {
    this.#config = config;
    this.#at = now;
  }

  add(now: Millis, deed: Deed, times: number): void {
    this.#fade(now);
    const count = this.#deeds[deed] + times;
    this.#deeds[deed] = deed === 'firstDelivery' ? Math.min(this.#config.firstDeliveriesMax, count) : count;
  }

  /** Above 0 for who serves, far below for who harms; 0 for a stranger. */
  score(now: Millis): number {
    this.#fade(now);
    let score = this.#config.firstDeliveryWeight * this.#deeds.firstDelivery;
    for (const misdeed of misdeeds) score -= this.#cost(misdeed);
    return score;
  }

  /** The misdeed that costs most. */
  worst(): Misdeed {
    let worst: Misdeed = 'violation';
    for (const misdeed of misdeeds) if (this.#cost(misdeed) > this.#cost(worst)) worst = misdeed;
    return worst;
  }

  /** Nothing is left that would be missed. */
  isBlank(now: Millis): boolean {
    this.#fade(now);
    if (this.bannedUntil > 0 && now < this.bannedUntil + this.#config.banMemoryMs) return false;
    return Object.values(this.#deeds).every((count) => count === 0);
  }

  forgive(): void {
    for (const misdeed of misdeeds) this.#deeds[misdeed] = 0;
    this.isDropped = false;
  }

  #cost(misdeed: Misdeed): number {
    const count = this.#deeds[misdeed];
    const { brokenPromiseWeight, violationWeight, floodWeight, slowWeight } = this.#config;
    switch (misdeed) {
      case 'brokenPromise':
        return brokenPromiseWeight * count * count;
      case 'violation':
        return violationWeight * count * count;
      case 'flood':
        return floodWeight * count * count;
      case 'slow':
        return slowWeight * count;
    }
  }

  #fade(now: Millis): void {
    const spanMs = now - this.#at;
    if (spanMs <= 0) return;
    this.#at = now;
    const left = 0.5 ** (spanMs / this.#config.halfLifeMs);
    for (const deed of deeds) {
      const count = this.#deeds[deed] * left;
      this.#deeds[deed] = count < this.#config.decayToZero ? 0 : count;
    }
  }
}

const misdeeds = ['brokenPromise', 'violation', 'flood', 'slow'] as const satisfies readonly Misdeed[];
const deeds = ['firstDelivery', ...misdeeds] as const satisfies readonly Deed[];
