import { Rng } from '@starling/kernel';
import { checkOverlay } from '../checkers/views.ts';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { describeFault, type Fault, faultEnd } from '../faults/fault.ts';
import { Injector } from '../faults/injector.ts';
import { drawPlan } from '../faults/plan.ts';
import type { Sample } from '../report.ts';
import { MeshHarness, type MeshPeer, meshOf } from './mesh.ts';
import type { RunVariation, Scenario } from './scenario.ts';

/** The networks that seeds go through. */
const networks = [latencies.lan, latencies.threeZones, latencies.uniform10to50, latencies.fiveContinents] as const;

const startEveryMs = 20;
/** From the last start to the first fault. */
const settleMs = 8_000;
/** Faults begin within this span. */
const faultsMs = 24_000;
const publishEveryMs = 500;
/** From the last fault's end until all must hold again: two rounds of discovery, and what waits in every back-off. */
const recoverMs = 90_000;
/** From the last fault's end to the first look: what breaks a little later shows too. */
const firstLookMs = 10_000;
/** Between two looks. What was whole, or broken, at one of them only does not count: two ends of a link change their minds one after the other. */
const lookEveryMs = 5_000;
/** One seed of so many is watched to the end however early it is whole: for what breaks late. */
const watchedToTheEnd = 10;
/** Messages published so late are still on their way when somebody looks. */
const lastWordMs = 10_000;

/** The faults of a seed. `only` keeps those with these numbers: what shrinking does. */
export function planOf(peers: number, seed: number, only?: readonly number[]): Fault[] {
  const rng = new Rng(seed ^ 0x5eed);
  const fromMs = peers * startEveryMs + settleMs;
  const plan = drawPlan(seed, rng, { peers, fromMs, toMs: fromMs + faultsMs, count: 1 + rng.below(4) });
  return only === undefined ? plan : plan.filter((_, number) => only.includes(number));
}

/** What must hold again once faults have stopped. */
function livenessViolations(harness: MeshHarness, startedAt: ReadonlyMap<MeshPeer, number>): string[] {
  const live = harness.livePeers();
  const overlay = checkOverlay(
    live.map((peer) => ({
      id: peer.info.id,
      neighbors: meshOf(peer)
        .root.membership.activeView()
        .map(({ id }) => id),
    })),
  );
  const { now } = harness.world;
  const survived = new Map(live.map((peer) => [harness.lifeOf(peer), startedAt.get(peer) ?? 0]));
  // Agreement: what was published through a peer that lived on reaches every peer that was up then, and lived on.
  const missing = harness.messages.missing([...survived.keys()], ({ origin, atMs }, life) => {
    const publisher = harness.world.peers[origin] as MeshPeer;
    const hasSurvived = publisher.isUp && (startedAt.get(publisher) ?? 0) <= atMs;
    return hasSurvived && (survived.get(life) ?? 0) <= atMs && atMs < now - lastWordMs;
  });
  const evicted: string[] = [];
  for (const peer of live) {
    const known = new Set(meshOf(peer).directory.upIds());
    const forgotten = live.filter(({ info }) => info.id !== peer.info.id && !known.has(info.id));
    const first = forgotten[0];
    if (first !== undefined) {
      evicted.push(`${peer.info.id} counts ${forgotten.length} living peers as gone, first ${first.info.id}`);
    }
  }
  return [...overlay, ...missing, ...evicted];
}

function run(peers: number, seed: number, { faults: only }: RunVariation = {}): Sample {
  const plan = planOf(peers, seed, only);
  const latency = networks[seed % networks.length] as (typeof networks)[number];
  const harness = new MeshHarness({ seed, network: network(latency, { lingerMs: 0 }), isChecked: true });
  const { world } = harness;
  const startedAt = new Map<MeshPeer, number>();
  world.observe({ started: (peer, now) => void startedAt.set(peer, now) });
  harness.start(peers, startEveryMs);
  const injector = new Injector(world, {
    leave: (peer) => world.command(peer, { kind: 'leave' }),
    setDiscovery: (isAvailable) => {
      harness.discovery.isAvailable = isAvailable;
    },
  });
  injector.schedule(plan);
  const faultsEnd = plan.reduce((last, fault) => Math.max(last, faultEnd(fault)), peers * startEveryMs + settleMs);
  const end = faultsEnd + recoverMs;
  for (let at = world.now + settleMs / 2; at < end; at += publishEveryMs) {
    world.at(at, () => {
      const live = harness.livePeers();
      const peer = live[world.rng.below(live.length)];
      if (peer !== undefined) harness.publish(peer);
    });
  }
  const violations: string[] = [];
  const isWatched = seed % watchedToTheEnd === 0;
  let wholeAt = Number.POSITIVE_INFINITY;
  try {
    let before: readonly string[] = ['nobody has looked yet'];
    for (let at = faultsEnd + firstLookMs; ; at += lookEveryMs) {
      world.runUntil(at);
      const broken = livenessViolations(harness, startedAt);
      const isWhole = broken.length === 0;
      wholeAt = isWhole ? Math.min(wholeAt, at) : Number.POSITIVE_INFINITY;
      if (at > end || (isWhole && before.length === 0 && !isWatched)) {
        violations.push(...harness.broken, ...broken.filter((violation) => before.includes(violation)));
        break;
      }
      before = broken;
    }
  } catch (error) {
    violations.push(`a core threw: ${error instanceof Error ? error.message : String(error)}`);
  }
  const story = plan.map(describeFault).join('; ');
  return {
    seed,
    values: {
      violations: violations.length,
      messages: harness.messages.count,
      whole: (Math.min(wholeAt, end) - faultsEnd) / 1_000,
    },
    traceHash: world.traceHash,
    violations: violations.map((violation) => `${violation} [${story}]`),
    events: world.stats.events,
  };
}

/** Drops one fault after the other, then halves the peers, as long as it still fails. */
function shrink(peers: number, seed: number): string {
  let numbers = planOf(peers, seed).map((_, number) => number);
  for (const number of numbers) {
    const fewer = numbers.filter((other) => other !== number);
    if (run(peers, seed, { faults: fewer }).violations.length > 0) numbers = fewer;
  }
  let size = peers;
  while (size >= 8 && run(size >> 1, seed, { faults: numbers }).violations.length > 0) size >>= 1;
  return `--seed ${seed} --peers ${size} --faults ${numbers.length === 0 ? 'none' : numbers.join(',')}`;
}

export const faults: Scenario = {
  name: 'faults',
  about:
    'random faults of every class against the whole mesh; safety on every event, liveness after they stop (target 34)',
  engine: 'event',
  setup:
    'the shipped configuration; seeds go through LAN, three zones, 10–50 ms and five continents and through all fault classes, 1–4 faults each; 2 messages/s; all must hold again within 90 s of the last fault, looked at every 5 s from 10 s on until it holds twice, in every tenth seed to the end',
  peers: 100,
  seeds: 200,
  cpuSeconds: 6,
  reduced: { peers: 16, seeds: 15 },
  hasFaults: true,
  goals: [
    {
      id: 'violations',
      what: 'broken invariants per seed',
      unit: '',
      paper: '–',
      goal: { is: '≤', value: 0 },
      judgedBy: 'worst',
    },
    { id: 'messages', what: 'messages published', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'whole',
      what: 'whole at a look so long after the last fault',
      unit: 's',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
  ],
  run,
  shrink,
};
