import { defaultMeshConfig, type MeshConfig } from '@starling/mesh';
import type { AttackStrength } from '../attacks/adversary.ts';
import type { Treachery } from '../attacks/treacherous-node.ts';
import type { Goal, Sample } from '../report.ts';
import { Battle, messagesPerCycle } from './battle.ts';
import type { RunVariation, Scenario } from './scenario.ts';

const usual: AttackStrength = { attackersPercent: 20, requests: 1, poison: 0, cycles: 60 };

/** Neither ranks nor scores: whoever asks is let in, and nobody is ever dropped for what it does. */
const undefended: MeshConfig = {
  ...defaultMeshConfig,
  hyparview: { ...defaultMeshConfig.hyparview, rankedPlaces: false },
  reputation: {
    ...defaultMeshConfig.reputation,
    offerBelow: Number.NEGATIVE_INFINITY,
    dropBelow: Number.NEGATIVE_INFINITY,
    banBelow: Number.NEGATIVE_INFINITY,
  },
};

/** As shipped: ranks and scores. */
const defended: MeshConfig = defaultMeshConfig;

/** As many links as gossipsub's honest peers have in the report that target 13 cites. */
const wide: MeshConfig = {
  ...defended,
  hyparview: { ...defended.hyparview, activeCapacity: 20, attemptsMax: 40 },
};

const signed: MeshConfig = { ...defended, plumtree: { ...defended.plumtree, signatures: 'signed' } };

/** Of a peer that takes 0.6 ms for a message, as these are made to: an eighth of what it can, as by default. */
const limits = { originWorkPerSecond: 210, originWorkBurst: 210 };
const unlimited = { originWorkPerSecond: 1e12, originWorkBurst: 1e12 };
const withLimits = (config: MeshConfig, own: typeof limits): MeshConfig => ({
  ...config,
  plumtree: { ...config.plumtree, ...own },
});

/** In a smaller mesh attackers and honest peers all know each other, goals mean nothing, and ten cycles do. */
const peersToJudge = 60;

interface Row {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** Of the defended mesh. */
  readonly goal: Goal['goal'];
}

const rows: readonly Row[] = [
  { id: 'delivered', what: 'delivered to honest peers', unit: '%', goal: { is: '≥', value: 100 } },
  { id: 'p99', what: 'delivery, p99', unit: 'ms', goal: { is: '≤', value: 1_000 } },
  { id: 'max', what: 'last delivery', unit: 'ms', goal: { is: '≤', value: 3_000 } },
  { id: 'links', what: 'links held by attackers', unit: '%', goal: null },
  { id: 'sent', what: 'messages that an honest peer sends per second', unit: '', goal: null },
  { id: 'verdicts', what: 'peers dropped or banned by honest peers', unit: '', goal: null },
  { id: 'slanders', what: '… that were honest', unit: '', goal: { is: '≤', value: 0 } },
];

/** Where attackers are so many that some honest peers know nobody else. */
const linkedRows: readonly Row[] = [
  { id: 'alone', what: 'honest peers without an honest neighbour', unit: '%', goal: null },
  {
    id: 'linkedDelivered',
    what: 'delivered to honest peers with an honest neighbour',
    unit: '%',
    goal: { is: '≥', value: 100 },
  },
  { id: 'linkedP99', what: '… p99', unit: 'ms', goal: null },
  { id: 'laterDelivered', what: 'second half: delivered to honest peers', unit: '%', goal: { is: '≥', value: 100 } },
  { id: 'laterP99', what: 'second half: delivery, p99', unit: 'ms', goal: { is: '≤', value: 1_000 } },
  { id: 'laterMax', what: 'second half: last delivery', unit: 'ms', goal: { is: '≤', value: 3_000 } },
];

const forged: Row = {
  id: 'forged',
  what: 'deliveries of what nobody published',
  unit: '',
  goal: { is: '≤', value: 0 },
};
const verifications: Row = {
  id: 'verifications',
  what: 'signatures verified for each delivery',
  unit: '',
  goal: { is: '≤', value: 1.3 },
};
const flooded: Row = {
  id: 'flooded',
  what: "flooder's messages delivered to each peer per second",
  unit: '',
  goal: null,
};

/** Attackers, and what stands against them: the last variant is the one that has goals. */
interface Attack {
  readonly treachery: Treachery;
  readonly strength: AttackStrength;
  /** What one message costs an honest peer. 0: nothing. */
  readonly serviceMs: number;
  readonly variants: readonly (readonly [name: string, config: MeshConfig])[];
  /** Of the variants. */
  readonly meaning: string;
  readonly rows: readonly Row[];
  /** Below `peersToJudge`. */
  readonly cyclesWhenSmall: number;
  readonly reduced: Scenario['reduced'];
}

