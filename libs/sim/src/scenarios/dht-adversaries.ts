import { FullTable, type KademliaMessage, type LookupResult, positionOfKey } from '@starling/core-kademlia';
import { keyOf, type LookupPeer, LookupWorld } from '../lookups/lookup-world.ts';
import { mean } from '../measure/summary.ts';
import type { Goal, Sample } from '../report.ts';
import type { Scenario } from './scenario.ts';

const rttMs = 10;
const shares = [10, 20, 30] as const;
const pathCounts = [1, 2, 4, 8] as const;

/** What an adversary does when it is asked. */
type Behaviour = 'lies' | 'swallows';

/**
 * A collusion: every adversary knows all others. Asked for the nearest peers, one names the adversaries nearest to the target and
 * nobody else; asked for a record, it has none. All names are real peers, for an answer of peers that there are not would only
 * cost the asker a call.
 */
class Collusion {
  readonly #members = new Set<number>();
  readonly #table = new FullTable();
  readonly #targets = new Map<string, Uint32Array>();
  readonly #behaviour: Behaviour;
  readonly #k: number;

  constructor(world: LookupWorld, peers: readonly LookupPeer[], behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#k = world.config.k;
    for (const { number, info } of peers) {
      this.#members.add(number);
      this.#table.set({ info, position: world.positionOf(info.id) });
    }
  }

  has({ number }: LookupPeer): boolean {
    return this.#members.has(number);
  }

  /** The point that the question with this number is about: the adversaries remember what they were asked. */
  asked(by: string, question: KademliaMessage): void {
    if (question.kind === 'findNode') this.#targets.set(`${by}/${question.rpcId}`, question.target);
    if (question.kind === 'findValue') {
      this.#targets.set(`${by}/${question.rpcId}`, positionOfKey(question.recordKind, question.key));
    }
  }

