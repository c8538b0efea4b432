import { defaultHyParViewConfig } from '@starling/core-hyparview';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { type BroadcastRecord, type Deliveries, relativeRedundancy } from '../measure/deliveries.ts';
import { flood, graphOf } from '../measure/graph.ts';
import { mean, summarize } from '../measure/summary.ts';
import type { Goal } from '../report.ts';
import { sampleOf } from './hyparview.ts';
import type { Scenario } from './scenario.ts';
import {
  activeGraph,
  anyLive,
  crashShare,
  livePeers,
  neighborsOf,
  oneByOne,
  paperViews,
  type Swarm,
  type SwarmPeer,
  type SwarmWorld,
  settledSwarm,
  swarmConfig,
} from './swarm.ts';

/** Publishes `count` messages, one every `everyMs`, each through whom `pick` says; then waits for stragglers. */
function publishMany(
  world: SwarmWorld,
  deliveries: Deliveries,
  count: number,
  everyMs: number,
  pick: () => SwarmPeer,
): BroadcastRecord[] {
  const records: BroadcastRecord[] = [];
  for (let i = 0; i < count; i++) {
    records.push(deliveries.publish(pick()));
    world.runUntil(world.now + everyMs);
  }
  world.runUntil(world.now + 10_000);
  return records;
}

/** Messages that a tree needs to form (Plumtree Fig. 2: three) and some more, before anything is measured. */
const warmUp = 20;

