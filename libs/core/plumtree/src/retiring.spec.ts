import { describe, expect, it } from 'vitest';
import { Bench, gossip, iHave } from './bench.test-support.ts';

describe('deviation: a neighbour whose place went to another', () => {
  /** `a` is the parent and retires, at 100 ms; `b` and `c` are lazy, and with `c` messages are three links longer under way. */
  const retiring = (config = {}) => {
    const bench = new Bench(['a', 'b', 'c', 'child'], config);
    bench.receive(0, 'a', gossip(1, { round: 4 }));
    bench.lazy('b', 'c');
    bench.receive(50, 'b', iHave(1, 1, 4));
    bench.receive(50, 'c', iHave(1, 1, 7));
    return { bench, said: bench.command(100, { kind: 'neighborRetiring', peer: 'a' }) };
  };

  it('two others are to push as well, the nearer first; it still pushes, and is pushed to', () => {
    const { bench, said } = retiring();
    expect(said).toEqual(['b: graft ', 'c: graft ']);
    expect(bench.core.eagerPeers()).toEqual(['child']);
    expect(bench.receive(200, 'child', gossip(2))).toContain('a: gossip o~1#2 round 2');
  });

  it('the first second copy by one of them takes its place over, before it is gone', () => {
    const { bench } = retiring();
    bench.receive(200, 'a', gossip(2, { round: 4 }));
    expect(bench.receive(210, 'b', gossip(2, { round: 5 }))).toContain('a: prune');
    expect(bench.receive(220, 'c', gossip(2, { round: 8 }))).toEqual(['c: prune']);
    expect(bench.core.eagerPeers()).toEqual(['b', 'child']);
    expect(bench.tick(1_600).join()).not.toContain('graft');
    expect(bench.receive(1_700, 'b', gossip(3, { round: 5 }))).toContain('child: gossip o~1#3 round 6');
  });

  it('but not one that may have come by us: that goes on pushing, and is the way only when there is no other', () => {
    const { bench } = retiring();
    bench.receive(200, 'a', gossip(2, { round: 4 }));
    expect(bench.receive(210, 'c', gossip(2, { round: 8 }))).toEqual([]);
    expect(bench.core.eagerPeers()).toEqual(['child']);
    expect(bench.tick(1_600).join()).not.toContain('graft');
    bench.receive(1_700, 'c', gossip(3, { round: 8 }));
    expect(bench.core.eagerPeers()).toEqual(['c', 'child']);
  });

  it('and what stands in for it once it is gone is a branch of the tree, though it only pushes to us yet', () => {
    const { bench } = retiring();
    bench.receive(200, 'a', gossip(2, { round: 4 }));
    bench.receive(210, 'c', gossip(2, { round: 8 }));
    expect(bench.core.branches(0)).toEqual({ eager: ['child'], lazy: ['b', 'c'] });
    bench.tick(1_600);
    expect(bench.core.eagerPeers(0)).toEqual(['child']);
    expect(bench.core.branches(0)).toEqual({ eager: ['c', 'child'], lazy: ['b'] });
    expect(bench.publish(1_700, 'x').filter((said) => said.startsWith('c: gossip'))).toHaveLength(1);
  });

  it('has no place in a tree that is planted now: whoever had its branch by it would have no other way in a moment', () => {
    const { bench } = retiring();
    const said = bench.receive(200, 'b', gossip(1, { stream: 'p~1', tree: 300 }));
    expect(said.filter((line) => /^\w+: gossip/.test(line)).map((line) => line.split(':')[0])).toEqual(['c', 'child']);
  });

  it('while nothing takes over, each message looks for another one, at most every graft2Ms', () => {
    const { bench } = retiring();
    for (const peer of ['b', 'c']) bench.receive(150, peer, { kind: 'prune', tree: 0, yieldTo: null });
    expect(bench.receive(250, 'a', gossip(2)).filter((said) => said.includes('graft'))).toEqual([]);
    expect(bench.receive(301, 'a', gossip(3)).filter((said) => said.includes('graft'))).toHaveLength(2);
  });

  it('is gone after retireMs, at once when its link breaks, and the first to retire when too many do', () => {
    const { bench } = retiring();
    expect(bench.core.nextDeadline()).toBe(1_600);
    expect(bench.core.roleOf('a')).not.toBeNull();
    bench.tick(1_600);
    expect(bench.core.roleOf('a')).toBeNull();
    const broken = retiring().bench;
    broken.command(200, { kind: 'neighborDown', peer: 'a' });
    expect(broken.core.roleOf('a')).toBeNull();
    const many = retiring({ retiringMax: 1 }).bench;
    many.command(200, { kind: 'neighborRetiring', peer: 'child' });
    expect([many.core.roleOf('a'), many.core.roleOf('child')]).toEqual([null, 'eager']);
  });

  it('brings at the last, when it is gone already, what the new parent brings too: that is no circle', () => {
    const { bench } = retiring();
    bench.receive(200, 'a', gossip(2, { round: 4 }));
    bench.receive(210, 'b', gossip(2, { round: 5 }));
    bench.tick(1_600);
    const said = bench.receive(1_610, 'a', gossip(3, { round: 4 }));
    expect(said.filter((line) => line.includes(': gossip'))).toEqual(['child: gossip o~1#3 round 5']);
    expect(bench.receive(1_620, 'b', gossip(3, { round: 5 }))).toEqual([]);
    expect(bench.core.eagerPeers()).toEqual(['b', 'child']);
  });

  it('that becomes a neighbour again begins anew, as its other end does', () => {
    const { bench } = retiring();
    expect(bench.up(200, 'a').join()).toContain('digest');
    bench.tick(2_000);
    expect(bench.core.roleOf('a')).not.toBeNull();
  });
});

