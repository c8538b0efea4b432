import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { componentSizes, degrees, graphOf, pathLengths } from '../measure/graph.ts';
import { summarize } from '../measure/summary.ts';
import { WireMeter } from '../measure/wire-meter.ts';
import type { Sample } from '../report.ts';
import { MeshHarness, meshOf } from './mesh.ts';
import type { Scenario } from './scenario.ts';

export function meshSample({ world }: MeshHarness, seed: number, values: Readonly<Record<string, number>>): Sample {
  return { seed, values, traceHash: world.traceHash, violations: [], events: world.stats.events };
}

export function overlayOf(harness: MeshHarness): ReturnType<typeof graphOf> {
  return graphOf(
    harness.livePeers().map((peer) => ({
      id: peer.info.id,
      links: meshOf(peer)
        .root.membership.activeView()
        .map(({ id }) => id),
    })),
  );
}

export const bootstrap: Scenario = {
  name: 'bootstrap',
  about: 'how long a mesh takes to form when all peers start within a second (target 18)',
  engine: 'event',
  setup:
    'the shipped configuration, three zones, discovery names five random peers that already listen; joined: the first neighbour',
  peers: 2_000,
  seeds: 3,
  cpuSeconds: 1_200,
  reduced: { peers: 32, seeds: 1 },
  goals: [
    {
      id: 'readyMs',
      what: 'one component, all with ≥ 3 links, after the last start',
      unit: 'ms',
      paper: 'Rapid ≥ 2× faster than 95 s',
      goal: { is: '≤', value: 10_000 },
      judgedBy: 'worst',
    },
    {
      id: 'joinP99',
      what: 'from start to first neighbour, p99',
      unit: 'ms',
      paper: '–',
      goal: { is: '≤', value: 1_000 },
      judgedBy: 'worst',
    },
    {
      id: 'lastHop',
      what: 'flood over the overlay 60 s later, last hop',
      unit: 'hops',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
  ],
  run(peers, seed) {
    const harness = new MeshHarness({
      seed,
      network: network(latencies.threeZones, { lingerMs: 0 }),
      isChecked: false,
    });
    const { world } = harness;
    const startedAt: number[] = [];
    const joins: number[] = [];
    const joined = new Set<number>();
    world.observe({
      started: (peer, now) => {
        startedAt[peer.index] = now;
      },
      event: (peer, event, now) => {
        if (event.kind !== 'neighborUp' || joined.has(peer.index)) return;
        joined.add(peer.index);
        joins.push(now - (startedAt[peer.index] as number));
      },
    });
    harness.start(peers, 1_000 / peers);
    const begun = world.now;
    const isReady = (): boolean => {
      const graph = overlayOf(harness);
      return componentSizes(graph).length === 1 && degrees(graph).every((degree) => degree >= Math.min(3, peers - 1));
    };
    while (!isReady() && world.now < begun + 60_000) world.runUntil(world.now + 250);
    const readyMs = world.now - begun;
    // Joins that overlap leave an overlay that is less random than joins one by one: say how much less.
    world.runUntil(begun + 60_000);
    const { lastHop } = pathLengths(overlayOf(harness), world.rng, 100);
    return meshSample(harness, seed, { readyMs, joinP99: summarize(joins).p99, lastHop });
  },
};

export const idleCost: Scenario = {
  name: 'idle-cost',
  about:
    'bytes that an idle peer sends, everything included: pings, shuffles, directory, canary, acknowledgements (target 19)',
  engine: 'event',
  setup:
    'the shipped configuration, three zones, counted from 120 s after the last start for 120 s; sizes as computed for protobuf in HTTP/2, TLS and TCP; messages of one moment share a frame, and acknowledgements that nothing carries are segments of their own',
  peers: 1_000,
  seeds: 1,
  cpuSeconds: 250,
  reduced: { peers: 24, seeds: 1 },
  goals: [
    {
      id: 'bytes',
      what: 'sent per peer, mean',
      unit: 'B/s',
      paper: 'Memberlist 640, Rapid 710, ScaleCube 600',
      goal: { is: '≤', value: 700 },
      judgedBy: 'worst',
    },
    { id: 'membership', what: 'of which membership', unit: 'B/s', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'broadcast', what: 'of which broadcast', unit: 'B/s', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'liveness', what: 'of which liveness', unit: 'B/s', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'directory', what: 'of which directory repair', unit: 'B/s', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'acks', what: 'of which TCP acknowledgements', unit: 'B/s', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'messages', what: 'messages per peer', unit: '/s', paper: 'SWIM 2 per period', goal: null, judgedBy: 'mean' },
  ],
  run(peers, seed) {
    const harness = new MeshHarness({
      seed,
      network: network(latencies.threeZones, { lingerMs: 0 }),
      isChecked: false,
    });
    const { world } = harness;
    harness.start(peers, 5);
    world.runUntil(world.now + 120_000);
    const seconds = 120;
    const meter = new WireMeter();
    world.observe({ sent: (from, to, message, now) => meter.sent(from.index, to.index, message, now) });
    world.runUntil(world.now + seconds * 1_000);
    const each = (total: number): number => total / seconds / peers;
    const { membership, broadcast, liveness, directory, acks } = meter.bytes;
    return meshSample(harness, seed, {
      bytes: each(meter.total),
      membership: each(membership),
      broadcast: each(broadcast),
      liveness: each(liveness),
      directory: each(directory),
      acks: each(acks),
      messages: each(meter.messages),
    });
  },
};
