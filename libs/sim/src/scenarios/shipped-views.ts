import { defaultHyParViewConfig, type HyParViewConfig } from '@starling/core-hyparview';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { clustering, componentSizes, degrees, flood, oneSidedLinks, pathLengths } from '../measure/graph.ts';
import { mean } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import type { RunVariation, Scenario } from './scenario.ts';
import {
  activeGraph,
  crashShare,
  livePeers,
  nodeOf,
  oneByOne,
  type SwarmWorld,
  settledSwarm,
  swarmConfig,
} from './swarm.ts';

const shares = [50, 80, 90, 95] as const;
const messages = 1_000;
const messageMs = 10;
const tickMs = 1_000;

/** The product's views, and the same with the paper's rule for places. The last has goals. */
const variants: readonly (readonly [name: string, views: HyParViewConfig])[] = [
  ['unranked', { ...defaultHyParViewConfig, rankedPlaces: false }],
  ['shipped', defaultHyParViewConfig],
];

function rows(variant: string, hasGoals: boolean): Goal[] {
  const row = (id: string, what: string, unit: string, goal: Goal['goal'], judgedBy: Goal['judgedBy']): Goal => ({
    id: `${variant}-${id}`,
    what: `${variant}: ${what}`,
    unit,
    paper: '–',
    goal: hasGoals ? goal : null,
    peersMin: 2_000,
    judgedBy,
  });
  return [
    row('full50', 'peers with all links after 50 cycles', '%', null, 'mean'),
    row('full100', '… after 100', '%', { is: '≥', value: 99.8 }, 'mean'),
    row('least', 'fewest links then', 'links', { is: '≥', value: 2 }, 'worst'),
    row('components', 'components', '', { is: '≤', value: 1 }, 'worst'),
    row('oneSided', 'links known at one end only', '', { is: '≤', value: 0 }, 'worst'),
    row('clustering', 'clustering', '', null, 'mean'),
    row('path', 'mean shortest path', 'hops', null, 'mean'),
    row('lastHop', 'flood, last hop', 'hops', null, 'mean'),
    ...shares.flatMap((share) => [
      row(`reach${share}`, `${share} % fail: mean reach`, '%', { is: '≥', value: share > 90 ? 99.5 : 99.8 }, 'mean'),
      row(`ticks${share}`, `${share} % fail: healed after`, 'ticks', { is: '≤', value: share > 90 ? 2 : 1 }, 'mean'),
      row(`full${share}`, `${share} % fail: peers with all links 10 s later`, '%', null, 'mean'),
      row(`parts${share}`, `${share} % fail: components then`, '', { is: '≤', value: 1 }, 'worst'),
    ]),
  ];
}

function settled(views: HyParViewConfig, peers: number, seed: number): SwarmWorld {
  const config = swarmConfig(views);
  return settledSwarm({ peers, seed, network: network(latencies.unit, { dialRoundTrips: 1 }), config, ...oneByOne })
    .world;
}

/** The peers that have as many links as they look for. */
function fullShare(world: SwarmWorld): number {
  const cores = livePeers(world).map((peer) => nodeOf(peer).membership);
  return (100 * cores.filter((core) => core.activeView().length >= core.linksWanted).length) / cores.length;
}

function shape(views: HyParViewConfig, peers: number, seed: number): [SwarmWorld, Record<string, number>] {
  const world = settled(views, peers, seed);
  const full50 = fullShare(world);
  world.runUntil(world.now + 50 * views.shuffleFastIntervalMs);
  const graph = activeGraph(world);
  const links = degrees(graph);
  const { mean: path, lastHop } = pathLengths(graph, world.rng, 500);
  return [
    world,
    {
      full50,
      full100: fullShare(world),
      least: Math.min(...links),
      components: componentSizes(graph).length,
      oneSided: oneSidedLinks(graph),
      clustering: clustering(graph),
      path,
      lastHop,
    },
  ];
}

/** The share of the living that one flood reaches on the views as they stand, from a random one. */
function reach(world: SwarmWorld): number {
  const graph = activeGraph(world);
  const depths = new Int32Array(graph.ids.length);
  return (100 * flood(graph, world.rng.below(graph.ids.length), depths).reached) / graph.ids.length;
}

/** As hyparview/fig2 and fig4, in one run: a thousand floods from the crash on, one each 10 ms. */
function crash(
  views: HyParViewConfig,
  peers: number,
  seed: number,
  share: number,
): [SwarmWorld, Record<string, number>] {
  const world = settled(views, peers, seed);
  crashShare(world, share / 100);
  const reached: number[] = [];
  let ticks = (messages * messageMs) / tickMs;
  for (let i = 0; i < messages; i++) {
    reached.push(reach(world));
    world.runUntil(world.now + messageMs);
    const isTick = ((i + 1) * messageMs) % tickMs === 0;
    if (isTick && Math.min(...reached.slice(-20)) >= 99.9) ticks = Math.min(ticks, ((i + 1) * messageMs) / tickMs);
  }
  const graph = activeGraph(world);
  return [
    world,
    {
      [`reach${share}`]: mean(reached),
      [`ticks${share}`]: ticks,
      [`full${share}`]: fullShare(world),
      [`parts${share}`]: componentSizes(graph).length,
    },
  ];
}

/** Membership as it is shipped, at its own view sizes: the papers' scenarios have theirs. */
export const shippedViews: Scenario = {
  name: 'hyparview/shipped',
  about: 'the overlay of the shipped membership, and what is left of it after crashes (targets 1, 3 and 6)',
  engine: 'event',
  setup:
    'active 7, passive 100, joins one by one through one contact, 1 ms per hop; membership and broadcast alone, so that no directory tells who is there; each crash in a mesh of its own after 50 cycles: a flood every 10 ms for 10 s, reach over all survivors; healed: the last 20 floods of a second each reach 99.9 %; "unranked": places as in the paper',
  peers: 2_000,
  seeds: 5,
  cpuSeconds: 170,
  reduced: { peers: 32, seeds: 1 },
  variants: variants.map(([variant]) => variant),
  goals: variants.flatMap(([variant], i) => rows(variant, i === variants.length - 1)),
  run(peers, seed, { variant: wanted }: RunVariation = {}): Sample {
    const values: Record<string, number> = {};
    const hashes: string[] = [];
    let events = 0;
    for (const [variant, views] of variants) {
      if (wanted !== undefined && wanted !== variant) continue;
      const parts = [shape(views, peers, seed), ...shares.map((share) => crash(views, peers, seed, share))];
      for (const [world, measured] of parts) {
        for (const [id, value] of Object.entries(measured)) values[`${variant}-${id}`] = value;
        hashes.push(world.traceHash);
        events += world.stats.events;
      }
    }
    return { seed, values, traceHash: hashes.join('-'), violations: [], events };
  },
};
