import { describe, expect, it } from 'vitest';
import { Bench, gossip, iHave } from './bench.test-support.ts';
import { Leads } from './leads.ts';
import { Neighbor } from './neighbor.ts';

describe('the lead of a neighbour', () => {
  const [a, b] = [new Neighbor('a', false, 0), new Neighbor('b', false, 1)];

  it('is an average of the last messages', () => {
    const leads = new Leads();
    expect(leads.of(a)).toBe(Number.NEGATIVE_INFINITY);
    for (const links of [4, 0, 2]) leads.note(a, links, -1);
    leads.note(b, -1, -1);
    expect([leads.of(a), leads.of(b)]).toEqual([2, -1]);
    for (let i = 0; i < 100; i++) leads.note(a, 6, -1);
    expect(leads.of(a)).toBeCloseTo(6);
  });

  it('is steady once as many messages as count were announced, from one place', () => {
    const leads = new Leads();
    const lead = { links: 5, ms: 10, messages: 8 };
    for (let i = 0; i < 7; i++) leads.note(a, 5, -1);
    expect(leads.isSteadily(a, lead)).toBe(false);
    expect(leads.isSteadily(a, { ...lead, messages: 7 })).toBe(true);
    leads.note(a, 5, -1);
    expect(leads.isSteadily(a, lead)).toBe(true);
    leads.moved();
    expect([leads.isSteadily(a, lead), leads.of(a)]).toEqual([false, 5]);
    leads.note(a, 1, -1);
    expect(leads.of(a)).toBe(1);
    leads.delete(a);
    expect(leads.of(a)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('deviation: a neighbour that announces messages before the parent brings them', () => {
  /** Which of eight messages has `b` grafted when it announces each so much sooner than `a` brings it, after `before` that came without; −1: none. */
  const announced = (earlierMs: number, senders: number, { before = 1, gapMs = 10_000 } = {}) => {
    const bench = new Bench(['a', 'b']);
    for (let i = 1; i < senders; i++) bench.receive(0, 'a', gossip(1, { stream: `o${i}~1`, round: 4 }));
    for (let seq = 1; seq <= before; seq++) bench.receive(gapMs * (seq - before), 'a', gossip(seq, { round: 4 }));
    bench.lazy('b');
    return Array.from({ length: 8 }, (_, i) => {
      const [now, seq] = [gapMs * (i + 1), before + 1 + i];
      const brings = () => bench.receive(now, 'a', gossip(seq, { round: 4 }));
      const announces = () => bench.receive(now - earlierMs, 'b', iHave(seq, seq, 6));
      const said = earlierMs > 0 ? [...announces(), ...brings()] : [...brings(), ...announces()];
      return said.some((line) => line.includes('graft'));
    }).indexOf(true);
  };

  it('is to push as well once it does so steadily, by how many links ever', () => {
    expect(announced(10, 2)).toBe(7);
    expect(announced(9, 2)).toBe(-1);
  });

  it('in a tree of one sender already when its push would, and sooner: what is nearer stays nearer', () => {
    expect(announced(-20, 1)).toBe(3);
    expect(announced(-21, 1)).toBe(-1);
    expect(announced(-20, 2)).toBe(-1);
  });

  it('but not where dozens of messages are under way', () => {
    expect(announced(-17, 1, { before: 400, gapMs: 18 })).toBe(-1);
    expect(announced(-17, 1, { before: 400, gapMs: 22 })).toBe(3);
  });
});

describe('deviation: a neighbour that has long been five links nearer than the parent', () => {
  /** The parent brings messages over nine links, `b` announces them as of so many. */
  const announced = (rounds: readonly number[]) => {
    const bench = new Bench(['a', 'b']);
    bench.receive(0, 'a', gossip(1, { round: 9 }));
    bench.receive(0, 'a', gossip(1, { stream: 'p~1', round: 9 }));
    bench.lazy('b');
    const said = rounds.map((round, i) => {
      bench.receive(10_000 * (i + 1), 'a', gossip(i + 2, { round: 9 }));
      return bench.receive(10_000 * (i + 1) + 50, 'b', iHave(i + 2, i + 2, round));
    });
    return { bench, grafts: said.flat().filter((line) => line.includes('graft')) };
  };
  const long = Array<number>(8).fill(4);

  it('is to push as well, one way, and is the parent when it brings the next message first', () => {
    const { bench, grafts } = announced(long);
    expect(grafts).toEqual(['b: graft ']);
    expect(bench.core.eagerPeers()).toEqual(['a']);
    bench.receive(100_000, 'b', gossip(10, { round: 4 }));
    expect(bench.receive(100_050, 'a', gossip(10, { round: 9 }))).toEqual(['a: prune']);
    expect(bench.core.eagerPeers()).toEqual(['b']);
  });

  it('and is lazy again when it does not', () => {
    const { bench } = announced(long);
    bench.receive(100_000, 'a', gossip(10, { round: 9 }));
    expect(bench.receive(100_050, 'b', gossip(10, { round: 4 }))).toEqual(['b: prune']);
    expect(bench.core.eagerPeers()).toEqual(['a']);
  });

  it('not on less than that, on average: in a tree that many share every sender sees another lead', () => {
    expect(announced([...long.slice(1), 5]).grafts).toEqual([]);
    expect(announced(long.slice(1)).grafts).toEqual([]);
  });
});
