import { RecordingOutbox } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { AggregateNetwork, type Edge, idsOf } from '../spec/aggregate-network.ts';
import { defaultAggregateConfig } from './config.ts';
import type { AggregateEvent, AggregateMessage, AggregateResult } from './messages.ts';
import type { PartialData } from './partial.ts';

const ids = idsOf(7);
/** p0 above p1 and p2, each above two more. */
const tree: Edge[] = [
  ['p0', 'p1'],
  ['p0', 'p2'],
  ['p1', 'p3'],
  ['p1', 'p4'],
  ['p2', 'p5'],
  ['p2', 'p6'],
];
const ring: Edge[] = [
  ['p3', 'p4'],
  ['p4', 'p5'],
  ['p5', 'p6'],
  ['p6', 'p3'],
];
const count = 'count(*)';

function resultOf(network: AggregateNetwork): AggregateResult {
  network.run();
  expect(network.results).toHaveLength(1);
  return network.results[0] as AggregateResult;
}

function peersIn(partial: PartialData | null): number {
  return (partial?.groups ?? []).reduce((sum, { peers }) => sum + peers, partial?.other?.peers ?? 0);
}

describe('a question about peers', () => {
  it('goes along the tree and comes back as one answer of each peer: 2 (N − 1) messages', () => {
    const network = new AggregateNetwork(ids, tree, ring);
    for (const [at, id] of ids.entries()) network.rows.set(id, { id, zone: at % 2 === 0 ? 'even' : 'odd' });
    network.ask('p0', 'zone, count(*) group by zone');
    const { partial, tally, complete, reason, waves } = resultOf(network);
    expect(partial?.groups.map(({ key, peers }) => [...key, peers])).toEqual([
      ['even', 4],
      ['odd', 3],
    ]);
    expect({ complete, reason, waves }).toEqual({ complete: true, reason: 'done', waves: 1 });
    expect(tally).toMatchObject({ answered: 7, missing: 0, messages: 12, lost: [] });
    expect(network.sent).toHaveLength(12);
  });

  it('counts a peer once though its tree has a cycle: the second asker is declined', () => {
    const network = new AggregateNetwork(ids, [...tree, ...ring]);
    network.ask('p0', count);
    const { partial, tally, complete } = resultOf(network);
    expect(peersIn(partial)).toBe(7);
    expect(complete).toBe(true);
    // Declines cost, too.
    expect(tally.messages).toBe(network.sent.length);
    expect(network.sent.some(({ message }) => message.kind === 'aggregateDecline')).toBe(true);
  });

  it('asks once more over all links when a branch broke, and begins its sums anew', () => {
    const network = new AggregateNetwork(ids, tree, ring);
    network.ask('p0', count);
    network.at(1.5, () => network.kill('p1'));
    const { partial, tally, complete, waves, known } = resultOf(network);
    expect(peersIn(partial)).toBe(6);
    expect(tally).toMatchObject({ answered: 6 });
    expect({ complete, waves, known }).toEqual({ complete: false, waves: 2, known: 7 });
    // Nothing is left behind.
    for (const core of network.cores.values()) expect(core.activeCount).toBe(0);
  });

  it('says who is missing when it cannot be reached another way', () => {
    const network = new AggregateNetwork(ids, tree);
    network.hung.add('p2');
    network.ask('p0', count);
    const { partial, tally, complete, reason } = resultOf(network);
    expect(peersIn(partial)).toBe(4);
    expect(tally).toMatchObject({ answered: 4, missing: 1, lost: [{ peer: 'p2', reason: 'late' }] });
    expect({ complete, reason }).toEqual({ complete: false, reason: 'deadline' });
    // Who is not waited for any more is told so.
    const cancelled = network.sent.filter(({ message }) => message.kind === 'aggregateCancel').map(({ to }) => to);
    expect(new Set(cancelled)).toEqual(new Set(['p2']));
  });

  it('a peer whose own row does not come is missing; those below it are not', () => {
    const network = new AggregateNetwork(ids, tree);
    network.mute.add('p2');
    network.ask('p0', count);
    expect(resultOf(network).tally).toMatchObject({ answered: 6, missing: 1, lost: [{ peer: 'p2', reason: 'late' }] });
  });

  it('a branch whose link broke is missing, and is named, when nobody is asked again', () => {
    const network = new AggregateNetwork(ids, tree);
    network.ask('p0', count, { messagesMax: 12 });
    network.at(1.5, () => network.kill('p1'));
    expect(resultOf(network)).toMatchObject({
      ...{ complete: false, reason: 'done', waves: 1 },
      tally: { answered: 4, missing: 1, lost: [{ peer: 'p1', reason: 'broken' }] },
    });
  });

  it("a peer's row counts once, however often it is given", () => {
    const network = new AggregateNetwork(ids, tree);
    network.delay = (from) => (from === 'p3' ? 20 : 1);
    network.ask('p0', count);
    network.at(5, () => network.giveRow('p1', 'p0/0', { id: 'p1' }));
    const { partial, tally } = resultOf(network);
    expect([peersIn(partial), tally.answered]).toEqual([7, 7]);
  });

  it('goes no further than it may: who is behind that is missing, at once', () => {
    const chain: Edge[] = [
      ['p0', 'p1'],
      ['p1', 'p2'],
      ['p2', 'p3'],
    ];
    const network = new AggregateNetwork(idsOf(4), chain, [], { hopsMax: 2 });
    network.ask('p0', count, { messagesMax: 6 });
    const { tally, reason } = resultOf(network);
    expect(tally).toMatchObject({ answered: 3, missing: 1, lost: [{ peer: 'p3', reason: 'late' }] });
    expect([reason, network.violations]).toEqual(['done', []]);
  });

  it('a peer that cannot read it is missing once, however many ask it', () => {
    const diamond: Edge[] = [
      ['p0', 'p1'],
      ['p0', 'p3'],
      ['p1', 'p2'],
      ['p3', 'p2'],
    ];
    const network = new AggregateNetwork(idsOf(4), diamond);
    network.tamper = (from, message) =>
      from !== 'p0' && message.kind === 'aggregateQuery' ? { ...message, text: 'count(' } : message;
    network.ask('p0', count, { messagesMax: 6 });
    expect(resultOf(network).tally).toMatchObject({
      answered: 3,
      missing: 1,
      lost: [{ peer: 'p2', reason: 'unread' }],
    });
  });

  it('a peer of which the directory alone knows is missing: the answer is not complete', () => {
    const network = new AggregateNetwork([...ids, 'p7'], tree);
    network.ask('p0', count);
    expect(resultOf(network)).toMatchObject({ complete: false, known: 8, tally: { answered: 7, missing: 0 } });
  });

  it('an answer that comes too late is not counted', () => {
    const network = new AggregateNetwork(ids, tree);
    network.delay = (from) => (from === 'p1' ? 6_000 : 1);
    network.ask('p0', count);
    expect(peersIn(resultOf(network).partial)).toBe(4);
    expect(network.core('p0').stats.late).toBeGreaterThan(0);
  });

  it('of two waves the one that more answered counts', () => {
    // The second wave finds less: p2 hangs meanwhile.
    const network = new AggregateNetwork([...ids, 'p7'], tree);
    network.ask('p0', count);
    network.at(4.5, () => network.hung.add('p2'));
    expect(resultOf(network)).toMatchObject({ waves: 2, tally: { answered: 7 } });
  });

  it('is refused before it costs more than it may, and says what it would cost', () => {
    const network = new AggregateNetwork(ids, tree, ring);
    network.ask('p0', count, { messagesMax: 11 });
    expect(resultOf(network)).toMatchObject({ reason: 'budget', partial: null, messagesNeeded: 12, waves: 0 });
    expect(network.sent).toHaveLength(0);
  });

  it.each([
    [12 + 31, 1],
    [12 + 32, 2],
  ])('asks again when that may be paid for, too: within %i messages %i times', (messagesMax, waves) => {
    const network = new AggregateNetwork([...ids, 'p7'], tree, ring);
    network.ask('p0', count, { messagesMax });
    // The first time took 12; 8 peers with two links each may take 32.
    expect(resultOf(network)).toMatchObject({ reason: 'done', complete: false, waves });
  });

  it('whose origin dies is given up by everybody, at once', () => {
    const network = new AggregateNetwork(ids, tree);
    for (const id of ['p3', 'p6']) network.mute.add(id);
    network.ask('p0', count);
    network.run(10);
    expect(network.core('p1').activeCount).toBe(1);
    network.kill('p0');
    network.run(15);
    for (const core of network.cores.values()) expect(core.activeCount).toBe(0);
  });

  it('of an earlier life of this peer is declined', () => {
    const network = new AggregateNetwork(ids, tree);
    const core = network.core('p1');
    const out = new RecordingOutbox<AggregateMessage, AggregateEvent>();
    const message = {
      kind: 'aggregateQuery',
      queryId: 'p1/7',
      wave: 0,
      text: count,
      timeoutMs: 900,
      hops: 2,
      tree: 0,
    } as const;
    core.handle(0, { kind: 'message', from: 'p0', message }, out);
    expect(out.take()).toEqual([
      { kind: 'send', to: 'p0', message: { kind: 'aggregateDecline', queryId: 'p1/7', wave: 0 } },
    ]);
  });

  it('that is withdrawn is withdrawn everywhere', () => {
    const network = new AggregateNetwork(ids, tree);
    network.hung.add('p5');
    network.ask('p0', count);
    network.run(10);
    network.cancel('p0', '0');
    network.run(20);
    expect(network.results[0]).toMatchObject({ reason: 'cancelled', complete: false });
    for (const [id, core] of network.cores) if (id !== 'p5') expect(core.activeCount).toBe(0);
  });

  it('beyond the rate of its own peer is shed, and told when to come again', () => {
    const network = new AggregateNetwork(ids, tree, [], { ownPerSecondMax: 1 });
    network.ask('p0', count);
    network.run(100);
    network.ask('p0', count);
    expect(network.results[1]).toMatchObject({ reason: 'overloaded', partial: null });
    expect(network.results[1]?.retryAfterMs).toBeGreaterThan(0);
  });

  it('beyond the rate of a neighbour is shed there, and its peer is said to be missing', () => {
    const network = new AggregateNetwork(ids, tree, [], { neighborPerSecondMax: 1, ownPerSecondMax: 9 });
    network.ask('p0', count);
    network.run(100);
    network.ask('p0', count);
    network.run(200);
    expect(network.results[1]?.tally).toMatchObject({ answered: 1, missing: 2 });
    expect(network.results[1]?.tally.lost).toContainEqual({ peer: 'p1', reason: 'shed' });
  });

  it('is not taken up while the memory of earlier ones is full: who forgets could count twice', () => {
    const network = new AggregateNetwork(ids, tree, [], { seenMax: 1 });
    network.ask('p0', count);
    network.run(100);
    network.ask('p0', count);
    expect(network.results[1]).toMatchObject({ reason: 'overloaded' });
    network.run(defaultAggregateConfig.seenMs + 200);
    network.ask('p0', count);
    network.run(network.now + 100);
    expect(network.results[2]).toMatchObject({ complete: true });
  });

  it('… or while what is worked on will fill it', () => {
    const network = new AggregateNetwork(ids, tree, [], { seenMax: 1 });
    network.mute.add('p3');
    network.ask('p0', count);
    network.run(10);
    expect([network.core('p1').activeCount, network.results.length]).toEqual([1, 0]);
    network.ask('p1', count);
    expect(network.results[0]).toMatchObject({ reason: 'overloaded' });
  });
});

