import type { Millis } from '@starling/kernel';
import type { DirectoryConfig } from './config.ts';

/** How often a peer was listed as gone and came back by its own word, and how long ago: RFC 2439's figure of merit. */
export interface Flaps {
  /** Each return adds one; it halves every `flapHalfLifeMs`. */
  readonly penalty: number;
  readonly at: Millis;
}

export const noFlaps: Flaps = Object.freeze({ penalty: 0, at: 0 });

/** A refutation raises the incarnation by one, a restart to the time of the new start: only the former is a flap. */
const refutationsMax = 64;

/** After a peer that was dead in one incarnation is up in another. */
export function flapped(config: DirectoryConfig, flaps: Flaps, now: Millis, raisedBy: number): Flaps {
  return raisedBy > refutationsMax ? noFlaps : { penalty: penaltyAt(config, flaps, now) + 1, at: now };
}

/**
 * How much longer than others a flapping peer has to be silent before it is listed as gone again. RFC 2439 suppresses a route that
 * flaps; a peer that flaps stays listed, for that is what costs the others nothing, and half of the time it is there.
 */
export function flapHoldMs(config: DirectoryConfig, flaps: Flaps, now: Millis): Millis {
  const penalty = penaltyAt(config, flaps, now);
  return penalty < 0.5 ? 0 : Math.min(config.flapHoldMaxMs, config.flapHoldMs * Math.ceil(penalty));
}

function penaltyAt({ flapHalfLifeMs }: DirectoryConfig, { penalty, at }: Flaps, now: Millis): number {
  return penalty * 2 ** (-(now - at) / flapHalfLifeMs);
}
