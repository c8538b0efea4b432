import { describe, expect, it } from 'vitest';
import { Bench, gossip, iHave } from './bench.test-support.ts';

const graft = { kind: 'graft', ranges: [], tree: 0 } as const;

/** Messages come from `a`, over four links, and go to `child`; `b` has them as well, and announces them as of so many links. */
function fed(announced: number | null): Bench {
  const bench = new Bench(['a', 'b', 'child']);
  bench.receive(0, 'a', gossip(1, { round: 4 }));
  bench.lazy('b');
  if (announced !== null) bench.receive(50, 'b', iHave(1, 1, announced));
  return bench;
}

describe('deviation: a peer whose parent goes', () => {
  const gone = (announced: number | null) => fed(announced).command(100, { kind: 'neighborDown', peer: 'a' });

  it('grafts one that cannot have the messages from it, and asks nobody else', () => {
    expect(gone(5)).toEqual(['b: graft ']);
  });

  it('asks its own branch as well when that one perhaps has them from it, or when there is nobody', () => {
    expect(gone(6)).toEqual(['b: graft ', 'child: graft ']);
    expect(gone(null)).toEqual(['b: graft ', 'child: graft ']);
    const bench = new Bench(['a', 'child']);
    bench.receive(0, 'a', gossip(1));
    expect(bench.command(100, { kind: 'neighborDown', peer: 'a' })).toEqual(['child: graft ']);
  });
});

describe('deviation: a parent that grafts a link that is eager', () => {
  it('is cut off: a neighbour that is nearer than we are is to push, and is pushed to', () => {
    const bench = fed(3);
    expect(bench.receive(100, 'a', graft)).toEqual(['b: graft ']);
    expect(bench.core.eagerPeers()).toEqual(['a', 'b', 'child']);
    expect(bench.receive(200, 'b', gossip(2, { round: 3 }))).toContain('a: gossip o~1#2 round 4');
  });

  it('and when there is none our own branch is asked, but not the parent', () => {
    expect(fed(4).receive(100, 'a', graft)).toEqual(['child: graft ']);
  });

  it('is listened to every graft2Ms, and not in a tree that nobody uses', () => {
    const bench = fed(4);
    bench.receive(100, 'a', graft);
    expect(bench.receive(150, 'a', graft)).toEqual([]);
    expect(bench.receive(60_000, 'a', graft)).toEqual([]);
  });

  it('only if it is the parent, and asks for no message', () => {
    expect(fed(3).receive(100, 'child', graft)).toEqual([]);
    const ranges = [{ stream: 'o~1', from: 1, to: 1 }];
    expect(
      fed(3)
        .receive(100, 'a', { ...graft, ranges })
        .join(),
    ).not.toContain('b: graft');
  });
});