describe('a neighbour that says what cannot be', () => {
  type Answer = Extract<AggregateMessage, { kind: 'aggregateAnswer' }>;
  const lies: [string, (answer: Answer) => Answer][] = [
    ['more peers than there are', (a) => ({ ...a, tally: { ...a.tally, answered: 1_000 } })],
    ['a count below 0', (a) => ({ ...a, tally: { ...a.tally, missing: -1 } })],
    ['no figures', (a) => ({ ...a, partial: null })],
    ['more peers in groups than answered', (a) => ({ ...a, partial: withGroup(a, { peers: 5 }) })],
    ['another key', (a) => ({ ...a, partial: withGroup(a, { key: ['x', 'y'] }) })],
    ['a sum that its least and greatest cannot make', (a) => ({ ...a, partial: withCell(a, { sum: 1e9 }) })],
    ['what is no number', (a) => ({ ...a, partial: withCell(a, { sum: Number.NaN }) })],
    ['more values than peers', (a) => ({ ...a, partial: withCell(a, { count: 900 }) })],
    [
      'a sketch of other values',
      (a) => ({ ...a, partial: withCell(a, { sketch: { zeros: 7, indexes: [], counts: [] } }) }),
    ],
    ['no cells', (a) => ({ ...a, partial: withGroup(a, { cells: [] }) })],
    ['a group twice', (a) => ({ ...a, partial: twice(a) })],
  ];

  function withGroup({ partial }: Answer, more: object): PartialData {
    const [group, ...rest] = partial?.groups ?? [];
    return { groups: [{ ...(group as object), ...more } as never, ...rest], cut: null, other: null };
  }

  function withCell(answer: Answer, more: object): PartialData {
    const [cell] = answer.partial?.groups[0]?.cells ?? [];
    return withGroup(answer, { cells: [{ ...(cell as object), ...more }] });
  }

  function twice({ partial }: Answer): PartialData {
    const [group] = partial?.groups ?? [];
    return { groups: [group as never, group as never], cut: null, other: null };
  }

  it.each(lies)('%s: its branch is missing, it is named, and the others count', (_, lie) => {
    const network = new AggregateNetwork(ids, tree);
    for (const id of ids) network.rows.set(id, { id, memory: 5 });
    network.tamper = (from, message) => (from === 'p1' && message.kind === 'aggregateAnswer' ? lie(message) : message);
    network.ask('p0', 'p50(memory)');
    const { partial, tally, complete } = resultOf(network);
    expect(complete).toBe(false);
    expect(peersIn(partial)).toBe(4);
    expect(tally).toMatchObject({ answered: 4, missing: 1, lost: [{ peer: 'p1', reason: 'unsound' }] });
    expect(network.violations.length).toBeGreaterThan(0);
  });
});
