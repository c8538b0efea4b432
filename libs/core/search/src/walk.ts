import type { SearchConfig } from './config.ts';
import { type SeekPlan, spread, stepsToCheck } from './seek-strategy.ts';

/**
 * k random walks (Lv et al., ICS'02 §5). A walker never goes back, nor to where another has been: a peer knows over which links
 * the query went, and walkers that stand together part.
 *
 * Deviation: the paper's walker asks its origin every 4 steps, straight. Here a straight word is a new TLS connection, dearer
 * than a hundred messages over links that are up; so it goes home along its path, first after 4 steps, then at each doubling.
 */
export function walkPlan(config: SearchConfig): SeekPlan {
  return {
    name: 'walk',
    walkers: config.walkers,
    width: 1,
    fanout: Number.POSITIVE_INFINITY,
    sight: 0,
    steps: (depth) => stepsToCheck(config, config.walkCheckSteps, depth),
    depart: ({ untried, walkers, rng }) => spread(rng.sample(untried, walkers), walkers),
  };
}