describe('deviation: a new link', () => {
  it('is lazy in a tree that has a way to this peer', () => {
    const bench = new Bench(['a']);
    bench.receive(1, 'a', gossip(1));
    expect(bench.up(2, 'b').join()).not.toContain('graft');
    expect([bench.core.eagerPeers(), bench.core.lazyPeers()]).toEqual([['a'], ['b']]);
  });

  it('is grafted where that way is gone, and where it soon will be', () => {
    for (const kind of ['neighborDown', 'neighborRetiring'] as const) {
      const bench = new Bench(['a']);
      bench.receive(1, 'a', gossip(1));
      bench.command(2, { kind, peer: 'a' });
      expect(bench.up(3, 'b').join()).toContain('b: graft ');
      bench.command(4, { kind: 'neighborDown', peer: 'a' });
      bench.receive(5, 'b', gossip(2));
      expect(bench.core.eagerPeers()).toEqual(['b']);
    }
  });

  it('is eager where this peer is the root, and not grafted', () => {
    const bench = new Bench(['a']);
    bench.publish(1, 'x');
    expect(bench.up(2, 'b').join()).not.toContain('graft');
    expect(bench.core.eagerPeers()).toEqual(['a', 'b']);
  });

  it('by which a message is pulled that the tree brings a moment later costs the tree no link', () => {
    const bench = new Bench(['a']);
    bench.receive(1, 'a', gossip(1));
    bench.up(100, 'b');
    const digest = { kind: 'digest', streams: [{ stream: 'o~1', from: 1, seen: 2 }], last: true } as const;
    expect(bench.receive(110, 'b', digest)).toContain('b: pull o~1#2-2');
    bench.receive(380, 'b', gossip(2, { repair: true }));
    expect(bench.receive(390, 'a', gossip(2))).toEqual([]);
    expect(bench.core.eagerPeers()).toEqual(['a']);
  });

  it('by which a message is pulled that the tree brings a moment later: only then it goes on, as it was when it was taken', () => {
    const bench = new Bench(['a', 'child']);
    bench.receive(1, 'a', gossip(1));
    bench.up(100, 'b');
    bench.receive(110, 'b', { kind: 'digest', streams: [{ stream: 'o~1', from: 1, seen: 2 }], last: true });
    expect(bench.receive(380, 'b', gossip(2, { repair: true })).join()).not.toContain('child: gossip');
    bench.command(385, { kind: 'neighborDown', peer: 'b' });
    const said = bench.out;
    bench.core.handle(390, { kind: 'message', from: 'a', message: gossip(2, { round: 4, body: 'forged' }) }, said);
    const sent = said.take().flatMap((effect) => (effect.kind === 'send' ? [[effect.to, effect.message]] : []));
    expect(sent).toMatchObject([['child', { kind: 'gossip', seq: 2, round: 5, body: 'm2' }]]);
    expect(bench.receive(400, 'a', gossip(2, { round: 4 }))).toEqual([]);
  });
});
