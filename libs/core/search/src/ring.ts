import type { SearchConfig } from './config.ts';
import type { SeekPlan } from './seek-strategy.ts';

/** Links of one peer: more than the membership keeps. */
const linksMax = 64;

/**
 * Expanding ring (Lv et al., ICS'02 §4): everybody one link away, then two, until there is enough.
 *
 * Deviation: the paper's flood begins anew with each larger TTL. Here the inner rings remember the query, pass the next round
 * on to the outermost and search nothing twice.
 */
export function ringPlan(config: SearchConfig): SeekPlan {
  return {
    name: 'ring',
    walkers: 1,
    width: linksMax,
    fanout: Number.POSITIVE_INFINITY,
    sight: 0,
    steps: (depth) => (depth < config.hopsMax ? 1 : 0),
    // A ring's walker is a peer whose links are still to be tried: it goes over all of them at once.
    depart: ({ untried, rng }) => rng.shuffle(untried.slice()).map((to) => ({ to, walkers: 1 })),
  };
}
