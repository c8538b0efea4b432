import { type AggregateResult, defaultAggregateConfig, planOf, type Table, tableOf } from '@starling/core-aggregate';
import { defaultHyParViewConfig } from '@starling/core-hyparview';
import type { Rng } from '@starling/kernel';
import { type PeerRow, parsePeersQuery } from '@starling/query';
import { cycleNetwork } from '../engine/network.ts';
import { AggregateField, type FieldAnswer } from '../node/aggregate-field.ts';
import type { Goal } from '../report.ts';
import type { Scenario } from './scenario.ts';
import { activeGraph, settledSwarm, swarmConfig } from './swarm.ts';

const zones = 8;
const byZone = 'zone, count(*), count(rtt), sum(documents), p99(rtt) group by zone';
const byPeer = 'id, p50(rtt) group by id';
/** Of the peers, in one question, before anybody mends the tree. */
const deathShare = 0.01;

function row(id: string, what: string, unit: string, goal: Goal['goal'] = null, paper = '–'): Goal {
  return { id, what, unit, paper, goal, judgedBy: 'worst' };
}

export const aggregateTree: Scenario = {
  name: 'aggregate/tree',
  about: 'what it costs to aggregate over all peers inside the mesh, and whether each is counted once (TAG, OSDI 2002)',
  engine: 'event',
  setup: `the product's aggregation cores on HyParView's overlay of degree 7, its breadth-first tree as the broadcast tree, 1 ms per link; "${byZone}" with ${zones} zones; churn: 1 % of the peers die within 20 ms of a question, the tree is not mended and the directory still counts them`,
  peers: 5_000,
  seeds: 3,
  cpuSeconds: 30,
  reduced: { peers: 200, seeds: 1 },
  goals: [
    row('messages', 'messages per other peer', '', { is: '≤', value: 2 }, '2 (TAG §4: one up, one down)'),
    row('bytes', 'bytes per other peer', 'B'),
    row('largest', 'the largest message', 'KiB', { is: '≤', value: 128 }),
    row('took', 'until the answer', 'ms'),
    row('wrong', 'counts and sums that are wrong', '', { is: '≤', value: 0 }),
    row('p99', 'error of p99 over all links', '%', { is: '≤', value: 1 }, '1 (DDSketch, α = 0.01)'),
    row('groupsShown', 'a group for each peer: groups shown', ''),
    row('groupsLost', '… peers neither shown nor in the other row', '', { is: '≤', value: 0 }),
    row('groupsKib', '… the largest message', 'KiB', { is: '≤', value: 128 }),
    row('churn.silent', 'churn: answers that lack somebody and do not say so', '', { is: '≤', value: 0 }),
    row('churn.twice', 'churn: peers counted twice', '', { is: '≤', value: 0 }),
    row('churn.reached', 'churn: of the living, counted', '%', { is: '≥', value: 90 }),
    row('churn.messages', 'churn: messages per other peer, both waves', ''),
    row('churn.took', 'churn: until the answer', 'ms'),
  ],
  run(peers, seed) {
    const config = swarmConfig({ ...defaultHyParViewConfig, passiveCapacity: 30 });
    const { world } = settledSwarm({ peers, seed, network: cycleNetwork, config, joinEveryMs: 1, cycles: 10 });
    const graph = activeGraph(world);
    const { rng } = world;
    const rows = graph.ids.map((id) => rowOf(id, rng));
    const field = new AggregateField(graph, rows);
    const violations: string[] = [];

    const whole = field.ask(rng.below(peers), byZone);
    if (!whole.result.complete) violations.push('a whole mesh did not answer as a whole');
    const single = field.ask(rng.below(peers), byPeer);
    const p99 = p99Error(field.ask(rng.below(peers), 'p99(rtt)').result, rows);
    const groups = single.result.partial?.groups.length ?? 0;
    const churn = Array.from({ length: 4 }, () => askUnderChurn(field, peers, rng));
    violations.push(...field.violations.slice(0, 10));
    const values = {
      messages: whole.messages / (peers - 1),
      bytes: whole.bytes / (peers - 1),
      largest: whole.bytesMost / 1_024,
      took: whole.tookMs,
      wrong: wrongFigures(tableFor(byZone, whole.result), rows),
      p99,
      groupsShown: groups,
      groupsLost: peers - groups - (single.result.partial?.other?.peers ?? 0),
      groupsKib: single.bytesMost / 1_024,
      'churn.silent': churn.filter(({ silent }) => silent).length,
      'churn.twice': churn.reduce((sum, { twice }) => sum + twice, 0),
      'churn.reached': Math.min(...churn.map(({ reached }) => reached)),
      'churn.messages': Math.max(...churn.map(({ answer }) => answer.messages)) / (peers - 1),
      'churn.took': Math.max(...churn.map(({ answer }) => answer.tookMs)),
    };
    return { seed, values, traceHash: field.traceHash, violations, events: field.events };
  },
};

function rowOf(id: string, rng: Rng): PeerRow {
  return {
    id,
    zone: `zone-${rng.below(zones)}`,
    documents: rng.below(1_000),
    // As round trips are: most near, some far.
    rtt: Array.from({ length: 1 + rng.below(7) }, () => 0.2 - 5 * Math.log(1 - rng.float())),
  };
}

function tableFor(text: string, { partial }: AggregateResult): Table {
  const parsed = parsePeersQuery(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return tableOf(planOf(parsed.query), partial, defaultAggregateConfig);
}

/** Beside the rows themselves. */
function wrongFigures({ rows: groups }: Table, rows: readonly PeerRow[]): number {
  let wrong = groups.length === new Set(rows.map(({ zone }) => zone)).size ? 0 : 1;
  for (const { values, peers } of groups) {
    const own = rows.filter(({ zone }) => zone === values[0]);
    const links = own.reduce((sum, { rtt }) => sum + (rtt as number[]).length, 0);
    const documents = own.reduce((sum, one) => sum + (one.documents as number), 0);
    if (peers !== own.length || values[1] !== own.length || values[2] !== links || values[3] !== documents) wrong++;
  }
  return wrong;
}

function p99Error(result: AggregateResult, rows: readonly PeerRow[]): number {
  const all = rows.flatMap(({ rtt }) => rtt as number[]).sort((a, b) => a - b);
  const exact = all[Math.floor(0.99 * (all.length - 1))] as number;
  const estimate = tableFor('p99(rtt)', result).rows[0]?.values[0] as number;
  return (100 * Math.abs(estimate - exact)) / exact;
}

interface Churned {
  readonly answer: FieldAnswer;
  readonly silent: boolean;
  readonly twice: number;
  /** Of those that live, in percent. */
  readonly reached: number;
}

function askUnderChurn(field: AggregateField, peers: number, rng: Rng): Churned {
  let origin = rng.below(peers);
  while (field.isDead(origin)) origin = rng.below(peers);
  const deaths = Array.from({ length: Math.max(1, Math.round(deathShare * peers)) }, () => ({
    peer: rng.below(peers),
    afterMs: 1 + rng.below(20),
  })).filter(({ peer }) => peer !== origin);
  const answer = field.ask(origin, byZone, deaths);
  const { partial, tally, complete } = answer.result;
  const counted = (partial?.groups ?? []).reduce((sum, group) => sum + group.peers, partial?.other?.peers ?? 0);
  let living = 0;
  for (let peer = 0; peer < peers; peer++) if (!field.isDead(peer)) living++;
  return {
    answer,
    silent: counted < peers && complete,
    // All who answered are in some zone.
    twice: Math.max(0, counted - tally.answered, counted - peers),
    reached: (100 * Math.min(living, counted)) / living,
  };
}
