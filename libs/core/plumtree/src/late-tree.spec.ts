import { describe, expect, it } from 'vitest';
import { Bench, gossip, iHave } from './bench.test-support.ts';

/** Neighbours a, b and c; b became the parent at 20, when a was pruned with more of its copies under way. */
function exchanged(): Bench {
  const bench = new Bench(['a', 'b', 'c']);
  bench.lazy('c');
  bench.receive(0, 'a', gossip(1));
  bench.receive(10, 'b', gossip(2));
  expect(bench.receive(20, 'a', gossip(2))).toEqual(['a: prune']);
  return bench;
}

describe('what was under way when its link was pruned', () => {
  it('makes nobody the parent when it comes first, and costs the parent nothing', () => {
    const bench = exchanged();
    for (let seq = 3; seq < 40; seq++) {
      expect(bench.receive(20 + seq, 'a', gossip(seq)), `tail ${seq}`).toContain(`b: gossip o~1#${seq} round 2`);
      expect(bench.receive(21 + seq, 'b', gossip(seq)), `parent ${seq}`).toEqual([]);
    }
    expect(bench.core.roleOf('a')).toBe('lazy');
    expect(bench.core.roleOf('b')).toBe('eager');
    expect(bench.core.stats.prunesSent).toBe(1);
  });

  it('takes no parent’s place when it comes second either', () => {
    const bench = exchanged();
    bench.receive(30, 'b', { kind: 'prune', tree: 0, yieldTo: null });
    for (let seq = 3; seq < 9; seq++) bench.receive(30 + seq, 'b', gossip(seq));
    bench.receive(50, 'b', { kind: 'prune', tree: 0, yieldTo: null });
    for (let seq = 3; seq < 9; seq++) expect(bench.receive(60 + seq, 'a', gossip(seq))).toEqual([]);
    expect(bench.core.roleOf('a')).toBe('lazy');
    expect(bench.core.stats.prunesSent).toBe(1);
  });

  it('is the way again, and is told so, where there is no other', () => {
    const bench = exchanged();
    bench.receive(30, 'b', { kind: 'prune', tree: 0, yieldTo: null });
    expect(bench.receive(40, 'a', gossip(3))).toContain('a: graft ');
    expect(bench.core.roleOf('a')).toBe('eager');
  });

  it('ends after a second: who goes on pushing then does not know that it was pruned', () => {
    const bench = exchanged();
    bench.receive(1_030, 'b', gossip(3));
    expect(bench.receive(1_040, 'a', gossip(3))).toEqual(['a: prune']);
  });
});

describe('where the tree is late and not broken', () => {
  const late = (bench: Bench, now: number, from: string, seq: number) => {
    bench.receive(now, from, iHave(seq));
    return bench.tick(now + 400).filter((said) => said.includes('graft') || said.includes('prune'));
  };
  /** Messages 1 to 200 came from a, the last one at 0. */
  const lateTree = (gapMs: number): Bench => {
    const bench = new Bench(['a', 'b', 'c']);
    bench.lazy('b', 'c');
    for (let seq = 1; seq <= 200; seq++) bench.receive(gapMs * (seq - 200), 'a', gossip(seq));
    return bench;
  };

  it('one link a second is grafted for a dense stream; beyond that what is missing is asked for, and the tree stays as it is', () => {
    const bench = lateTree(10);
    expect(late(bench, 100, 'b', 205)).toEqual(['b: graft o~1#205-205']);
    expect(late(bench, 600, 'c', 207)).toEqual(['c: graft o~1#207-207', 'c: prune']);
    expect([bench.core.roleOf('b'), bench.core.roleOf('c')]).toEqual(['eager', 'lazy']);
    expect(late(bench, 1_200, 'c', 209)).toEqual(['c: graft o~1#209-209']);
    expect(bench.core.roleOf('c')).toBe('eager');
  });

  it('for any other each time, as the paper has it', () => {
    const bench = lateTree(50);
    expect(late(bench, 100, 'b', 205)).toEqual(['b: graft o~1#205-205']);
    expect(late(bench, 600, 'c', 207)).toEqual(['c: graft o~1#207-207']);
  });

  it('a parent whose copies come after all has left nothing out', () => {
    const bench = lateTree(50);
    bench.receive(100, 'b', iHave(202, 206));
    bench.tick(500);
    for (let seq = 202; seq <= 206; seq++) bench.receive(510, 'b', gossip(seq, { repair: true }));
    for (let seq = 202; seq <= 206; seq++) bench.receive(600, 'a', gossip(seq));
    // It would be waited for 100 ms if it were doubted.
    bench.receive(700, 'c', iHave(209));
    expect(bench.tick(940).filter((said) => said.includes('graft'))).toEqual([]);
  });
});
