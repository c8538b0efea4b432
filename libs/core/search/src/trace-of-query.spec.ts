import { describe, expect, it } from 'vitest';
import { idsOf, SearchNetwork } from '../spec/search-network.ts';
import type { SearchConfig } from './config.ts';
import type { Span, SpanList } from './messages.ts';
import { isSpanList, Trace } from './trace.ts';

const spansOf = (network: SearchNetwork, part = -1): readonly Span[] => network.traces.at(part)?.trace.spans ?? [];
const edges = (spans: readonly Span[]) => spans.map(({ parent, peer }) => `${parent || 'nobody'}>${peer}`);

describe('the trace of a query', () => {
  it('has every peer under who asked it, with times that fit into each other', () => {
    const network = new SearchNetwork(idsOf(32), 5);
    network.plant(0);
    for (const [id, { documents }] of network.nodes) documents.push({ id: `doc-${id}`, score: 1 });
    const finished = network.query('p00', '1', 100, 5_000, { trace: true });
    const spans = spansOf(network);
    expect(network.traces).toHaveLength(1);
    expect(new Set(spans.map(({ peer }) => peer))).toEqual(new Set(network.nodes.keys()));
    expect(spans[0]).toMatchObject({ peer: 'p00', parent: '', state: 'done', messages: finished.tally.messages });
    for (const span of spans) {
      const parent = spans.find(({ peer }) => peer === span.parent);
      expect(span).toMatchObject({ state: 'done', hits: 1 });
      expect(span.localMs).toBeCloseTo(1);
      if (parent === undefined) continue;
      // A link takes from 5 to 10 ms each way; what is left of the round trip is the peer's own time.
      const onTheWay = span.roundTripMs - span.elapsedMs;
      expect(onTheWay).toBeGreaterThanOrEqual(10 - 1e-9);
      expect(onTheWay).toBeLessThanOrEqual(20 + 1e-9);
      expect(span.askedAfterMs + span.roundTripMs).toBeLessThanOrEqual(parent.elapsedMs + 1e-9);
    }
  });

  it('costs nothing when it is not asked for', () => {
    const network = new SearchNetwork(idsOf(8), 5);
    network.plant(1);
    network.query('p00', '1');
    expect(network.traces).toEqual([]);
    expect(network.allSent.some((message) => 'trace' in message)).toBe(false);
  });

  it('marks a branch that broke, one that said nothing, and one that was too busy', () => {
    const network = new SearchNetwork(idsOf(4), 1, { activeMax: 1 });
    for (const other of ['p01', 'p02', 'p03']) network.link('p00', other, 'eager');
    // p03 works on a query of its own.
    network.takeOver('p03');
    network.command('p03', { kind: 'links', tree: 0, eager: [], lazy: [] });
    network.start('p03', '9');
    network.start('p00', '1', 10, 2_000, { trace: true });
    network.node('p01').isHung = true;
    network.node('p02').isHung = true;
    network.run(50);
    network.kill('p02');
    network.run(3_000);
    const [first] = network.traces;
    expect(first?.wave).toBe(0);
    const states = Object.fromEntries(first?.trace.spans.map(({ peer, state }) => [peer, state]) ?? []);
    expect(states).toEqual({ p00: 'late', p01: 'missing', p02: 'broken', p03: 'shed' });
  });

  it('tells the second wave apart, and whom it asked in vain', () => {
    const network = new SearchNetwork(idsOf(5), 3);
    network.plant(3);
    network.command('p00', { kind: 'meshSize', peers: 6 });
    network.query('p00', '1', 10, 2_000, { trace: true });
    expect(network.traces.map(({ wave }) => wave)).toEqual([0, 1]);
    const declined = spansOf(network).reduce((sum, span) => sum + span.declined, 0);
    expect(declined).toBeGreaterThan(0);
    expect(new Set(spansOf(network).map(({ peer }) => peer)).size).toBe(5);
  });

  it('names once for each asker whom several asked in vain, and every hop takes that', () => {
    // p04 hangs below p02 and p03, and p01 hears of it twice.
    const network = new SearchNetwork(idsOf(5), 1);
    for (const [a, b] of ['01', '12', '13', '24', '34']) network.link(`p0${a}`, `p0${b}`, 'lazy');
    network.node('p04').isHung = true;
    network.query('p00', '1', 10, 3_000, { trace: true });
    const missing = spansOf(network).filter(({ peer }) => peer === 'p04');
    expect(missing.map(({ parent, state }) => `${parent} ${state}`).sort()).toEqual(['p02 missing', 'p03 missing']);
  });

  it('is cut at a bound, says so, and what is left is a tree', () => {
    const network = new SearchNetwork(idsOf(40), 8, { traceSpansMax: 12 });
    network.plant(0);
    network.query('p00', '1', 10, 5_000, { trace: true });
    const { trace } = network.traces[0] as { trace: SpanList };
    expect([trace.spans.length, trace.cut]).toEqual([12, 28]);
    const known = new Set(['']);
    for (const { peer, parent } of trace.spans) {
      expect(known.has(parent)).toBe(true);
      known.add(peer);
    }
  });
});

