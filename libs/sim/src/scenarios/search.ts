import { defaultHyParViewConfig, type HyParViewConfig } from '@starling/core-hyparview';
import type { Strategy } from '@starling/core-search';
import type { Rng } from '@starling/kernel';
import { cycleNetwork } from '../engine/network.ts';
import { flood, type Graph } from '../measure/graph.ts';
import { mean } from '../measure/summary.ts';
import { type FieldAnswer, SearchField } from '../node/search-field.ts';
import type { Goal } from '../report.ts';
import type { Scenario } from './scenario.ts';
import { activeGraph, paperViews, settledSwarm, swarmConfig } from './swarm.ts';

/** How many of the peers hold what is asked for. Of 10,000 peers 10 are 0.1 %. */
const replicaCounts = [1, 10, 100] as const;
type Placement = 'uniform' | 'zipf';

/** Terms that each peer has beside those that are asked for. With the filters of 2^10 bits the unions are as full as those of 1,000 terms in the product's. */
const ownTerms = 7;
const digests = { digestSizeLog2: 10, digestHashes: 3 };
/** Product's filter ÷ the one here. */
const digestScale = 2 ** 7;

interface Method {
  readonly id: string;
  readonly name: string;
  readonly strategy: Strategy;
  /** Success %, messages, hops to the first hit, for each of `replicaCounts`: of an own study on the same overlay that counted steps and checked back for nothing. */
  readonly study: readonly string[];
}

const methods: readonly Method[] = [
  {
    id: 'walk16',
    name: '16 walks × 512',
    strategy: 'walk',
    study: ['55 %, 5695, 224', '100 %, 1090, 67', '100 %, 146, 7.6'],
  },
  {
    id: 'walk32',
    name: '32 walks × 256',
    strategy: 'walk',
    study: ['62 %, 5198, 104', '100 %, 1083, 32', '100 %, 203, 4.9'],
  },
  { id: 'ring', name: 'ring', strategy: 'ring', study: ['100 %, 19411, 41', '100 %, 2840, 23', '100 %, 262, 10'] },
  { id: 'guided', name: 'guided', strategy: 'guided', study: ['100 %, 666, 40', '100 %, 112, 5.5', '100 %, 49, 1.2'] },
  { id: 'exhaustive', name: 'exhaustive', strategy: 'exhaustive', study: ['–', '–', '–'] },
];

const floods = [
  { ttl: 5, study: ['17 %, 1630', '79 %, 1635', '100 %, 1631'] },
  { ttl: 6, study: ['47 %, 6068', '100 %, 6090', '100 %, 6074'] },
  { ttl: 7, study: ['94 %, 19120', '100 %, 19173', '100 %, 19137'] },
] as const;

function row(id: string, what: string, unit: string, paper = '–', goal: Goal['goal'] = null): Goal {
  return { id, what, unit, paper, goal, peersMin: 10_000, judgedBy: 'mean' };
}

/** Four rows of one method for one number of replicas. */
function cell(id: string, what: string, study: string, target: 'steps' | 'messages' | null = null): Goal[] {
  const [success = '–', messages = '–', hops = '–'] = study.split(', ');
  return [
    row(`${id}.success`, `${what}: found`, '%', success, target === null ? null : { is: '≥', value: 99 }),
    row(`${id}.steps`, `${what}: steps`, '', messages, target === 'steps' ? { is: '≤', value: 120 } : null),
    row(`${id}.hops`, `${what}: first hit`, 'hops', hops, target === null ? null : { is: '≤', value: 6 }),
    row(`${id}.messages`, `${what}: all messages`, '', '–', target === 'messages' ? { is: '≤', value: 120 } : null),
    row(`${id}.end`, `${what}: to the end`, 'ms'),
  ];
}

