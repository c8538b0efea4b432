import { describe, expect, it } from 'vitest';
import { Bench, gossip } from './bench.test-support.ts';
import type { PlumtreeMessage } from './messages.ts';

const digest = (from: number, seen: number, stream = 'o~1', last = true): PlumtreeMessage<string> => ({
  kind: 'digest',
  streams: seen < from ? [] : [{ stream, from, seen }],
  last,
});
const nothing = digest(1, 0);
/** Asks to compare. */
const opening: PlumtreeMessage<string> = { kind: 'digest', streams: [], last: false };
const follow: PlumtreeMessage<string> = { kind: 'graft', ranges: [], tree: 0 };
const compare = (peer: string, isFollowed = false) => ({ kind: 'compare', peer, follow: isFollowed }) as const;
const pull = (from: number, to: number, stream = 'o~1'): PlumtreeMessage<string> => ({
  kind: 'pull',
  ranges: [{ stream, from, to }],
});
const compared = (peer: string, what: { brought?: number; lacked?: number; isOver?: boolean }) =>
  JSON.stringify({ kind: 'compared', peer, brought: 0, lacked: 0, isOver: false, ...what });

describe('what is held is compared with a peer that is no neighbour', () => {
  it('each tells the other once, whoever began', () => {
    const bench = new Bench(['a']);
    bench.receive(0, 'a', gossip(1));
    expect(bench.command(100, compare('x'))).toEqual(['x: digest ', 'x: digest o~1#1-1 (last)']);
    expect(bench.receive(150, 'x', nothing)).toEqual([]);
    expect(bench.receive(200, 'y', opening)).toEqual([]);
    expect(bench.receive(200, 'y', nothing)).toEqual(['y: digest o~1#1-1 (last)']);
  });

  it('what only the other holds is pulled, after what may be on its way in the tree had its time', () => {
    const bench = new Bench(['a', 'b']);
    bench.command(0, compare('x'));
    bench.receive(40, 'a', gossip(1));
    expect(bench.receive(50, 'x', digest(1, 2))).toEqual([]);
    expect(bench.core.nextDeadline()).toBeLessThanOrEqual(3_050);
    expect(bench.tick(3_049).filter((said) => said.startsWith('x'))).toEqual([]);
    expect(bench.tick(3_050)).toContain('x: pull o~1#2-2');
    const said = bench.receive(3_300, 'x', gossip(2, { repair: true }));
    expect(said).toContain(compared('x', { brought: 1 }));
    expect(said).toContain('delivered gossip o~1#2 round 1 (repair)');
    // The neighbours that kept it back for us may not have it either.
    expect(said).toContain('a: gossip o~1#2 round 2 (repair)');
    expect(bench.core.stats.broughtByOutsiders).toBe(1);
  });

  it('what a late tree is about to bring is not; what it has left out is', () => {
    const pulls = (...seqs: readonly number[]) => {
      const bench = new Bench(['a']);
      bench.command(0, compare('x'));
      bench.receive(50, 'x', digest(1, 9));
      for (const seq of seqs) bench.receive(200 * seq, 'a', gossip(seq));
      return bench.tick(3_050).filter((said) => said.startsWith('x: pull'));
    };
    expect(pulls(1, 2, 3)).toEqual([]);
    expect(pulls(1, 3)).toEqual(['x: pull o~1#2-2']);
    expect(pulls()).toEqual(['x: pull o~1#1-9']);
  });

  it('of one that is followed it is pulled sooner: that is no evidence, and only what was not pushed', () => {
    const bench = new Bench(['a']);
    bench.command(0, compare('x', true));
    bench.receive(50, 'x', digest(1, 2));
    expect(bench.tick(800)).toContain('x: pull o~1#1-2');
  });

  it('each message has that time, however often the other tells what it holds', () => {
    const bench = new Bench(['a']);
    const asked = (said: string[]) => said.filter((line) => line.startsWith('x: pull'));
    bench.command(0, compare('x'));
    bench.receive(0, 'x', digest(1, 1));
    bench.receive(2_950, 'x', digest(1, 2));
    expect(asked(bench.tick(3_000))).toEqual(['x: pull o~1#1-1']);
    bench.receive(3_010, 'x', gossip(1, { repair: true }));
    bench.receive(3_020, 'x', digest(1, 2, 'o~1', false));
    expect(asked(bench.receive(3_250, 'x', digest(1, 2)))).toEqual([]);
    expect(asked(bench.tick(6_249))).toEqual([]);
    expect(asked(bench.tick(6_250))).toEqual(['x: pull o~1#2-2']);
  });

  it('the other pulls what only this peer holds, and what it lacks of its own is said', () => {
    const bench = new Bench(['a']);
    bench.publish(500_000, 'mine');
    expect(bench.command(500_100, compare('x'))).toContain('x: digest me~1#1-1 (last)');
    expect(bench.receive(501_200, 'x', pull(1, 1, 'me~1'))).toEqual([
      'x: gossip me~1#1 round 1 (repair)',
      'x: digest me~1#1-1',
      compared('x', { lacked: 1 }),
    ]);
  });

  it('takes no word of strangers for more: pulls, and digests that begin nothing, are not answered', () => {
    const bench = new Bench(['a']);
    bench.receive(0, 'a', gossip(1));
    expect(bench.receive(10, 'x', pull(1, 1))).toEqual([]);
    expect(bench.receive(10, 'x', digest(1, 4, 'o~1', false))).toEqual([]);
    // As of a peer that takes this one for a neighbour.
    expect(bench.receive(10, 'x', digest(1, 4))).toEqual([]);
    expect(bench.receive(10, 'x', follow)).toEqual([]);
    expect(bench.core.stats.strangers).toBe(4);
    expect(bench.receive(10, 'x', digest(0, 4))).toEqual([
      JSON.stringify({ kind: 'protocolViolation', peer: 'x', rule: 'digest with an impossible run' }),
    ]);
  });

  it('one that holds what it does not send keeps nobody else from being asked', () => {
    const bench = new Bench(['a']);
    for (const peer of ['x', 'y']) {
      bench.receive(0, peer, opening);
      bench.receive(0, peer, digest(1, 1));
    }
    expect(bench.tick(3_000)).toEqual(['x: pull o~1#1-1', 'y: pull o~1#1-1']);
  });

  it('says what was heard of lately only, and the latest where there is too much', () => {
    const bench = new Bench(['a'], { digestStreamsMax: 10, digestRunsMax: 8 });
    for (let i = 1; i <= 3; i++) bench.receive(i * 1_000, 'a', gossip(1, { stream: `s${i}~1` }));
    expect(bench.command(4_000, compare('x'))).toContain('x: digest s3~1#1-1 s2~1#1-1 (last)');
    expect(bench.command(122_500, compare('y'))).toContain('y: digest s3~1#1-1 (last)');
  });

  it('is over when nothing was heard for a while, when the link goes, and when the two become neighbours', () => {
    const bench = new Bench(['a']);
    const over = compared('x', { isOver: true });
    bench.command(0, compare('x'));
    bench.receive(1_000, 'x', nothing);
    expect(bench.tick(4_999)).toEqual([]);
    expect(bench.tick(5_000)).toEqual([over]);
    bench.command(6_000, compare('x'));
    expect(bench.command(6_100, { kind: 'neighborDown', peer: 'x' })).toContain(over);
    bench.command(7_000, compare('x'));
    expect(bench.up(7_100, 'x')).toContain(over);
    expect(bench.command(7_200, compare('x'))).toEqual([over]);
  });

  it('with so many at a time: the one that was there for longest makes room', () => {
    const bench = new Bench(['a'], { outsidersMax: 2 });
    for (const peer of ['x', 'y']) bench.command(0, compare(peer));
    expect(bench.command(10, compare('z'))).toContain(compared('x', { isOver: true }));
  });
});

