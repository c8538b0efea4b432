import { latencies } from '../engine/latency.ts';
import { cycleNetwork, network } from '../engine/network.ts';
import { clustering, componentSizes, degrees, flood, oneSidedLinks, pathLengths } from '../measure/graph.ts';
import { mean } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import type { Scenario } from './scenario.ts';
import { activeGraph, crashShare, oneByOne, paperViews, type SwarmWorld, settledSwarm, swarmConfig } from './swarm.ts';

/** Shares of the peers that fail, and what the paper's Fig. 2 and Fig. 4 show for each, read off the curves. */
const failures = [
  { share: 0.5, reliability: '100 (Fig. 2)', cycles: '1 (Fig. 4)' },
  { share: 0.8, reliability: '100 (Fig. 2)', cycles: '2 (Fig. 4)' },
  { share: 0.9, reliability: '100 (Fig. 2)', cycles: '4 (Fig. 4)' },
  { share: 0.95, reliability: '91 (Fig. 2)', cycles: '–' },
] as const;

const percent = (share: number): number => Math.round(share * 100);

/** Passive 100: what the product ships, and what brings 95 % through. */
const failureViews = { ...paperViews, passiveCapacity: 100 };

export const table1: Scenario = {
  name: 'hyparview/table1',
  about: 'the shape of the overlay after 50 cycles (HyParView Table 1, Fig. 5)',
  engine: 'cycle',
  setup: 'active 5, passive 30, all joins through one contact, then 50 shuffle cycles',
  peers: 10_000,
  seeds: 30,
  cpuSeconds: 30,
  reduced: { peers: 200, seeds: 2 },
  goals: [
    {
      id: 'clustering',
      what: 'clustering',
      unit: '',
      paper: '0.00092',
      goal: { is: '≤', value: 0.0009 },
      peersMin: 10_000,
      judgedBy: 'mean',
    },
    {
      id: 'path',
      what: 'mean shortest path',
      unit: 'hops',
      paper: '6.385',
      goal: { is: '≤', value: 6.4 },
      judgedBy: 'mean',
    },
    {
      id: 'lastHop',
      what: 'flood, last hop',
      unit: 'hops',
      paper: '9.0',
      goal: { is: '≤', value: 8.5 },
      judgedBy: 'mean',
    },
    {
      id: 'full',
      what: 'peers at full degree',
      unit: '%',
      paper: '≈ all',
      goal: { is: '≥', value: 99.8 },
      peersMin: 2_000,
      judgedBy: 'mean',
    },
    { id: 'least', what: 'smallest degree', unit: 'links', paper: '–', goal: { is: '≥', value: 2 }, judgedBy: 'worst' },
    { id: 'components', what: 'components', unit: '', paper: '1', goal: { is: '≤', value: 1 }, judgedBy: 'worst' },
    {
      id: 'oneSided',
      what: 'links known at one end only',
      unit: '',
      paper: '0',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
  ],
  run(peers, seed) {
    const { world } = settledSwarm({
      peers,
      seed,
      network: cycleNetwork,
      config: swarmConfig(paperViews),
      joinEveryMs: 1,
      cycles: 50,
    });
    const graph = activeGraph(world);
    const { mean: path, lastHop } = pathLengths(graph, world.rng, 500);
    const links = degrees(graph);
    const values = {
      clustering: clustering(graph),
      path,
      lastHop,
      full: (100 * links.filter((degree) => degree >= paperViews.activeCapacity).length) / peers,
      least: Math.min(...links),
      components: componentSizes(graph).length,
      oneSided: oneSidedLinks(graph),
    };
    return sampleOf(world, seed, values);
  },
};

/** Floods on the views as they stand at its moment, from random survivors; the share of the living that it reaches. */
function reliability(world: SwarmWorld, floods: number): number {
  const graph = activeGraph(world);
  const depths = new Int32Array(graph.ids.length);
  const shares = Array.from(
    { length: floods },
    () => flood(graph, world.rng.below(graph.ids.length), depths).reached / graph.ids.length,
  );
  return mean(shares);
}

export const fig2: Scenario = {
  name: 'hyparview/fig2',
  about: 'reliability of 1,000 messages after a share of the peers crashed at once (HyParView Fig. 2)',
  engine: 'event',
  setup:
    'active 5, passive 100 (paper: 30), 1 ms per hop, crashes seen by every neighbour; a flood every 10 ms, each on the views of its moment, reach counted over all survivors',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 200,
  reduced: { peers: 80, seeds: 1 },
  goals: failures.flatMap(({ share, reliability: paper }): Goal[] => [
    {
      id: `mean${percent(share)}`,
      what: `${percent(share)} % fail: mean reach`,
      unit: '%',
      paper,
      goal: { is: '≥', value: share > 0.9 ? 99.5 : 99.8 },
      peersMin: 2_000,
      judgedBy: 'mean',
    },
    {
      id: `last${percent(share)}`,
      what: `${percent(share)} % fail: reach of the last 100`,
      unit: '%',
      paper: '–',
      goal: null,
      judgedBy: 'worst',
    },
  ]),
  run(peers, seed) {
    const values: Record<string, number> = {};
    let world: SwarmWorld | undefined;
    let events = 0;
    const hashes: string[] = [];
    for (const { share } of failures) {
      world = settledSwarm({ ...failureSwarm, peers, seed }).world;
      crashShare(world, share);
      const messages: number[] = [];
      for (let i = 0; i < 1_000; i++) {
        messages.push(100 * reliability(world, 1));
        world.runUntil(world.now + 10);
      }
      values[`mean${percent(share)}`] = mean(messages);
      values[`last${percent(share)}`] = mean(messages.slice(-100));
      events += world.stats.events;
      hashes.push(world.traceHash);
    }
    return { seed, values, traceHash: hashes.join('-'), violations: [], events };
  },
};

const failureSwarm = {
  network: network(latencies.unit, { dialRoundTrips: 1 }),
  config: swarmConfig(failureViews),
  ...oneByOne,
} as const;

/** Ticks of one second that healing may take before it counts as not healed. */
const healingTicksMax = 10;

export const fig4: Scenario = {
  name: 'hyparview/fig4',
  about: 'cycles until floods reach as many as before the crash (HyParView Fig. 4)',
  engine: 'event',
  setup: 'as hyparview/fig2; a cycle is one keep-alive tick of 1 s; healed: 20 floods reach 99.9 % of the survivors',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 190,
  reduced: { peers: 80, seeds: 1 },
  goals: failures.map(({ share, cycles }) => ({
    id: `ticks${percent(share)}`,
    what: `${percent(share)} % fail`,
    unit: 'cycles',
    paper: cycles,
    goal: { is: '≤', value: share > 0.9 ? 2 : 1 },
    peersMin: 2_000,
    judgedBy: 'mean',
  })),
  run(peers, seed) {
    const values: Record<string, number> = {};
    let events = 0;
    const hashes: string[] = [];
    for (const { share } of failures) {
      const { world } = settledSwarm({ ...failureSwarm, peers, seed });
      crashShare(world, share);
      let ticks = 0;
      while (ticks < healingTicksMax) {
        world.runUntil(world.now + 1_000);
        ticks++;
        if (reliability(world, 20) >= 0.999) break;
      }
      values[`ticks${percent(share)}`] = ticks;
      events += world.stats.events;
      hashes.push(world.traceHash);
    }
    return { seed, values, traceHash: hashes.join('-'), violations: [], events };
  },
};

/** A sample of one world that broke nothing. */
export function sampleOf(world: SwarmWorld, seed: number, values: Readonly<Record<string, number>>): Sample {
  return { seed, values, traceHash: world.traceHash, violations: [], events: world.stats.events };
}
