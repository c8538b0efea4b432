import type { Millis } from '@starling/kernel';
import { type CallClass, callClasses } from './policy.ts';

export interface RateLimiterConfig {
  /** Calls (of publishing: messages) a second that one caller may make, by class; 0: as many as it likes. */
  readonly perSecond: Readonly<Record<CallClass, number>>;
  /** What a caller who was quiet may do at once, in ms of its rate. Two seconds: a dashboard that opens. (guess) */
  readonly burstMs: Millis;
  /** Callers followed in each class; beyond it the one heard from longest ago is forgotten, with what it had used up. */
  readonly callersMax: number;
}

export const rateBurst = { burstMs: 2_000, callersMax: 4_096 } as const;

/**
 * One bucket for each caller and class, as GCRA (ITU-T I.371): a bucket is one number, the time at which all that the caller
 * did would have been done at its even rate. It may lie ahead of now by the burst. Pure: time comes in.
 */
export class RateLimiter {
  readonly #config: RateLimiterConfig;
  /** By class; the caller heard from longest ago is the first. */
  readonly #due: Readonly<Record<CallClass, Map<string, Millis>>>;

  constructor(config: RateLimiterConfig) {
    this.#config = config;
    this.#due = Object.fromEntries(callClasses.map((name) => [name, new Map()])) as never;
  }

  /** Buckets that are kept. */
  get size(): number {
    return callClasses.reduce((sum, name) => sum + this.#due[name].size, 0);
  }

  /** Takes one call from the bucket: 0. When it is empty takes nothing, and says in how many ms there will be one. */
  take(now: Millis, caller: string, name: CallClass): Millis {
    const ms = this.#wait(now, caller, name);
    if (ms > 0) return ms;
    this.spend(now, caller, name);
    return 0;
  }

  /** Takes one, also from an empty bucket: for work that has come already. Says for how many ms to take no more. */
  spend(now: Millis, caller: string, name: CallClass): Millis {
    const rate = this.#config.perSecond[name];
    if (rate === 0) return 0;
    const bucket = this.#due[name];
    const due = Math.max(now, bucket.get(caller) ?? 0) + 1_000 / rate;
    bucket.delete(caller);
    bucket.set(caller, due);
    if (bucket.size > this.#config.callersMax) bucket.delete(bucket.keys().next().value as string);
    return this.#wait(now, caller, name);
  }

  /** Until one more call fits below the burst. */
  #wait(now: Millis, caller: string, name: CallClass): Millis {
    const rate = this.#config.perSecond[name];
    if (rate === 0) return 0;
    // A burst below one call would let nobody in.
    const burst = Math.max(this.#config.burstMs, 1_000 / rate);
    return Math.max(0, (this.#due[name].get(caller) ?? 0) + 1_000 / rate - burst - now);
  }
}