const seeks = (['walk', 'ring', 'guided'] as const).map((strategy) => ({ strategy }));

describe('the trace of a seek', () => {
  const mesh = (size: number, seed: number, config: Partial<SearchConfig> = {}): SearchNetwork => {
    const network = new SearchNetwork(idsOf(size), seed, config);
    network.entangle(4);
    for (const [id, { documents }] of network.nodes) documents.push({ id: `doc-${id}`, score: 1 });
    return network;
  };

  it.each(seeks)(
    'of a $strategy: round by round, everybody who was asked once with its index, under who asked',
    (how) => {
      for (let seed = 1; seed <= 10; seed++) {
        const network = mesh(60, seed);
        // Nobody has it, so it goes on until nothing is left.
        const finished = network.query('p00', '1', 10, 20_000, { ...how, trace: true, text: '7', budget: 2_000 });
        expect(network.traces.map(({ wave }) => wave)).toEqual(network.traces.map((_, at) => at + 1));
        expect(network.traces.every(({ strategy }) => strategy === how.strategy)).toBe(true);
        const searched = new Set<string>();
        for (const { trace } of network.traces) {
          expect(trace.cut).toBe(0);
          const known = new Set(['']);
          for (const { parent, peer, state, localMs, roundTripMs, elapsedMs } of trace.spans) {
            expect(known.has(parent)).toBe(true);
            known.add(peer);
            expect(state).toBe('done');
            if (parent !== '') expect(roundTripMs - elapsedMs).toBeGreaterThanOrEqual(10 - 1e-9);
            if (localMs < 0) continue;
            expect(searched.has(peer)).toBe(false);
            searched.add(peer);
          }
        }
        expect(searched.size).toBe(finished.tally.asked);
        const spent = network.traces.reduce((sum, { trace }) => sum + (trace.spans[0]?.messages ?? 0), 0);
        expect(spent).toBe(finished.tally.messages);
      }
    },
  );

  it.each(seeks)(
    'of a $strategy costs nothing when it is not asked for, and is not answered from memory when it is',
    (how) => {
      const network = mesh(20, 2);
      network.query('p00', '1', 3, 5_000, how);
      expect(network.traces).toEqual([]);
      expect(network.allSent.some((message) => 'trace' in message)).toBe(false);
      expect(network.query('p00', '2', 3, 5_000, how).cacheAgeMs).toBeGreaterThan(0);
      expect(network.query('p00', '3', 3, 5_000, { ...how, trace: true }).cacheAgeMs).toBeUndefined();
      expect(network.traces.length).toBeGreaterThan(0);
    },
  );

  it('marks whose link broke, who was silent, and who had no room', () => {
    const network = new SearchNetwork(idsOf(4), 1, { activeMax: 1 });
    for (const other of ['p01', 'p02', 'p03']) network.link('p00', other, 'lazy');
    network.takeOver('p03');
    network.start('p03', '9');
    network.start('p00', '1', 10, 2_000, { strategy: 'ring', trace: true });
    network.node('p01').isHung = true;
    network.node('p02').isHung = true;
    network.run(50);
    network.kill('p02');
    network.run(3_000);
    const states = Object.fromEntries(spansOf(network, 0).map(({ peer, state }) => [peer, state]));
    expect(states).toEqual({ p00: 'late', p01: 'missing', p02: 'broken', p03: 'shed' });
  });

  it('keeps who gave the hits when enough came before the round was over', () => {
    // p01 and p03 have one each, and p01 waits for p02, which hangs behind it.
    const network = new SearchNetwork(idsOf(4), 1);
    network.link('p00', 'p03', 'lazy');
    network.link('p00', 'p01', 'lazy');
    network.link('p01', 'p02', 'lazy');
    network.node('p01').documents.push({ id: 'one', score: 1 });
    network.node('p03').documents.push({ id: 'two', score: 1 });
    network.node('p02').isHung = true;
    const { reason } = network.query('p00', '1', 2, 5_000, { strategy: 'walk', trace: true });
    expect(reason).toBe('limit');
    const states = spansOf(network).map(({ parent, peer, state, hits }) => `${parent}>${peer} ${state} ${hits}`);
    expect(states).toEqual(['>p00 done 0', 'p00>p03 done 1', 'p00>p01 stopped 1', 'p01>p02 stopped 0']);
  });

  it('is cut in all rounds together, says so, and what is left is a tree', () => {
    const whole = mesh(60, 4);
    whole.query('p00', '1', 10, 20_000, { strategy: 'ring', trace: true, text: '7', budget: 2_000 });
    const network = mesh(60, 4, { traceSpansTotalMax: 30, traceSpansMax: 20 });
    network.query('p00', '1', 10, 20_000, { strategy: 'ring', trace: true, text: '7', budget: 2_000 });
    const told = network.traces.map(({ trace }) => trace);
    expect(told.reduce((sum, { spans }) => sum + spans.length, 0)).toBe(30);
    expect(told.map(({ spans, cut }) => spans.length + cut)).toEqual(
      whole.traces.map(({ trace }) => trace.spans.length),
    );
    for (const { spans } of told) {
      const known = new Set(['']);
      for (const { peer, parent } of spans) {
        expect(known.has(parent)).toBe(true);
        known.add(peer);
      }
    }
  });
});

