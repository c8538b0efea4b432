import type { Millis } from '@starling/kernel';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { faultEnd } from '../faults/fault.ts';
import { Injector } from '../faults/injector.ts';
import { summarize } from '../measure/summary.ts';
import { dsn02, lifeguardBaseline } from '../node/swim-node.ts';
import type { Sample } from '../report.ts';
import { MeshHarness, type MeshPeer, meshOf } from './mesh.ts';
import type { Scenario } from './scenario.ts';
import { type FalseDeaths, type Stalls, swimStalls } from './swim.ts';

/** A settled mesh of whole peers in three zones, and every loss of a neighbour in it. */
function settledMesh(peers: number, seed: number): { harness: MeshHarness; losses: Loss[] } {
  const harness = new MeshHarness({ seed, network: network(latencies.threeZones, { lingerMs: 0 }), isChecked: false });
  const losses: Loss[] = [];
  harness.world.observe({
    event: (by, event, now) => {
      if (event.kind !== 'neighborDown') return;
      if (event.reason === 'failed' || event.reason === 'suspected') losses.push({ by, of: event.peer.id, now });
    },
  });
  harness.start(peers, 20);
  harness.world.runUntil(harness.world.now + 30_000);
  return { harness, losses };
}

interface Loss {
  readonly by: MeshPeer;
  readonly of: string;
  readonly now: Millis;
}

function sampleOf({ world }: MeshHarness, seed: number, values: Readonly<Record<string, number>>): Sample {
  return { seed, values, traceHash: world.traceHash, violations: [], events: world.stats.events };
}

/** Peers that name `id` as a neighbour. */
function neighborsOf(harness: MeshHarness, id: string): MeshPeer[] {
  return harness.livePeers().filter((peer) => peer.info.id !== id && meshOf(peer).root.membership.isNeighbor(id));
}

/** From a loss to its notice by each neighbour that had not given the link up before. */
function noticeTimes(
  harness: MeshHarness,
  losses: readonly Loss[],
  victims: readonly MeshPeer[],
  watchMs: Millis,
  silently: boolean,
): number[] {
  const { world } = harness;
  const times: number[] = [];
  for (const victim of victims) {
    const before = neighborsOf(harness, victim.info.id);
    const begun = world.now;
    const known = losses.length;
    world.crash(victim, silently);
    world.runUntil(begun + watchMs);
    for (const neighbor of before) {
      const loss = losses.slice(known).find(({ by, of }) => by === neighbor && of === victim.info.id);
      // Still a neighbour at the end: never noticed. Gone for another reason: nothing to notice.
      if (loss !== undefined) times.push(loss.now - begun);
      else if (meshOf(neighbor).root.membership.isNeighbor(victim.info.id)) times.push(watchMs);
    }
  }
  return times;
}

export const crashDetection: Scenario = {
  name: 'crash-detection',
  about:
    'from a crash to its notice by the neighbours: process (the socket says so) and host (nobody says so) (target 15)',
  engine: 'event',
  setup: 'the shipped configuration, three zones; 20 crashes of each sort, one after the other',
  peers: 100,
  seeds: 30,
  cpuSeconds: 5,
  reduced: { peers: 32, seeds: 1 },
  goals: [
    {
      id: 'process',
      what: 'process crash, worst',
      unit: 'ms',
      paper: 'SWIM 1.58 periods',
      goal: { is: '≤', value: 100 },
      judgedBy: 'worst',
    },
    { id: 'hostMean', what: 'host loss, mean', unit: 'ms', paper: 'memberlist 12–15 s', goal: null, judgedBy: 'mean' },
    {
      id: 'hostP99',
      what: 'host loss, p99',
      unit: 'ms',
      paper: 'memberlist 12–15 s',
      goal: { is: '≤', value: 3_000 },
      judgedBy: 'mean',
    },
  ],
  run(peers, seed) {
    const { harness, losses } = settledMesh(peers, seed);
    const victims = harness.world.rng.sample(harness.livePeers(), Math.min(40, peers >> 1));
    const half = victims.length >> 1;
    const process = summarize(noticeTimes(harness, losses, victims.slice(0, half), 2_000, false));
    const host = summarize(noticeTimes(harness, losses, victims.slice(half), 10_000, true));
    return sampleOf(harness, seed, { process: process.max, hostMean: host.mean, hostP99: host.p99 });
  },
};

