import { defaultHyParViewConfig } from '@starling/core-hyparview';
import { defaultMeshConfig } from '@starling/mesh';
import { type Latency, latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { componentSizes, type Graph } from '../measure/graph.ts';
import { summarize } from '../measure/summary.ts';
import type { Goal } from '../report.ts';
import { sampleOf } from './hyparview.ts';
import { MeshHarness, type MeshPeer, meshOf } from './mesh.ts';
import { meshSample, overlayOf } from './operation.ts';
import type { RunVariation, Scenario } from './scenario.ts';
import { activeGraph, anyLive, livePeers, neighborsOf, settledSwarm, swarmConfig } from './swarm.ts';

const settleMs = 180_000;
const uncounted = 40;
const counted = 30;

/** Lets a mesh form over five clusters and get its links in order, then measures what messages from random peers cost. */
function across(latency: Latency, rankedPlaces: boolean, peers: number, seed: number) {
  const harness = new MeshHarness({
    seed,
    network: network(latency, { lingerMs: 0 }),
    config: {
      ...defaultMeshConfig,
      hyparview: { ...defaultHyParViewConfig, rankedPlaces },
    },
    isChecked: false,
  });
  const { world } = harness;
  harness.start(peers, 5);
  world.runUntil(world.now + settleMs);
  const delays: number[] = [];
  const first = new Set<string>();
  let crossing = 0;
  let payloads = 0;
  let isMeasured = false;
  world.observe({
    sent: (from, to, message) => {
      if (!isMeasured || message.area !== 'broadcast' || message.message.kind !== 'gossip') return;
      if (message.message.body.kind !== 'user') return;
      payloads++;
      if (from.zone !== to.zone) crossing++;
    },
    handled: (peer, now, input) => {
      if (!isMeasured || input.kind !== 'message' || input.message.area !== 'broadcast') return;
      const { message } = input.message;
      if (message.kind !== 'gossip' || message.body.kind !== 'user') return;
      const copy = `${peer.index} ${message.stream} ${message.seq}`;
      if (!first.has(copy)) delays.push(now - message.publishedAt);
      first.add(copy);
    },
  });
  for (let i = 0; i < uncounted + counted; i++) {
    isMeasured = i >= uncounted;
    harness.publish(world.peers[world.rng.below(peers)] as MeshPeer);
    world.runUntil(world.now + 1_000);
  }
  const graph = overlayOf(harness);
  let linksAcross = 0;
  for (const peer of world.peers) {
    for (const { id } of meshOf(peer).root.membership.activeView()) {
      if (world.find(id)?.zone !== peer.zone) linksAcross++;
    }
  }
  return { harness, values: valuesOf({ delays, crossing, payloads, linksAcross, graph }, peers) };
}

/** What was seen of the messages that count, and of the links. */
interface Seen {
  readonly delays: number[];
  readonly crossing: number;
  readonly payloads: number;
  readonly linksAcross: number;
  readonly graph: Graph;
}

function valuesOf({ delays, crossing, payloads, linksAcross, graph }: Seen, peers: number): Record<string, number> {
  return {
    p99: summarize(delays).p99,
    crossing: crossing / counted,
    rmr: payloads / counted / (peers - 1) - 1,
    crossingLinks: (100 * linksAcross) / graph.targets.length,
    components: componentSizes(graph).length,
  };
}

const rows: readonly Goal[] = [
  {
    id: 'p99',
    what: 'delivery p99',
    unit: 'ms',
    paper: 'random 177, 4 + 1 ideal 40',
    goal: { is: '≤', value: 42 },
    judgedBy: 'mean',
  },
  {
    id: 'crossing',
    what: 'payloads that cross, per message',
    unit: '',
    paper: 'random 2,713, 4 + 1 521',
    goal: { is: '≤', value: 25 },
    judgedBy: 'mean',
  },
  { id: 'rmr', what: 'RMR', unit: '', paper: '0', goal: { is: '≤', value: 0.01 }, judgedBy: 'mean' },
  {
    id: 'crossingLinks',
    what: 'links that cross',
    unit: '%',
    paper: 'random 80, 4 + 1 16',
    goal: null,
    judgedBy: 'mean',
  },
  { id: 'components', what: 'components', unit: '', paper: '–', goal: { is: '≤', value: 1 }, judgedBy: 'worst' },
];

const workload = `180 s to settle, ${counted} messages from random peers after ${uncounted} that are not counted; a random overlay of degree 5 needs 177 ms and 2,713 crossings, the ideal 35 ms and 4`;

export const zones: Scenario = {
  name: 'zones',
  about: 'five clusters, 0.5 ms inside and 35 ms across: delivery and payloads that cross (target 14)',
  engine: 'event',
  setup: `the shipped configuration (active ${defaultHyParViewConfig.activeCapacity}); ${workload}`,
  // Each peer knows all others: 5,000, the size of the goal, want some 50 GB. `zones/swarm` has that size.
  peers: 1_000,
  seeds: 1,
  cpuSeconds: 250,
  reduced: { peers: 32, seeds: 1 },
  goals: rows,
  run(peers, seed) {
    const { harness, values } = across(latencies.fiveClusters, defaultHyParViewConfig.rankedPlaces, peers, seed);
    return meshSample(harness, seed, values);
  },
};

export const swarmZones: Scenario = {
  name: 'zones/swarm',
  about: 'the same five clusters at the size of target 14: membership and broadcast alone',
  engine: 'event',
  setup: `the shipped views (active ${defaultHyParViewConfig.activeCapacity}, passive ${defaultHyParViewConfig.passiveCapacity}) and trees, and nothing else of a peer, joined 5 ms apart through one contact; ${workload}`,
  peers: 5_000,
  seeds: 1,
  cpuSeconds: 100,
  reduced: { peers: 60, seeds: 1 },
  goals: rows,
  run(peers, seed) {
    const { world, deliveries } = settledSwarm({
      peers,
      seed,
      network: network(latencies.fiveClusters),
      config: swarmConfig(defaultHyParViewConfig),
      joinEveryMs: 5,
      cycles: settleMs / defaultHyParViewConfig.shuffleFastIntervalMs,
    });
    const delays: number[] = [];
    let crossing = 0;
    let payloads = 0;
    // The body of a broadcast is which one it is.
    world.observe({
      sent: (from, to, message) => {
        if (message.kind !== 'gossip' || message.body < uncounted) return;
        payloads++;
        if (from.zone !== to.zone) crossing++;
      },
      event: (_peer, event, now) => {
        if (event.kind !== 'delivered' || event.from === null || event.message.body < uncounted) return;
        delays.push(now - event.message.publishedAt);
      },
    });
    for (let i = 0; i < uncounted + counted; i++) {
      deliveries.publish(anyLive(world));
      world.runUntil(world.now + 1_000);
    }
    const graph = activeGraph(world);
    const linksAcross = livePeers(world).reduce(
      (sum, peer) => sum + neighborsOf(world, peer.info.id).filter((id) => world.find(id)?.zone !== peer.zone).length,
      0,
    );
    return sampleOf(world, seed, valuesOf({ delays, crossing, payloads, linksAcross, graph }, peers));
  },
};

const unnamedVariants = [
  ['unranked', false],
  ['ranked', true],
] as const;

export const unnamedZones: Scenario = {
  name: 'zones/unnamed',
  about:
    'the same five clusters, when no peer was told its own (STARLING_ZONE): what near links by round trip are worth',
  engine: 'event',
  setup: `"unranked": places as in the paper, far links swapped for those of a short round trip; "ranked": places by rank, which do not ask for round trips; else as shipped; ${workload}`,
  peers: 1_000,
  seeds: 1,
  cpuSeconds: 700,
  reduced: { peers: 32, seeds: 1 },
  variants: unnamedVariants.map(([variant]) => variant),
  goals: unnamedVariants.flatMap(([variant]) =>
    rows.map((row) => ({ ...row, id: `${variant}-${row.id}`, what: `${variant}: ${row.what}`, goal: null })),
  ),
  run(peers, seed, { variant: wanted }: RunVariation = {}) {
    const values: Record<string, number> = {};
    const hashes: string[] = [];
    let events = 0;
    for (const [variant, isRanked] of unnamedVariants) {
      if (wanted !== undefined && wanted !== variant) continue;
      const { harness, values: seen } = across(latencies.fiveUnnamedClusters, isRanked, peers, seed);
      for (const [id, value] of Object.entries(seen)) values[`${variant}-${id}`] = value;
      hashes.push(harness.world.traceHash);
      events += harness.world.stats.events;
    }
    return { seed, values, traceHash: hashes.join('-'), violations: [], events };
  },
};
