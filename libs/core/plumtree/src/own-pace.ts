import type { Millis } from '@starling/kernel';
import type { StreamId } from './messages.ts';
import { OriginLimits } from './origin-limits.ts';

/**
 * What this peer may publish itself: a little less than its neighbours take of one origin. What they shed is nowhere to be
 * seen for whoever published it, and held against this peer; what is refused here is known at once.
 */
export class OwnPace {
  readonly #stream: StreamId;
  readonly #limits: OriginLimits;

  constructor(
    config: { readonly originWorkPerSecond: number; readonly originWorkBurst: number; readonly ownWorkShare: number },
    stream: StreamId,
  ) {
    this.#stream = stream;
    this.#limits = new OriginLimits({
      originWorkPerSecond: config.ownWorkShare * config.originWorkPerSecond,
      originWorkBurst: config.ownWorkShare * config.originWorkBurst,
      originsMax: 1,
    });
  }

  /** How long until one more message may be published; 0: now. */
  waitMs(now: Millis): Millis {
    return this.#limits.waitMs(this.#limits.of(this.#stream, now), now);
  }

  /** A message was published, of so much work. */
  spend(now: Millis, work: number): void {
    this.#limits.use(this.#limits.of(this.#stream, now), work, now);
  }
}