/** Stalls of Lifeguard's evaluation reach from 0.1 to 30 s. */
const stalls = [100, 500, 1_000, 1_900, 3_000, 8_000, 30_000] as const;

/** What `swimStalls` measures, in a mesh of ours: the directories of peers that did not stall. */
function meshStalls(peers: number, seed: number, stalls: Stalls): FalseDeaths {
  const { harness } = settledMesh(peers, seed);
  const { world } = harness;
  const stalled = new Set(world.rng.sample(harness.livePeers(), stalls.peers));
  const ids = new Set([...stalled].map(({ info }) => info.id));
  const counts: FalseDeaths = { innocent: 0, stalled: 0 };
  world.observe({
    event: (peer, event) => {
      if (event.kind !== 'memberDown' || stalled.has(peer)) return;
      if (ids.has(event.info.id)) counts.stalled++;
      else counts.innocent++;
    },
  });
  for (let i = 0; i < stalls.times; i++) {
    for (const peer of stalled) world.pause(peer, stalls.forMs);
    world.runUntil(world.now + stalls.forMs + stalls.awakeMs);
  }
  world.runUntil(world.now + 30_000);
  return counts;
}

export const stalledPeers: Scenario = {
  name: 'stalls',
  about: 'links given up, and peers listed as gone, because peers stall, beside plain SWIM (target 16)',
  engine: 'event',
  setup:
    'the shipped configuration, three zones; a tenth of the peers stalls at once, for each length in turn; counted are links to a stalled peer that were given up, and links between peers that did not stall. Then Lifeguard’s interval experiment: a tenth stalls for 16 s of every 17, for 2 min, among our peers and among SWIM’s (memberlist’s settings, as Lifeguard’s own baseline; DSN 2002’s with its 30 s of suspicion and without); counted: deaths of living peers that peers who did not stall list',
  peers: 100,
  seeds: 30,
  cpuSeconds: 14,
  reduced: { peers: 32, seeds: 1 },
  goals: [
    {
      id: 'short',
      what: 'links lost to stalls under 2 s',
      unit: '',
      paper: 'Lifeguard: fewer',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    {
      id: 'innocent',
      what: 'links lost between others',
      unit: '',
      paper: 'Lifeguard: > 50× fewer than SWIM',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    { id: 'long', what: 'links lost to stalls from 3 s on', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'gone',
      what: 'stalled peers not back after 30 s',
      unit: '',
      paper: '–',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    {
      id: 'falsely',
      what: 'interval: healthy peers listed, ours',
      unit: '',
      paper: '–',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    { id: 'swimFalsely', what: '… by SWIM', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'ratio',
      what: '… SWIM ÷ ours (0 counts as 1)',
      unit: '×',
      paper: 'Lifeguard > 50',
      goal: { is: '≥', value: 50 },
      peersMin: 100,
      judgedBy: 'mean',
    },
    { id: 'stalledGone', what: 'interval: stalled listed, ours', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'swimGone', what: '… by SWIM', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'dsnGone', what: '… by SWIM, DSN 2002', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'basicGone', what: '… without suspicion', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
  ],
  run(peers, seed) {
    const { harness, losses } = settledMesh(peers, seed);
    const { world } = harness;
    const counts = { short: 0, innocent: 0, long: 0, gone: 0 };
    for (const forMs of stalls) {
      const stalled = world.rng.sample(harness.livePeers(), Math.ceil(peers / 10));
      const ids = new Set(stalled.map(({ info }) => info.id));
      const known = losses.length;
      for (const peer of stalled) world.pause(peer, forMs);
      world.runUntil(world.now + forMs + 30_000);
      for (const { by, of } of losses.slice(known)) {
        // A stalled peer that finds its links gone when it wakes was not the one to give them up.
        if (ids.has(by.info.id)) continue;
        if (!ids.has(of)) counts.innocent++;
        else if (forMs < 2_000) counts.short++;
        else counts.long++;
      }
      counts.gone += stalled.filter((peer) => meshOf(peer).root.membership.activeView().length === 0).length;
    }
    const interval = { peers: Math.ceil(peers / 10), forMs: 16_000, awakeMs: 1_000, times: 7 };
    const ours = meshStalls(peers, seed, interval);
    const swim = swimStalls(lifeguardBaseline(peers), peers, seed, interval);
    const dsn = swimStalls(dsn02(peers), peers, seed, interval);
    const basic = swimStalls({ ...dsn02(peers), suspicionMs: 0 }, peers, seed, interval);
    return sampleOf(harness, seed, {
      ...counts,
      falsely: ours.innocent,
      swimFalsely: swim.innocent,
      ratio: swim.innocent / Math.max(1, ours.innocent),
      stalledGone: ours.stalled,
      swimGone: swim.stalled,
      dsnGone: dsn.stalled,
      basicGone: basic.stalled,
    });
  },
};

export const flipFlop: Scenario = {
  name: 'flip-flop',
  about: 'Rapid’s hard cases: 1 % of the peers hear nothing for 20 s of every 40, then send only a fifth (target 17)',
  engine: 'event',
  setup:
    'the shipped configuration, three zones; 1 % lose all they are sent, 20 s on and 20 s off, three times; counted: healthy peers that a healthy peer’s directory lists as gone, and times that a faulty peer was so listed while it flipped. Then 80 % loss of what they send, which breaks TCP: modelled as a cut outwards for 20 s',
  peers: 1_000,
  seeds: 3,
  cpuSeconds: 300,
  reduced: { peers: 32, seeds: 1 },
  goals: [
    {
      id: 'healthyGone',
      what: 'healthy peers listed as gone',
      unit: '',
      paper: 'Rapid 0',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    {
      id: 'flaps',
      what: 'times a faulty peer was listed as gone, worst',
      unit: '',
      paper: 'Rapid 1',
      goal: { is: '≤', value: 1 },
      judgedBy: 'worst',
    },
    {
      id: 'unhealed',
      what: 'peers without a neighbour at the end',
      unit: '',
      paper: '–',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
  ],
  run(peers, seed) {
    const { harness } = settledMesh(peers, seed);
    const { world } = harness;
    const faulty = world.rng.sample(harness.livePeers(), Math.max(1, Math.round(peers / 100)));
    const ids = new Set(faulty.map(({ info }) => info.id));
    const witness = harness.livePeers().find(({ info }) => !ids.has(info.id)) as MeshPeer;
    const healthyGone = new Set<string>();
    const flaps = new Map<string, number>();
    world.observe({
      event: (peer, event) => {
        if (event.kind !== 'memberDown' || ids.has(peer.info.id)) return;
        const { id } = event.info;
        if (!ids.has(id)) healthyGone.add(id);
        else if (peer === witness) flaps.set(id, (flaps.get(id) ?? 0) + 1);
      },
    });
    const injector = new Injector(world, { leave: () => {}, setDiscovery: () => {} });
    const indices = faulty.map(({ index }) => index);
    const fault = {
      kind: 'flipFlop',
      atMs: world.now,
      peers: indices,
      oneWay: true,
      onMs: 20_000,
      offMs: 20_000,
      forMs: 120_000,
    } as const;
    injector.schedule([fault]);
    world.runUntil(faultEnd(fault) + 30_000);
    const flapsMax = Math.max(0, ...flaps.values());
    injector.schedule([{ kind: 'partition', atMs: world.now, peers: indices, oneWay: true, forMs: 20_000 }]);
    world.runUntil(world.now + 60_000);
    return sampleOf(harness, seed, {
      healthyGone: healthyGone.size,
      flaps: flapsMax,
      unhealed: harness.livePeers().filter((peer) => meshOf(peer).root.membership.activeView().length === 0).length,
    });
  },
};