describe('who follows another is pushed what comes there', () => {
  it('and pushes what comes to it and what it publishes, until it is compared without', () => {
    const bench = new Bench(['a']);
    expect(bench.command(0, compare('x', true))).toContain('x: graft ');
    expect(bench.publish(10, 'mine')).toContain('x: gossip me~1#1 round 1 (repair)');
    expect(bench.receive(20, 'a', gossip(1))).toContain('x: gossip o~1#1 round 2 (repair)');
    // What is pushed may only be ahead of the tree: it says nothing about the neighbours, and goes back to nobody.
    const pushed = bench.receive(30, 'x', gossip(2, { repair: true }));
    expect(pushed.filter((said) => said.includes('compared') || said.startsWith('x: gossip'))).toEqual([]);
    expect(bench.command(40, compare('x'))).toContain('x: prune');
    expect(bench.publish(50, 'more').filter((said) => said.startsWith('x'))).toEqual([]);
  });

  it('the other side does the same for as long as it is asked', () => {
    const bench = new Bench(['a']);
    bench.receive(0, 'x', opening);
    bench.receive(0, 'x', follow);
    expect(bench.publish(10, 'mine')).toContain('x: gossip me~1#1 round 1 (repair)');
    expect(bench.publish(20, 'canary', { ephemeral: true }).filter((said) => said.startsWith('x'))).toEqual([]);
    bench.receive(30, 'x', { kind: 'prune', tree: 0, yieldTo: null });
    expect(bench.publish(40, 'more').filter((said) => said.startsWith('x'))).toEqual([]);
  });

  it('so many of them, and so many bytes for all: what is beyond is left to pulls, and they are held to the same', () => {
    const few = new Bench(['a'], { followersMax: 1 });
    for (const peer of ['x', 'y']) {
      few.receive(0, peer, opening);
      few.receive(0, peer, follow);
    }
    expect(few.core.stats.shed).toBe(1);
    expect(few.publish(10, 'mine').filter((said) => /^[xy]: gossip/.test(said))).toHaveLength(1);

    const poor = new Bench(['a'], { outsiderBytesPerSecond: 10 });
    poor.receive(0, 'x', opening);
    poor.receive(0, 'x', follow);
    const sentTo = (said: string[]) => said.filter((line) => line.startsWith('x: gossip')).length;
    expect(sentTo(poor.publish(10, 'fifteen letters'))).toBe(1);
    expect(sentTo(poor.publish(20, 'x'))).toBe(0);
    expect(sentTo(poor.receive(30, 'x', pull(1, 2, 'me~1')))).toBe(0);
    expect(sentTo(poor.receive(1_030, 'x', pull(1, 2, 'me~1')))).toBe(1);
  });
});