export const searchLv: Scenario = {
  name: 'search/lv',
  about: 'what it costs to find what a share of the peers has (Lv et al., ICS 2002; target 20)',
  engine: 'event',
  setup:
    "the product's search cores on HyParView's overlay of degree 5 (and 7, the product's), 1 ms per link; limit 1, budget 65,536; steps: how often the query went to another peer, as studies count; all messages: answers, declines and checks too; paper: an own study of steps on such an overlay. Flooding is computed from the graph. Upkeep: of filters as full as those of 1,000 terms a peer",
  peers: 10_000,
  seeds: 5,
  cpuSeconds: 100,
  reduced: { peers: 150, seeds: 1 },
  goals: [
    ...replicaCounts.flatMap((replicas, column) => [
      ...floods.flatMap(({ ttl, study }): Goal[] => {
        const [success = '–', messages = '–'] = (study[column] ?? '').split(', ');
        return [
          row(`flood${ttl}.${replicas}.success`, `${replicas} replicas, flood TTL ${ttl}: found`, '%', success),
          row(`flood${ttl}.${replicas}.steps`, `${replicas} replicas, flood TTL ${ttl}: steps`, '', messages),
        ];
      }),
      ...methods.flatMap(({ id, name, study }) =>
        cell(
          `${id}.${replicas}`,
          `${replicas} replicas, ${name}`,
          study[column] ?? '–',
          id === 'guided' && replicas === 10 ? 'steps' : null,
        ),
      ),
    ]),
    ...cell('zipf.walk16.10', '10 replicas by Zipf, 16 walks', '–'),
    ...cell('zipf.guided.10', '10 replicas by Zipf, guided', '–'),
    ...cell('degree7.walk16.10', '10 replicas, degree 7, 16 walks', '–'),
    ...cell('degree7.guided.10', '10 replicas, degree 7, guided', '–', 'messages'),
    ...cell('churn.walk16.10', '10 replicas, 10 % died, more die meanwhile, 16 walks', '–'),
    ...cell('churn.guided.10', '10 replicas, 10 % died, more die meanwhile, guided', '–'),
    row('churn.missing', 'under churn: walkers said to be missing, per query', ''),
    row('upkeep.messages', 'upkeep: messages of a peer that joins with all others', ''),
    row('upkeep.kib', 'upkeep: … KiB', 'KiB'),
    row('upkeep.change.messages', 'upkeep: messages when a peer gets 8 % more terms', ''),
    row('upkeep.change.kib', 'upkeep: … KiB', 'KiB'),
  ],
  run(peers, seed) {
    const values: Record<string, number> = {};
    const violations: string[] = [];
    const isSmall = peers < 2_000;
    // What one replica costs to find is what costs us most.
    const asked = (replicas: number): number => (isSmall ? 4 : replicas === 1 ? 10 : 100);
    const walksAsked = Math.min(25, asked(10));
    const floodsAsked = Math.min(8, asked(10));
    let events = 0;
    const hashes: string[] = [];
    const done = (field: SearchField): void => {
      events += field.events;
      hashes.push(field.traceHash);
    };

    const five = overlay(peers, seed, paperViews);
    const questions = new Questions(five.graph, five.rng, asked);
    const field = new SearchField(five.graph, questions.terms, five.rng.child(), {
      ...digests,
      walkers: 16,
      stepsMax: 512,
    });
    const upkeep = field.tellTerms();
    values['upkeep.messages'] = upkeep.messages / peers;
    values['upkeep.kib'] = (upkeep.bytes * digestScale) / 1_024 / peers;
    const wide = new SearchField(five.graph, questions.terms, five.rng.child(), {
      ...digests,
      walkers: 32,
      stepsMax: 256,
    });
    for (const replicas of replicaCounts) {
      Object.assign(values, floodValues(five.graph, questions, replicas, five.rng));
      for (const { id, strategy } of methods) {
        const asking = id === 'walk32' ? wide : field;
        const count = id === 'guided' ? asked(replicas) : strategy === 'walk' ? walksAsked : floodsAsked;
        const answers = questions.ask(asking, strategy, 'uniform', replicas, count, five.rng);
        Object.assign(values, valuesOf(`${id}.${replicas}`, answers, violations));
      }
    }
    for (const id of ['walk16', 'guided'] as const) {
      const strategy = id === 'guided' ? 'guided' : 'walk';
      const answers = questions.ask(field, strategy, 'zipf', 10, id === 'guided' ? asked(10) : walksAsked, five.rng);
      Object.assign(values, valuesOf(`zipf.${id}.10`, answers, violations));
    }
    const change = field.learn(five.rng.below(peers), [900_001]);
    values['upkeep.change.messages'] = change.messages;
    values['upkeep.change.kib'] = (change.bytes * digestScale) / 1_024;
    // The dead are known to their neighbours; what those said of them has not been said anew.
    field.kill(five.rng.sample(everybody(peers), Math.round(peers / 10)));
    let missing = 0;
    for (const id of ['walk16', 'guided'] as const) {
      const strategy = id === 'guided' ? 'guided' : 'walk';
      const answers = questions.ask(field, strategy, 'uniform', 10, walksAsked, five.rng, peers / 1_000);
      Object.assign(values, valuesOf(`churn.${id}.10`, answers, violations));
      missing += mean(answers.map((answer) => answer.missing)) / 2;
    }
    values['churn.missing'] = missing;
    done(field);
    done(wide);

    const seven = overlay(peers, seed + 1_000_000, { ...defaultHyParViewConfig, passiveCapacity: 30 });
    const more = new Questions(seven.graph, seven.rng, (replicas) => (replicas === 10 ? asked(10) : 0));
    const dense = new SearchField(seven.graph, more.terms, seven.rng.child(), {
      ...digests,
      walkers: 16,
      stepsMax: 512,
    });
    dense.tellTerms();
    for (const id of ['walk16', 'guided'] as const) {
      const strategy = id === 'guided' ? 'guided' : 'walk';
      const answers = more.ask(dense, strategy, 'uniform', 10, id === 'guided' ? asked(10) : walksAsked, seven.rng);
      Object.assign(values, valuesOf(`degree7.${id}.10`, answers, violations));
    }
    done(dense);
    return { seed, values, traceHash: hashes.join('-'), violations: violations.slice(0, 10), events };
  },
};

