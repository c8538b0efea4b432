import type { PeerId } from '@starling/kernel';
import type { SearchConfig } from './config.ts';
import { type Crossroads, type SeekPlan, spread, stepsToCheck } from './seek-strategy.ts';

/** How far the digests of a link tell: the neighbour's own terms, and those of its neighbours. */
export const digestRadius = 2;

/**
 * Walks that see two links ahead: every link has an attenuated Bloom filter of depth 2 (Rhea and Kubiatowicz, INFOCOM'02). A walker
 * goes where something is, the nearest first, also when its steps are over; where nothing is known, rather to neighbours with
 * many neighbours (GIA, SIGCOMM'03 §4.4), who see more.
 */
export function guidedPlan(config: SearchConfig): SeekPlan {
  return {
    name: 'guided',
    walkers: config.guidedWalkers,
    width: 1,
    fanout: config.guidedFanout,
    sight: digestRadius,
    steps: (depth) => stepsToCheck(config, config.guidedCheckSteps, depth),
    depart: (at) => {
      const promising = byNearness(at);
      // Where something is in sight nobody walks into the blue: the others stay until it is known whether that was enough.
      if (promising.length > 0) {
        return promising.slice(0, Math.min(at.walkers, at.wanted)).map((to) => ({ to, walkers: 1 }));
      }
      return spread(byDegree(at).slice(0, at.walkers), at.walkers).slice(0, at.linksMax);
    },
  };
}

/** Links that lead to something, nearest first. */
export function byNearness({ untried, nearness, rng }: Pick<Crossroads, 'untried' | 'nearness' | 'rng'>): PeerId[] {
  const near = untried.map((peer) => ({ peer, distance: nearness(peer) })).filter(({ distance }) => distance > 0);
  return rng
    .shuffle(near)
    .sort((a, b) => a.distance - b.distance)
    .map(({ peer }) => peer);
}

/** The others in an order in which one with twice as many neighbours is twice as likely to be first (Efraimidis and Spirakis, 2006). */
function byDegree({ untried, degree, rng }: Crossroads): PeerId[] {
  return untried
    .map((peer) => ({ peer, key: rng.float() ** (1 / Math.max(1, degree(peer))) }))
    .sort((a, b) => b.key - a.key)
    .map(({ peer }) => peer);
}
