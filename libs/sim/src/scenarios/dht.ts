import type { LookupResult } from '@starling/core-kademlia';
import type { Millis } from '@starling/kernel';
import { keyOf, type LookupNetwork, type LookupPeer, LookupWorld } from '../lookups/lookup-world.ts';
import { mean } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import type { Scenario } from './scenario.ts';

const rttMs: Millis = 10;
/** Every pair alike and every link up: time counts round trips. */
const alike: LookupNetwork = { rttMs: () => rttMs, dialRtts: 0 };
/** Somebody else is asked when a call takes half as long again as all others. */
const hedging = { hedgeFirstMs: 1.5 * rttMs, hedgeMinMs: 1.5 * rttMs };

/** Between far zones. */
const wanRttMs: Millis = 40;
const zones = 5;
/** TCP, TLS 1.3, and the two hellos of a link. */
const dialRtts = 3;

interface Figures {
  readonly found: number;
  readonly rpcs: number;
  readonly rounds: number;
  readonly rtts: number;
  readonly failures: number;
  readonly rpcsWorst: number;
}

function figuresOf(results: readonly LookupResult[], rtt: Millis = rttMs): Figures {
  const good = results.filter(({ outcome }) => outcome === 'found' || outcome === 'stored');
  return {
    found: (100 * good.length) / results.length,
    rpcs: mean(results.map(({ rpcs }) => rpcs)),
    rounds: mean(results.map(({ rounds }) => rounds)),
    rtts: mean(results.map(({ tookMs }) => tookMs / rtt)),
    // A get that has its answer waits for nobody: what hangs is then not waited for, and counts all the same.
    failures: mean(results.map(({ failures, hops }) => failures + hops.filter(isHanging).length)),
    rpcsWorst: Math.max(...results.map(({ rpcs }) => rpcs)),
  };
}

function isHanging({ outcome, tookMs }: LookupResult['hops'][number]): boolean {
  return outcome === 'unanswered' && tookMs > rttMs;
}

interface Run {
  readonly found: Figures;
  readonly absent: Figures;
  readonly end: End;
}

/** What is left of a world: ten thousand peers take half a gigabyte. */
type End = Pick<LookupWorld, 'traceHash' | 'events'>;

function endOf({ traceHash, events }: LookupWorld): End {
  return { traceHash, events };
}

/** Puts keys, lets a share of the hosts go without notice, then gets them from peers that do not hold them. */
function lookups(world: LookupWorld, keys: number, deadShare: number): Run {
  const { peers, rng } = world;
  const pick = (): LookupPeer => peers[rng.below(peers.length)] as LookupPeer;
  for (let key = 0; key < keys; key++) world.finish([world.put(pick(), keyOf(key))]);
  for (const peer of rng.sample(peers, Math.floor(peers.length * deadShare))) peer.state = 'silent';
  const askers = peers.filter(({ state }) => state === 'up');
  const asker = (key: Uint8Array): LookupPeer => {
    for (;;) {
      const peer = askers[rng.below(askers.length)] as LookupPeer;
      // A holder has it without a call: no lookup.
      if (peer.core.store.get(world.now, 'value', key, '', 1).length === 0) return peer;
    }
  };
  const get = (key: Uint8Array): LookupResult => world.finish([world.get(asker(key), key)])[0] as LookupResult;
  const found = Array.from({ length: keys }, (_, key) => get(keyOf(key)));
  const absent = Array.from({ length: Math.ceil(keys / 4) }, (_, key) => get(keyOf(1e6 + key)));
  return { found: figuresOf(found), absent: figuresOf(absent), end: endOf(world) };
}

/** Full tables for some: who is only asked needs none. */
function knowingAll(peers: number, seed: number, network: LookupNetwork, zoneOf?: (n: number) => string): LookupWorld {
  const config = { ...hedging, fullTableMax: Number.MAX_SAFE_INTEGER };
  return new LookupWorld({ peers, seed, config, network, ...(zoneOf !== undefined && { zoneOf }) });
}