function overlay(peers: number, seed: number, views: HyParViewConfig): { readonly graph: Graph; readonly rng: Rng } {
  const config = swarmConfig(views);
  const { world } = settledSwarm({ peers, seed, network: cycleNetwork, config, joinEveryMs: 1, cycles: 10 });
  return { graph: activeGraph(world), rng: world.rng };
}

function everybody(peers: number): number[] {
  return Array.from({ length: peers }, (_, at) => at);
}

/** What is asked for, who has it, and who asks. */
class Questions {
  readonly terms: readonly Set<number>[];
  readonly #holders = new Map<string, { readonly term: number; readonly holders: readonly number[] }[]>();

  constructor(graph: Graph, rng: Rng, asked: (replicas: number) => number) {
    const peers = graph.ids.length;
    let next = 1_000_000;
    this.terms = Array.from({ length: peers }, () => new Set(Array.from({ length: ownTerms }, () => next++)));
    let term = 0;
    for (const placement of ['uniform', 'zipf'] as const) {
      for (const replicas of replicaCounts) {
        const made = Array.from({ length: asked(replicas) }, () => {
          const holders = place(placement, peers, Math.min(replicas, Math.ceil(peers / 4)), rng);
          term++;
          for (const peer of holders) this.terms[peer]?.add(term);
          return { term, holders };
        });
        this.#holders.set(`${placement} ${replicas}`, made);
      }
    }
  }

  of(
    placement: Placement,
    replicas: number,
  ): readonly { readonly term: number; readonly holders: readonly number[] }[] {
    return this.#holders.get(`${placement} ${replicas}`) ?? [];
  }

  ask(
    field: SearchField,
    strategy: Strategy,
    placement: Placement,
    replicas: number,
    count: number,
    rng: Rng,
    deathsPerQuery = 0,
  ): FieldAnswer[] {
    return this.of(placement, replicas)
      .slice(0, count)
      .map(({ term }) => {
        let origin = rng.below(this.terms.length);
        while (field.isDead(origin)) origin = rng.below(this.terms.length);
        const deaths = Array.from({ length: Math.round(deathsPerQuery) }, () => ({
          peer: rng.below(this.terms.length),
          afterMs: 1 + rng.below(20),
        })).filter(({ peer }) => peer !== origin);
        return field.query({ origin, strategy, term, budget: 65_536, timeoutMs: 10_000, deaths });
      });
  }
}

/** Different peers; by Zipf the one of rank r holds with a chance of 1/r, so a few hold much. */
function place(placement: Placement, peers: number, replicas: number, rng: Rng): number[] {
  if (placement === 'uniform') return rng.sample(everybody(peers), replicas);
  const chosen = new Set<number>();
  while (chosen.size < replicas) chosen.add(Math.min(peers - 1, Math.floor(peers ** rng.float()) - 1));
  return [...chosen];
}

function floodValues(graph: Graph, questions: Questions, replicas: number, rng: Rng): Record<string, number> {
  const values: Record<string, number> = {};
  const depths = new Int32Array(graph.ids.length);
  const samples = questions.of('uniform', replicas).map(({ holders }) => {
    const origin = rng.below(graph.ids.length);
    flood(graph, origin, depths);
    const nearest = Math.min(...holders.map((at) => depths[at] as number).filter((depth) => depth >= 0));
    return floods.map(({ ttl }) => ({ isFound: nearest <= ttl, steps: floodSteps(graph, origin, depths, ttl) }));
  });
  for (const [at, { ttl }] of floods.entries()) {
    values[`flood${ttl}.${replicas}.success`] = 100 * mean(samples.map((sample) => (sample[at]?.isFound ? 1 : 0)));
    values[`flood${ttl}.${replicas}.steps`] = mean(samples.map((sample) => sample[at]?.steps ?? 0));
  }
  return values;
}

/** Everybody who is not at the last hop passes it on to all links but that over which it came. */
function floodSteps(graph: Graph, origin: number, depths: Int32Array, ttl: number): number {
  let steps = 0;
  for (const [at, depth] of depths.entries()) {
    const degree = (graph.offsets[at + 1] as number) - (graph.offsets[at] as number);
    if (depth >= 0 && depth < ttl) steps += at === origin ? degree : degree - 1;
  }
  return steps;
}

function valuesOf(id: string, answers: readonly FieldAnswer[], violations: string[]): Record<string, number> {
  for (const { violation } of answers) if (violation !== null) violations.push(`${id}: ${violation}`);
  const found = answers.filter(({ isFound }) => isFound);
  return {
    [`${id}.success`]: (100 * found.length) / answers.length,
    [`${id}.steps`]: mean(answers.map(({ steps }) => steps)),
    [`${id}.hops`]: mean(found.map(({ hops }) => hops)),
    [`${id}.messages`]: mean(answers.map(({ messages }) => messages)),
    [`${id}.end`]: mean(answers.map(({ endAt }) => endAt)),
  };
}