describe('a list of spans from a neighbour', () => {
  const list = (): SpanList => {
    const below = new Trace('b', 'a', 0, 8);
    below.asked(1, 'c');
    below.done(3, 'c', new Trace('c', 'b', 1, 8).list(2, 'done', 0));
    return below.list(4, 'done', 2);
  };

  it('is taken when it is a tree of whoever sends it', () => {
    expect(edges(list().spans)).toEqual(['a>b', 'b>c']);
    expect(isSpanList(list(), 'b', 8)).toBe(true);
    expect(isSpanList({ spans: [], cut: 0 }, 'b', 8)).toBe(true);
  });

  it.each<[string, (spans: Span[]) => unknown]>([
    ['of somebody else', (spans) => spans.shift()],
    ['with a peer under nobody', (spans) => spans.push({ ...(spans[1] as Span), peer: 'x', parent: 'y' })],
    ['with a peer twice under one asker', (spans) => spans.push(spans[1] as Span)],
    ['that begins anew', (spans) => spans.push({ ...(spans[0] as Span), parent: 'c' })],
    ['with a time that is none', (spans) => spans.splice(1, 1, { ...(spans[1] as Span), roundTripMs: Number.NaN })],
    ['with a count that is none', (spans) => spans.splice(1, 1, { ...(spans[1] as Span), hits: 0.5 })],
    [
      'that is too long',
      (spans) => spans.push(...Array.from({ length: 8 }, (_, i) => ({ ...(spans[1] as Span), peer: `n${i}` }))),
    ],
  ])('%s is a violation', (_what, change) => {
    const spans = [...list().spans];
    change(spans);
    expect(isSpanList({ spans, cut: 0 }, 'b', 8)).toBe(false);
  });
});