function fullTable(world: LookupWorld, keys: number, rtt: Millis): Figures {
  const { rng } = world;
  const askers = rng.sample(world.peers, Math.min(world.peers.length, 64));
  for (const peer of askers) world.tellAll(peer);
  const results: LookupResult[] = [];
  for (let key = 0; key < keys; key++) {
    const [writer, reader] = rng.sample(askers, 2) as [LookupPeer, LookupPeer];
    world.finish([world.put(writer, keyOf(key))]);
    if (reader.core.store.get(world.now, 'value', keyOf(key), '', 1).length > 0) continue;
    results.push(...world.finish([world.get(reader, keyOf(key))]));
  }
  return figuresOf(results, rtt);
}

interface Churn {
  readonly found: number;
  readonly kept: number;
  readonly copies: number;
}

/** For ten minutes 5 % of the peers go and as many come in each; the directory notices after 3 s. Keys are put once, and read all the time. */
function churn(peers: number, seed: number, keys: number): Churn & { readonly end: End } {
  const world = new LookupWorld({ peers, seed, config: { ...hedging, fullTableMax: 1e9 }, network: alike });
  const { rng } = world;
  const up = (): LookupPeer[] => world.peers.filter(({ state }) => state === 'up');
  for (const peer of world.peers) world.tellAll(peer);
  for (let key = 0; key < keys; key++) {
    world.finish([world.put(world.peers[rng.below(peers)] as LookupPeer, keyOf(key))]);
  }
  const perMinute = Math.max(1, Math.round(peers * 0.05));
  const pauseMs = 60_000 / perMinute;
  let asked = 0;
  let found = 0;
  for (let minute = 0; minute < 10; minute++) {
    for (let change = 0; change < perMinute; change++) {
      const living = up();
      const leaver = living[rng.below(living.length)] as LookupPeer;
      leaver.state = 'silent';
      world.run(Math.min(3_000, pauseMs / 2));
      leaver.state = 'gone';
      const joiner = world.add();
      world.tellAll(joiner);
      for (const peer of up()) {
        for (const other of [leaver.number, joiner.number]) peer.links.delete(other);
        world.command(peer, { kind: 'memberDown', id: leaver.info.id });
        if (peer !== joiner) world.command(peer, { kind: 'membersUp', peers: [joiner.info] });
      }
      world.run(Math.max(0, pauseMs - Math.min(3_000, pauseMs / 2)));
      const reader = up()[rng.below(living.length - 1)] as LookupPeer;
      const [result] = world.finish([world.get(reader, keyOf(rng.below(keys)))]);
      asked++;
      if (result?.outcome === 'found') found++;
    }
  }
  const holders = up();
  const isKept = (key: number): boolean =>
    holders.some(({ core }) => core.store.get(world.now, 'value', keyOf(key), '', 1).length > 0);
  const kept = Array.from({ length: keys }, (_, key) => isKept(key)).filter(Boolean).length;
  const copies = mean(
    Array.from(
      { length: keys },
      (_, key) => holders.filter(({ core }) => core.store.get(world.now, 'value', keyOf(key), '', 1).length > 0).length,
    ),
  );
  return { found: (100 * found) / asked, kept: (100 * kept) / keys, copies, end: endOf(world) };
}

function goal(
  id: string,
  what: string,
  unit: string,
  paper: string,
  bound: Goal['goal'],
  judgedBy: Goal['judgedBy'] = 'mean',
): Goal {
  return { id, what, unit, paper, goal: bound, judgedBy };
}

const all = { is: '≥', value: 100 } as const;
const atMost = (value: number) => ({ is: '≤', value }) as const;

