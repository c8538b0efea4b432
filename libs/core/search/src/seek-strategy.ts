import type { PeerId, Rng } from '@starling/kernel';
import type { SearchConfig } from './config.ts';
import type { SeekStrategy } from './messages.ts';

/** What a strategy chooses from at one peer. */
export interface Crossroads {
  /** Links that this query has not gone over yet. Never empty. */
  readonly untried: readonly PeerId[];
  /** Walkers that stand here; at least 1. */
  readonly walkers: number;
  /** Links over which they may go into the blue; at least 1. */
  readonly linksMax: number;
  /** Hits that are wanted; at least 1. */
  readonly wanted: number;
  readonly rng: Rng;
  /** What a neighbour said is there: 1 it has the terms itself, 2 one of its neighbours has, 0 nothing known. */
  nearness(peer: PeerId): number;
  /** How many neighbours a neighbour has; 1 when it did not say. */
  degree(peer: PeerId): number;
}

/** Where walkers go. Each link at most once. */
export interface Departure {
  readonly to: PeerId;
  readonly walkers: number;
}

/**
 * What tells one seek from another: how many walkers leave the origin, how far they go before they check back, and over which
 * links. Everything else (budget, deadlines, duplicates, what is missing) is the `Seeker`'s and the same for all.
 */
export interface SeekPlan {
  readonly name: SeekStrategy;
  readonly walkers: number;
  /** Links that one walker may take at once: what a step can cost. */
  readonly width: number;
  /**
   * Over how many links a peer that is not the origin lets walkers go into the blue in one round; the others wait for the next one.
   * Infinity: all leave at once.
   */
  readonly fanout: number;
  /** How far digests tell: walkers may go so much further where something is near. */
  readonly sight: number;
  /** Steps of a round when walkers are `depth` steps from the origin. */
  steps(depth: number): number;
  /** Over which links the walkers of one peer go on. Those that are not named stay. */
  depart(at: Crossroads): Departure[];
}

/** How far until the next check: to `first`, then each time `growth` times as far from the origin. */
export function stepsToCheck(config: SearchConfig, first: number, depth: number): number {
  const next = depth < first ? first : Math.max(depth + first, Math.floor(depth * config.checkGrowth));
  const steps = config.checkGrowth > 1 ? next - depth : first;
  return Math.max(0, Math.min(steps, config.stepsMax - depth));
}

/** `walkers` over links in the given order, as evenly as they go. */
export function spread(links: readonly PeerId[], walkers: number): Departure[] {
  const used = Math.min(links.length, walkers);
  const each = Math.floor(walkers / used);
  const more = walkers % used;
  return links.slice(0, used).map((to, at) => ({ to, walkers: each + (at < more ? 1 : 0) }));
}