function attack(name: string, about: string, treachery: Treachery, more: Partial<Attack> = {}): Scenario {
  const all: Attack = {
    treachery,
    strength: usual,
    serviceMs: 0,
    variants: [
      ['bare', undefended],
      ['defended', defended],
    ],
    meaning: '"bare": neither ranks nor scores',
    rows,
    cyclesWhenSmall: 10,
    reduced: { peers: 12, seeds: 1 },
    ...more,
  };
  const { strength, variants, cyclesWhenSmall, reduced } = all;
  return {
    name: `attack/${name}`,
    about,
    engine: 'event',
    setup: `whole mesh, links of 10–50 ms; attackers ${strength.attackersPercent} % of the peers (not connections) with valid identities, as many links as they can get and ${strength.requests} urgent request per cycle of 1 s each; ${messagesPerCycle} messages per cycle from honest peers for ${strength.cycles} cycles (${cyclesWhenSmall} below ${peersToJudge} peers); ${all.meaning}`,
    peers: 200,
    seeds: 5,
    cpuSeconds: 200,
    reduced,
    strength: ['attackersPercent', 'requests', 'cycles'],
    variants: variants.map(([variant]) => variant),
    goals: variants.flatMap(([variant], i) =>
      all.rows.map(
        ({ id, what, unit, goal }): Goal => ({
          id: `${variant}-${id}`,
          what: `${variant}: ${what}`,
          unit,
          paper: '–',
          goal: i < variants.length - 1 ? null : goal,
          peersMin: peersToJudge,
          judgedBy: 'worst',
        }),
      ),
    ),
    run: (peers, seed, variation) => battles(all, peers, seed, variation),
  };
}

function battles(attack: Attack, peers: number, seed: number, variation: RunVariation = {}): Sample {
  const most = peers < peersToJudge ? attack.cyclesWhenSmall : Number.POSITIVE_INFINITY;
  const cycles = Math.min(most, attack.strength.cycles);
  const strength = { ...attack.strength, cycles, ...variation.attack };
  const values: Record<string, number> = {};
  const hashes: string[] = [];
  let events = 0;
  for (const [variant, config] of attack.variants) {
    if (variation.variant !== undefined && variation.variant !== variant) continue;
    const battle = new Battle(attack, config, strength, peers, seed);
    const seen = battle.run();
    for (const { id } of attack.rows) values[`${variant}-${id}`] = seen[id] as number;
    const { world } = battle.harness;
    hashes.push(world.traceHash);
    events += world.stats.events;
  }
  return { seed, values, traceHash: hashes.join('-'), violations: [], events };
}

/** What peers with valid identities can do to the delivery of honest peers' messages (target 13). */
export const attacks: readonly Scenario[] = [
  attack('black-hole', 'attackers take every message and pass none on', 'blackHole'),
  attack('false-promises', 'attackers announce every message and serve none', 'falsePromise'),
  attack('censor', 'attackers pass everything on but one topic', 'censor'),
  attack('announcement-spam', 'attackers announce messages that there are not, 10,000 a second on each link', 'spam'),
  attack('replay', 'attackers send the last 32 messages again, ten times a second on each link', 'replay'),
  attack('forge', 'attackers alter what others publish, and publish in their names', 'forge', {
    variants: [
      ['links', defended],
      ['signed', signed],
    ],
    meaning:
      'ranks and scores in both; "links": members are believed; "signed": origins alone, with a keyed hash in place of a signature',
    rows: [...rows, forged, verifications],
  }),
  attack('forty-to-one', 'four attackers for each honest peer, who pass everything on but one topic', 'censor', {
    strength: { ...usual, attackersPercent: 80, cycles: 120 },
    variants: [
      ['wide', wide],
      ['defended', defended],
    ],
    meaning:
      'ranks and scores in both; "defended": the shipped 7 links; "wide": 20. gossipsub\'s report counts connections: 4,000 attackers with 100 each against 1,000 peers with 20 are 40:1',
    rows: [...rows, ...linkedRows],
  }),
  attack('flooding-publisher', 'an attacker publishes as fast as it can, 2,000 messages a second', 'flood', {
    strength: { ...usual, attackersPercent: 2, cycles: 10 },
    serviceMs: 0.6,
    // Nothing holds back the bare mesh's flood, which costs CPU by the second and the link.
    cyclesWhenSmall: 2,
    reduced: { peers: 4, seeds: 1 },
    variants: [
      ['bare', withLimits(undefended, unlimited)],
      ['defended', withLimits(defended, limits)],
    ],
    meaning:
      'a message costs an honest peer 0.6 ms; "bare": neither ranks nor scores nor limits; "defended": an origin is allowed an eighth of what it can, 210 a second and at once',
    rows: [...rows, flooded],
  }),
];