  answer(to: string, truth: KademliaMessage): KademliaMessage | null {
    if (truth.kind !== 'findNodeReply' && truth.kind !== 'findValueReply') return truth;
    if (this.#behaviour === 'swallows') return null;
    const name = `${to}/${truth.rpcId}`;
    const target = this.#targets.get(name);
    this.#targets.delete(name);
    const peers = target === undefined ? [] : this.#table.closest(target, this.#k).map(({ info }) => info);
    return truth.kind === 'findNodeReply' ? { ...truth, peers } : { ...truth, records: [], peers };
  }
}

/** Success of one path if every one of its peers must be honest, and of d paths that share none (S/Kademlia §5). */
function formula(share: number, hops: number, paths: number): number {
  return 100 * (1 - (1 - (1 - share / 100) ** hops) ** paths);
}

function percentOf(results: readonly LookupResult[]): number {
  return (100 * results.filter(({ outcome }) => outcome === 'found').length) / results.length;
}

function rows(): Goal[] {
  const goals: Goal[] = [
    {
      id: 'hops',
      what: 'calls one after another to a holder, all honest',
      unit: '',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
  ];
  for (const share of shares) {
    for (const paths of pathCounts) {
      const isTarget = share === 20 && paths === 8;
      const bound = isTarget ? ({ is: '≥', value: 99 } as const) : null;
      const what = `${share} % lie, ${paths} path${paths === 1 ? '' : 's'}: found`;
      const paper = `${formula(share, 3, paths).toFixed(1)} (h = 3), ${formula(share, 4, paths).toFixed(1)} (h = 4)`;
      goals.push({
        id: `lies${share}d${paths}`,
        what,
        unit: '%',
        paper,
        goal: bound,
        peersMin: 1_000,
        judgedBy: 'mean',
      });
    }
    goals.push({
      id: `calls${share}`,
      what: '… calls with 8 paths',
      unit: '',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    });
  }
  for (const paths of [1, 8] as const) {
    const what = `20 % swallow, ${paths} path${paths === 1 ? '' : 's'}: found`;
    goals.push({ id: `swallows20d${paths}`, what, unit: '%', paper: '–', goal: null, judgedBy: 'mean' });
  }
  goals.push(
    {
      id: 'full20',
      what: '20 % lie, all members known: found',
      unit: '%',
      paper: '–',
      goal: { is: '≥', value: 99 },
      judgedBy: 'worst',
    },
    {
      id: 'putHonest20',
      what: '20 % lie, put over 4 paths: honest among its holders',
      unit: '%',
      paper: '80 if no lie counted',
      goal: null,
      judgedBy: 'mean',
    },
  );
  return goals;
}

export const dhtAdversaries: Scenario = {
  name: 'dht/adversaries',
  about: 'lookups among peers that name only each other, or say nothing, with disjoint paths (target 24)',
  engine: 'event',
  setup: `the core alone over a network of delays, ${rttMs} ms there and back; k = 20, tables filled with random peers of each bucket, adversaries among them as they are among the peers; records put while they behave; "paper" is S/Kademlia's formula 1 − (1 − (1 − m)^h)^d`,
  peers: 10_000,
  seeds: 3,
  cpuSeconds: 20,
  reduced: { peers: 300, seeds: 1 },
  goals: rows(),
  run: (peers, seed) => adversariesSample(peers, seed),
};

function adversariesSample(peers: number, seed: number): Sample {
  const keys = Math.min(400, Math.max(24, Math.floor(peers / 12)));
  const hedging = { hedgeFirstMs: 1.5 * rttMs, hedgeMinMs: 1.5 * rttMs };
  const network = { rttMs: () => rttMs, dialRtts: 0 };
  const config = { ...hedging, fullTableMax: 1 };
  const world = new LookupWorld({ peers, seed, config, network });
  world.fillBuckets();
  const { rng } = world;
  const pick = (): LookupPeer => world.peers[rng.below(peers)] as LookupPeer;
  for (let key = 0; key < keys; key++) world.finish([world.put(pick(), keyOf(key))]);

  const getAll = (among: LookupWorld, collusion: Collusion | null, paths: number): LookupResult[] =>
    Array.from({ length: keys }, (_, key) => {
      for (;;) {
        const origin = among.peers[rng.below(peers)] as LookupPeer;
        if (collusion?.has(origin) === true) continue;
        if (origin.core.store.get(among.now, 'value', keyOf(key), '', 1).length > 0) continue;
        return among.finish([among.get(origin, keyOf(key), paths)])[0] as LookupResult;
      }
    });
  const under = (among: LookupWorld, share: number, behaviour: Behaviour): Collusion => {
    const members = rng.sample(among.peers, Math.round((peers * share) / 100));
    const collusion = new Collusion(among, members, behaviour);
    among.lie = (from, to, said) => {
      if (collusion.has(to)) collusion.asked(from.info.id, said);
      return collusion.has(from) ? collusion.answer(to.info.id, said) : said;
    };
    return collusion;
  };

  const values: Record<string, number> = {};
  values.hops = mean(getAll(world, null, 1).map(({ rounds }) => rounds));
  for (const share of shares) {
    const collusion = under(world, share, 'lies');
    for (const paths of pathCounts) {
      const results = getAll(world, collusion, paths);
      values[`lies${share}d${paths}`] = percentOf(results);
      if (paths === 8) values[`calls${share}`] = mean(results.map(({ rpcs }) => rpcs));
    }
    if (share === 20) values.putHonest20 = honestHolders(world, collusion, keys);
  }
  const silent = under(world, 20, 'swallows');
  for (const paths of [1, 8]) values[`swallows20d${paths}`] = percentOf(getAll(world, silent, paths));

  const small = Math.min(1_000, peers);
  const known = new LookupWorld({ peers: small, seed, config: { ...hedging, fullTableMax: 1e9 }, network });
  for (const peer of known.peers) known.tellAll(peer);
  for (let key = 0; key < keys; key++) {
    known.finish([known.put(known.peers[rng.below(small)] as LookupPeer, keyOf(key))]);
  }
  const members = rng.sample(known.peers, Math.round(small / 5));
  const collusion = new Collusion(known, members, 'lies');
  known.lie = (from, to, said) => {
    if (collusion.has(to)) collusion.asked(from.info.id, said);
    return collusion.has(from) ? collusion.answer(to.info.id, said) : said;
  };
  const honest = known.peers.filter((peer) => !collusion.has(peer));
  const found = Array.from({ length: keys }, (_, key) => {
    const origin = honest[rng.below(honest.length)] as LookupPeer;
    return known.finish([known.get(origin, keyOf(key))])[0] as LookupResult;
  });
  values.full20 = percentOf(found);
  const hash = `${world.traceHash}-${known.traceHash}`;
  return { seed, values, traceHash: hash, violations: [], events: world.events + known.events };
}

/** Of those that a put under attack thinks hold its record, who is honest. */
function honestHolders(world: LookupWorld, collusion: Collusion, keys: number): number {
  const shares: number[] = [];
  const honest = world.peers.filter((peer) => !collusion.has(peer));
  for (let i = 0; i < Math.ceil(keys / 4); i++) {
    const origin = honest[world.rng.below(honest.length)] as LookupPeer;
    const [put] = world.finish([world.put(origin, keyOf(2e6 + i), world.config.putPaths)]);
    const holders = put?.hops.filter(({ outcome }) => outcome === 'stored' || outcome === 'held') ?? [];
    const good = holders.filter(({ peer }) => !collusion.has(world.peerOf(peer.id)));
    shares.push((100 * good.length) / Math.max(1, holders.length));
  }
  return mean(shares);
}