export const treeFig2: Scenario = {
  name: 'plumtree/fig2',
  about:
    'copies per delivery and hops to the last delivery, calm and with 0.5 % crashing per cycle (Plumtree Fig. 2–5)',
  engine: 'event',
  setup:
    'active 5, passive 30, one tree for all senders as in the paper, 1 ms per hop, 50 cycles to settle, then one broadcast per cycle of 1 s, the first 20 not counted',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 150,
  reduced: { peers: 80, seeds: 1 },
  goals: [
    {
      id: 'rmrFirst',
      what: 'RMR of the first broadcast',
      unit: '',
      paper: '2.0 (Fig. 2)',
      goal: null,
      judgedBy: 'mean',
    },
    {
      id: 'rmrThird',
      what: 'RMR of the third broadcast',
      unit: '',
      paper: '0.04 (Fig. 2)',
      goal: null,
      judgedBy: 'mean',
    },
    { id: 'rmrOne', what: 'RMR, one sender', unit: '', paper: '0', goal: { is: '≤', value: 0.01 }, judgedBy: 'mean' },
    {
      id: 'ldhOne',
      what: 'last hop, one sender',
      unit: 'hops',
      paper: '8–10',
      goal: { is: '≤', value: 9 },
      judgedBy: 'mean',
    },
    {
      id: 'rmrMany',
      what: 'RMR, many senders',
      unit: '',
      paper: '0',
      goal: { is: '≤', value: 0.01 },
      judgedBy: 'mean',
    },
    {
      id: 'ldhMany',
      what: 'last hop, many senders',
      unit: 'hops',
      paper: '17 optimised, 50–77 plain',
      goal: { is: '≤', value: 15 },
      judgedBy: 'mean',
    },
    {
      id: 'rmrChurn',
      what: 'RMR, 0.5 % crash per cycle',
      unit: '',
      paper: '≈ 0+',
      goal: { is: '≤', value: 0.05 },
      judgedBy: 'mean',
    },
    {
      id: 'reachChurn',
      what: 'reach, 0.5 % crash per cycle',
      unit: '%',
      paper: '100',
      goal: { is: '≥', value: 100 },
      judgedBy: 'worst',
    },
    {
      id: 'repeats',
      what: 'deliveries repeated',
      unit: '',
      paper: '0',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
  ],
  run(peers, seed) {
    const { world, deliveries, cycleMs } = settledSwarm({
      peers,
      seed,
      network: network(latencies.unit, { dialRoundTrips: 1 }),
      config: swarmConfig(paperViews, { hotMessages: Number.POSITIVE_INFINITY }),
      ...oneByOne,
    });
    const sender = anyLive(world);
    const one = publishMany(world, deliveries, warmUp + 50, cycleMs, () => sender);
    const many = publishMany(world, deliveries, warmUp + 50, cycleMs, () => anyLive(world)).slice(warmUp);
    const steady = one.slice(warmUp);
    const churn: BroadcastRecord[] = [];
    const reaches: number[] = [];
    for (let cycle = 0; cycle < 30; cycle++) {
      crashShare(world, 0.005);
      const record = deliveries.publish(anyLive(world));
      churn.push(record);
      world.runUntil(world.now + cycleMs);
    }
    world.runUntil(world.now + 10_000);
    const survivors = livePeers(world);
    for (const record of churn) {
      reaches.push((100 * survivors.filter(({ index }) => deliveries.has(record, index)).length) / survivors.length);
    }
    return sampleOf(world, seed, {
      rmrFirst: relativeRedundancy(one[0] as BroadcastRecord),
      rmrThird: relativeRedundancy(one[2] as BroadcastRecord),
      rmrOne: mean(steady.map(relativeRedundancy)),
      ldhOne: mean(steady.map(({ lastHop }) => lastHop)),
      rmrMany: mean(many.map(relativeRedundancy)),
      ldhMany: mean(many.map(({ lastHop }) => lastHop)),
      rmrChurn: mean(churn.map(relativeRedundancy)),
      reachChurn: Math.min(...reaches),
      repeats: deliveries.repeats,
    });
  },
};

/** Plumtree Fig. 6a, read off the curves: reach of the first broadcast after a share of the peers crashed. */
const firstBroadcast = [
  { share: 0.5, paper: '95', floor: 95 },
  { share: 0.6, paper: '56–84', floor: 56 },
  { share: 0.7, paper: '0–31', floor: 0 },
  { share: 0.8, paper: '0', floor: 0 },
] as const;

/** Percent of the survivors that a flood reaches when a share of the peers is gone and nothing is repaired; of ten draws the mean. */
function bareReach(world: SwarmWorld, share: number): number {
  const graph = activeGraph(world);
  const reaches = Array.from({ length: 10 }, () => {
    const survivors = world.rng.sample(graph.ids, graph.ids.length - Math.round(graph.ids.length * share));
    const left = graphOf(survivors.map((id) => ({ id, links: neighborsOf(world, id) })));
    return flood(left, 0).reached / survivors.length;
  });
  return 100 * mean(reaches);
}

export const treeFig6a: Scenario = {
  name: 'plumtree/fig6a',
  about: 'the first message after a share of the peers crashed at once (Plumtree Fig. 6a)',
  engine: 'event',
  setup:
    'passive 100, 1 ms per hop. "No repair": a flood over the links that are left, bounded by percolation. "Broadcast": sent through the product in the very moment, repairs included',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 310,
  reduced: { peers: 80, seeds: 1 },
  goals: firstBroadcast.flatMap(({ share, paper, floor }): Goal[] => [
    {
      id: `bare5-${share}`,
      what: `${Math.round(share * 100)} % fail, active 5, no repair`,
      unit: '%',
      paper,
      goal: { is: '≥', value: floor },
      peersMin: 2_000,
      judgedBy: 'mean',
    },
    {
      id: `bare7-${share}`,
      what: `${Math.round(share * 100)} % fail, active 7, no repair`,
      unit: '%',
      paper: '–',
      goal: share === 0.5 ? { is: '≥', value: 99 } : null,
      peersMin: 2_000,
      judgedBy: 'mean',
    },
    {
      id: `reach7-${share}`,
      what: `${Math.round(share * 100)} % fail, active 7, broadcast`,
      unit: '%',
      paper: '–',
      goal: { is: '≥', value: 99.9 },
      peersMin: 2_000,
      judgedBy: 'mean',
    },
    {
      id: `last7-${share}`,
      what: `${Math.round(share * 100)} % fail, active 7, its last delivery`,
      unit: 'ms',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
  ]),
  run(peers, seed) {
    const values: Record<string, number> = {};
    const hashes: string[] = [];
    let events = 0;
    const settled = (activeCapacity: number): Swarm =>
      settledSwarm({
        ...oneByOne,
        peers,
        seed,
        network: network(latencies.unit, { dialRoundTrips: 1 }),
        config: swarmConfig({ ...paperViews, activeCapacity, passiveCapacity: 100 }),
      });
    const five = settled(5);
    for (const { share } of firstBroadcast) values[`bare5-${share}`] = bareReach(five.world, share);
    for (const { share } of firstBroadcast) {
      const { world, deliveries } = settled(7);
      values[`bare7-${share}`] = bareReach(world, share);
      const sender = anyLive(world);
      publishMany(world, deliveries, 5, 1_000, () => sender);
      const live = crashShare(world, share);
      const record = deliveries.publish(anyLive(world));
      world.runUntil(world.now + 30_000);
      values[`reach7-${share}`] = (100 * record.delivered) / live;
      values[`last7-${share}`] = record.lastAt - record.publishedAt;
      hashes.push(world.traceHash);
      events += world.stats.events;
    }
    return { seed, values, traceHash: hashes.join('-'), violations: [], events };
  },
};

export const treeLatency: Scenario = {
  name: 'plumtree/latency',
  about: 'time to the last delivery over links of 10–50 ms, from one sender and from many (targets 10 and 11)',
  engine: 'event',
  setup:
    'the shipped views (active 7, passive 100), all joins through one contact, 50 cycles to settle, 30 messages 1 s apart after 20 that are not counted; rivals: iroh-gossip 0.101 in its own simulator',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 230,
  reduced: { peers: 80, seeds: 1 },
  goals: [
    {
      id: 'one-1000',
      what: '1,000 peers, one sender',
      unit: 'ms',
      paper: 'iroh 361',
      goal: { is: '≤', value: 200 },
      peersMin: 1_000,
      judgedBy: 'mean',
    },
    {
      id: 'many-1000',
      what: '1,000 peers, many senders',
      unit: 'ms',
      paper: 'iroh 606',
      goal: { is: '≤', value: 350 },
      peersMin: 1_000,
      judgedBy: 'mean',
    },
    {
      id: 'one',
      what: 'all peers, one sender',
      unit: 'ms',
      paper: 'iroh 1,423 (10k)',
      goal: { is: '≤', value: 270 },
      judgedBy: 'mean',
    },
    {
      id: 'many',
      what: 'all peers, many senders',
      unit: 'ms',
      paper: 'iroh 1,600 (10k)',
      goal: { is: '≤', value: 450 },
      judgedBy: 'mean',
    },
    {
      id: 'rmr',
      what: 'RMR, many senders',
      unit: '',
      paper: 'iroh 0.34 (10k)',
      goal: { is: '≤', value: 0.01 },
      judgedBy: 'mean',
    },
    { id: 'missed', what: 'deliveries missed', unit: '', paper: '0', goal: { is: '≤', value: 0 }, judgedBy: 'worst' },
  ],
  run(peers, seed) {
    const values: Record<string, number> = {};
    const hashes: string[] = [];
    let events = 0;
    let missed = 0;
    for (const size of peers > 1_000 ? [1_000, peers] : [peers]) {
      const { world, deliveries } = settledSwarm({
        peers: size,
        seed,
        network: network(latencies.uniform10to50),
        config: swarmConfig(defaultHyParViewConfig),
        ...oneByOne,
      });
      const sender = anyLive(world);
      const took = (records: readonly BroadcastRecord[]): number =>
        mean(records.slice(warmUp).map(({ lastAt, publishedAt }) => lastAt - publishedAt));
      const one = publishMany(world, deliveries, warmUp + 30, 1_000, () => sender);
      const many = publishMany(world, deliveries, warmUp + 30, 1_000, () => anyLive(world));
      for (const { delivered } of [...one, ...many]) missed += size - delivered;
      for (const suffix of size === 1_000 ? ['-1000', ...(size === peers ? [''] : [])] : ['']) {
        values[`one${suffix}`] = took(one);
        values[`many${suffix}`] = took(many);
      }
      values.rmr = mean(many.slice(warmUp).map(relativeRedundancy));
      hashes.push(world.traceHash);
      events += world.stats.events;
    }
    return { seed, values: { ...values, missed }, traceHash: hashes.join('-'), violations: [], events };
  },
};

export const ownTrees: Scenario = {
  name: 'plumtree/own-trees',
  about: 'hops to the last delivery from 64 senders that each have a tree of their own (target 9)',
  engine: 'event',
  setup:
    'active 5, passive 30, 1 ms per hop, 50 cycles to settle; each sender’s third message plants its tree (shipped: its 32nd within a minute), its fifth is measured, or the fourth; no tree is planted anew meanwhile (shipped: every 10 min); shared: 30 messages from the same senders before that, after 20 that are not counted',
  peers: 10_000,
  seeds: 10,
  cpuSeconds: 200,
  reduced: { peers: 80, seeds: 1 },
  goals: [
    {
      id: 'ldhOwn',
      what: 'last hop, own trees',
      unit: 'hops',
      paper: '17 optimised, 50–77 plain',
      goal: { is: '≤', value: 9 },
      judgedBy: 'mean',
    },
    { id: 'rmrOwn', what: 'RMR, own trees', unit: '', paper: '0', goal: { is: '≤', value: 0.01 }, judgedBy: 'mean' },
    { id: 'rmrPlanting', what: 'RMR of a planting', unit: '', paper: '2.0 (Fig. 2)', goal: null, judgedBy: 'mean' },
    {
      id: 'ldhShared',
      what: 'last hop, shared tree',
      unit: 'hops',
      paper: '17 optimised, 50–77 plain',
      goal: null,
      judgedBy: 'mean',
    },
    { id: 'missed', what: 'deliveries missed', unit: '', paper: '0', goal: { is: '≤', value: 0 }, judgedBy: 'worst' },
  ],
  run(peers, seed) {
    const { world, deliveries } = settledSwarm({
      peers,
      seed,
      network: network(latencies.unit, { dialRoundTrips: 1 }),
      config: swarmConfig(paperViews, { hotMessages: 3, replantMs: 3_600_000 }),
      ...oneByOne,
    });
    const senders = world.rng.sample(world.peers, Math.min(64, peers));
    let turn = 0;
    const inTurn = (): SwarmPeer => senders[turn++ % senders.length] as SwarmPeer;
    const shared = publishMany(world, deliveries, Math.min(50, senders.length), 200, inTurn).slice(warmUp);
    // The rest of the second messages, and the third.
    turn = 0;
    publishMany(world, deliveries, senders.length, 200, inTurn);
    const planting = publishMany(world, deliveries, senders.length, 200, inTurn);
    const own = publishMany(world, deliveries, 2 * senders.length, 200, inTurn).slice(senders.length);
    return sampleOf(world, seed, {
      ldhOwn: mean(own.map(({ lastHop }) => lastHop)),
      rmrOwn: mean(own.map(relativeRedundancy)),
      rmrPlanting: Math.max(...planting.map(relativeRedundancy)),
      ldhShared: mean(shared.map(({ lastHop }) => lastHop)),
      missed: deliveries.records.reduce((sum, { delivered }) => sum + peers - delivered, 0),
    });
  },
};

/** How many links a peer has: gossipsub's D, and the connections of the report's peers, over which they flood-publish. */
const gossipsubLinks = [8, 20] as const;

export const gossipsubBaseline: Scenario = {
  name: 'gossipsub/baseline',
  about:
    'the baseline of gossipsub’s evaluation: 1,000 peers, 100 of which publish 120 messages of 2 kB a second (target 12)',
  engine: 'event',
  setup:
    'active 8 (gossipsub’s D) and, in a second run, 20 (the connections of the report’s peers), one-way 50 ms ± 10 %, 50 cycles to settle; publishers in turn, a tree of its own for each with its 8th message (shipped: its 32nd within a minute), 10 s of load (the report: 3 min) after 1,200 messages that are not counted',
  peers: 1_000,
  seeds: 5,
  cpuSeconds: 430,
  reduced: { peers: 40, seeds: 1 },
  goals: [
    ...gossipsubLinks.flatMap((links): Goal[] => [
      {
        id: `p99-${links}`,
        what: `${links} links, delivery p99`,
        unit: 'ms',
        paper: '165 (D = 8: 139)',
        goal: { is: '≤', value: links === 8 ? 250 : 165 },
        judgedBy: 'mean',
      },
      {
        id: `max-${links}`,
        what: `${links} links, slowest delivery`,
        unit: 'ms',
        paper: '< 350',
        goal: null,
        judgedBy: 'mean',
      },
      {
        id: `rmr-${links}`,
        what: `${links} links, RMR`,
        unit: '',
        paper: '≈ 10',
        goal: { is: '≤', value: links === 8 ? 0.1 : 1 },
        judgedBy: 'mean',
      },
    ]),
    { id: 'missed', what: 'deliveries missed', unit: '', paper: '0', goal: { is: '≤', value: 0 }, judgedBy: 'worst' },
  ],
  run(peers, seed) {
    const values: Record<string, number> = {};
    const hashes: string[] = [];
    let events = 0;
    let missed = 0;
    for (const links of gossipsubLinks) {
      const { world, deliveries } = settledSwarm({
        peers,
        seed,
        network: network(latencies.gossipsub),
        config: swarmConfig(
          { ...defaultHyParViewConfig, activeCapacity: links, attemptsMax: 2 * links },
          { hotMessages: 8 },
        ),
        ...oneByOne,
      });
      const delays: number[] = [];
      let measured = false;
      world.observe({
        event: (_peer, event, now) => {
          if (measured && event.kind === 'delivered' && event.message.round > 0)
            delays.push(now - event.message.publishedAt);
        },
      });
      const publishers = world.rng.sample(world.peers, Math.ceil(peers / 10));
      let turn = 0;
      const inTurn = (): SwarmPeer => publishers[turn++ % publishers.length] as SwarmPeer;
      publishMany(world, deliveries, 12 * publishers.length, 1_000 / 120, inTurn);
      measured = true;
      const records = publishMany(world, deliveries, 12 * publishers.length, 1_000 / 120, inTurn);
      const { p99, max } = summarize(delays);
      values[`p99-${links}`] = p99;
      values[`max-${links}`] = max;
      values[`rmr-${links}`] = mean(records.map(relativeRedundancy));
      missed += deliveries.records.reduce((sum, { delivered }) => sum + peers - delivered, 0);
      hashes.push(world.traceHash);
      events += world.stats.events;
    }
    return { seed, values: { ...values, missed }, traceHash: hashes.join('-'), violations: [], events };
  },
};