export const dhtLookup: Scenario = {
  name: 'dht/lookup',
  about:
    'exact keys: calls, rounds and success, with dead peers, in one zone and many, and under churn (targets 22, 23)',
  engine: 'event',
  setup: `the core alone over a network of delays; tables filled with random peers of each bucket; alpha 3, one path; ${rttMs} ms there and back, every link up, unless said; all known: at most 5,000 peers; far zones ${wanRttMs} ms, near 1 ms, a dial ${dialRtts} round trips; churn: 5 % of at most 500 peers a minute for 10 minutes, noticed after 3 s; "paper" is a throw-away simulator of the same tables`,
  peers: 10_000,
  seeds: 3,
  cpuSeconds: 35,
  reduced: { peers: 250, seeds: 1 },
  goals: [
    goal('found', 'k = 20: found', '%', '94 flood, 19,120 messages', all, 'worst'),
    goal('rpcs', '… calls', '', '3.4', atMost(6)),
    goal('rounds', '… rounds', '', '1.8', atMost(3)),
    goal('rtts', '… time', 'RTT', '–', null),
    goal('absentRpcs', '… calls to be sure that there is none', '', '22.9', null),
    goal('absentRounds', '… rounds for that', '', '8.0', null),
    goal('deadFound', '20 % dead unnoticed: found', '%', '–', all, 'worst'),
    goal('deadRpcs', '… calls', '', '3.8', atMost(6)),
    goal('deadRounds', '… rounds', '', '1.9', atMost(3)),
    goal('deadFailures', '… calls that failed or hung', '', '–', null),
    goal('deadRtts', '… time', 'RTT', '–', null),
    goal('k8Found', 'k = 8: found', '%', '–', all, 'worst'),
    goal('k8Rpcs', '… calls', '', '4.3', null),
    goal('k8Rounds', '… rounds', '', '2.1', atMost(3)),
    goal('fullFound', 'all known: found', '%', '–', all, 'worst'),
    goal('fullRpcs', '… most calls', '', '1', atMost(1), 'worst'),
    goal('nearRtts', 'all known, five zones, dialled: time in far round trips', 'RTT', '–', atMost(2.5)),
    goal('farRtts', '… no zone said, links up', 'RTT', '–', atMost(2.5)),
    goal('coldRtts', '… no zone said, dialled', 'RTT', '–', null),
    goal('churnFound', 'churn: found', '%', '–', { is: '≥', value: 99.9 }, 'worst'),
    goal('churnKept', '… keys still held', '%', '–', all, 'worst'),
    goal('churnCopies', '… holders of a key at the end', '', '20', null),
  ],
  run: (peers, seed) => lookupSample(peers, seed),
};

function lookupSample(peers: number, seed: number): Sample {
  const keys = Math.min(400, Math.max(24, Math.floor(peers / 10)));
  const bucketed = (k: number): LookupWorld => {
    const world = new LookupWorld({ peers, seed, config: { ...hedging, k, fullTableMax: 1 }, network: alike });
    world.fillBuckets();
    return world;
  };
  const calm = lookups(bucketed(20), keys, 0);
  const dead = lookups(bucketed(20), keys, 0.2);
  const eight = lookups(bucketed(8), keys, 0);
  const all = Math.min(5_000, peers);
  const known = knowingAll(all, seed, alike);
  const full = fullTable(known, keys, rttMs);
  const isFar = (a: LookupPeer, b: LookupPeer): boolean => a.number % zones !== b.number % zones;
  const wan = (dials: number): LookupNetwork => ({
    rttMs: (a, b) => (isFar(a, b) ? wanRttMs : 1),
    dialRtts: dials,
  });
  const far = (dials: number): LookupNetwork => ({ rttMs: () => wanRttMs, dialRtts: dials });
  const near = fullTable(
    knowingAll(all, seed, wan(dialRtts), (n) => `zone-${n % zones}`),
    keys,
    wanRttMs,
  );
  const warm = fullTable(knowingAll(all, seed, far(0)), keys, wanRttMs);
  const cold = fullTable(knowingAll(all, seed, far(dialRtts)), keys, wanRttMs);
  const moving = churn(Math.min(500, peers), seed, 20);
  const ends = [calm.end, dead.end, eight.end, endOf(known), moving.end];
  return {
    seed,
    values: {
      ...{ found: calm.found.found, rpcs: calm.found.rpcs, rounds: calm.found.rounds, rtts: calm.found.rtts },
      ...{ absentRpcs: calm.absent.rpcs, absentRounds: calm.absent.rtts },
      ...{ deadFound: dead.found.found, deadRpcs: dead.found.rpcs, deadRounds: dead.found.rounds },
      ...{ deadFailures: dead.found.failures, deadRtts: dead.found.rtts },
      ...{ k8Found: eight.found.found, k8Rpcs: eight.found.rpcs, k8Rounds: eight.found.rounds },
      ...{ fullFound: full.found, fullRpcs: full.rpcsWorst },
      ...{ nearRtts: near.rtts, farRtts: warm.rtts, coldRtts: cold.rtts },
      ...{ churnFound: moving.found, churnKept: moving.kept, churnCopies: moving.copies },
    },
    traceHash: ends.map(({ traceHash }) => traceHash).join('-'),
    violations: [],
    events: ends.reduce((sum, { events }) => sum + events, 0),
  };
}
