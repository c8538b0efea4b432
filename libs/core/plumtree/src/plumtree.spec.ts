import { describe, expect, it } from 'vitest';
import { Bench, gossip, iHave } from './bench.test-support.ts';
import { defaultPlumtreeConfig } from './config.ts';
import type { Gossip, PlumtreeMessage } from './messages.ts';

describe('algorithm 1: eager push and lazy push', () => {
  it('“eager push the full message to the eager peers”, a new link being one; the sender does not get it back', () => {
    const bench = new Bench(['a', 'b', 'c']);
    expect(bench.receive(5, 'a', gossip(1))).toEqual([
      'delivered gossip o~1#1 round 1',
      'b: gossip o~1#1 round 2',
      'c: gossip o~1#1 round 2',
    ]);
  });

  it('from as far as anything is believed to come, it goes on as that: the next one would refuse more', () => {
    const bench = new Bench(['a', 'b']);
    expect(bench.receive(5, 'a', gossip(1, { round: 65_535 }))).toContain('b: gossip o~1#1 round 65535');
  });

  it('all neighbours get one shared object', () => {
    const bench = new Bench(['a', 'b', 'c']);
    bench.core.handle(5, { kind: 'message', from: 'a', message: gossip(1) }, bench.out);
    const sent = bench.out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
    expect(sent).toHaveLength(2);
    expect(sent[0]).toBe(sent[1]);
  });

  it('“the reception of a duplicate: prune the link and move the sender to the lazy peers”', () => {
    const bench = new Bench(['a', 'b', 'c']);
    bench.receive(5, 'a', gossip(1));
    expect(bench.receive(6, 'b', gossip(1, { round: 3 }))).toEqual(['b: prune']);
    expect(bench.core.eagerPeers()).toEqual(['a', 'c']);
    expect(bench.core.lazyPeers()).toEqual(['b']);
    expect(bench.core.roleOf('b')).toBe('lazy');
    expect(bench.core.roleOf('nobody')).toBe(null);
    expect(bench.core.duplicatesFrom('b')).toBe(1);
  });

  it('does not prune for each duplicate that was on its way when it pruned; repeats itself later', () => {
    const bench = new Bench(['a', 'b']);
    for (const seq of [1, 2, 3]) bench.receive(5, 'a', gossip(seq));
    expect(bench.receive(6, 'b', gossip(1))).toEqual(['b: prune']);
    expect(bench.receive(7, 'b', gossip(2))).toEqual([]);
    expect(bench.receive(1_500, 'b', gossip(3))).toEqual(['b: prune']);
  });

  it('a duplicate that was sent on request says nothing about the tree', () => {
    const bench = new Bench(['a', 'b']);
    bench.receive(5, 'a', gossip(1));
    expect(bench.receive(6, 'b', gossip(1, { repair: true }))).toEqual([]);
    expect(bench.core.roleOf('b')).toBe('eager');
  });

  it('nor does the copy by the tree of what a repair brought first', () => {
    const bench = new Bench(['a', 'b']);
    expect(bench.receive(5, 'a', gossip(1, { repair: true }))).toContain('b: gossip o~1#1 round 2 (repair)');
    expect(bench.receive(6, 'b', gossip(1))).toEqual([]);
  });

  describe('“lazy push”', () => {
    const { iHaveBatchMs, iHaveGapMs } = defaultPlumtreeConfig;
    /** Has a neighbour `b` that is lazy, and got one message from `a`. */
    const busy = (): Bench => {
      const bench = new Bench(['a', 'b', 'c']);
      bench.lazy('b', 'c');
      bench.receive(5, 'a', gossip(1));
      return bench;
    };

    it('announcements wait for company, once to twice 30 ms, and name runs', () => {
      const bench = busy();
      bench.receive(10, 'a', gossip(2));
      bench.receive(11, 'a', gossip(1, { stream: 'p~1' }));
      const at = bench.core.nextDeadline();
      expect(at).toBeGreaterThanOrEqual(5 + iHaveBatchMs);
      expect(at).toBeLessThan(5 + 2 * iHaveBatchMs);
      expect(bench.tick(at)).toEqual(['b: iHave o~1#1-2 p~1#1-1', 'c: iHave o~1#1-2 p~1#1-1']);
    });

    it('batches keep their distance where many messages come', () => {
      const bench = busy();
      bench.tick(100);
      bench.receive(101, 'a', gossip(2));
      expect(bench.core.nextDeadline()).toBe(100 + iHaveGapMs);
    });

    it('nothing is announced to who announced it itself', () => {
      const bench = busy();
      bench.receive(6, 'b', iHave(1));
      expect(bench.tick(105)).toEqual(['c: iHave o~1#1-1']);
    });

    it('… but what came after it is', () => {
      const bench = busy();
      bench.receive(6, 'a', gossip(2));
      bench.receive(7, 'b', iHave(1, 2));
      bench.receive(8, 'a', gossip(3));
      bench.receive(9, 'c', iHave(3));
      expect(bench.tick(105)).toEqual(['b: iHave o~1#3-3', 'c: iHave o~1#1-3']);
    });
  });

  it('a full batch leaves at once', () => {
    const bench = new Bench(['a', 'b'], { iHaveItemsMax: 2 });
    bench.lazy('b');
    bench.receive(5, 'a', gossip(1));
    expect(bench.receive(6, 'a', gossip(1, { stream: 'p~1' }))).toContain('b: iHave o~1#1-1 p~1#1-1');
  });

  describe('a patient message', () => {
    const patient = (seq: number) => gossip(seq, { stream: 'o~1!!' });
    const announced = (seq: number): PlumtreeMessage<string> => ({
      kind: 'iHave',
      items: [{ stream: 'o~1!!', from: seq, to: seq, round: 2, tree: 0, entry: 0 }],
    });

    it('is pushed at once, and announced when something else is sent to the lazy neighbour', () => {
      const bench = new Bench(['a', 'b', 'c']);
      bench.lazy('c');
      expect(bench.receive(5, 'a', patient(1))).toEqual([
        'delivered gossip o~1!!#1 round 1',
        'b: gossip o~1!!#1 round 2',
      ]);
      bench.receive(6, 'a', patient(2));
      expect(bench.piggyback('b')).toEqual([]);
      expect(bench.piggyback('c')).toEqual(['c: iHave o~1!!#1-1 o~1!!#2-2']);
      expect(bench.piggyback('c')).toEqual([]);
    });

    it('waits no longer than patientMs, and not in vain for more than patientItemsMax', () => {
      const bench = new Bench(['a', 'b'], { patientItemsMax: 3 });
      bench.lazy('b');
      bench.receive(5, 'a', patient(1));
      expect(bench.core.nextDeadline()).toBe(5 + defaultPlumtreeConfig.patientMs);
      expect(bench.tick(5 + defaultPlumtreeConfig.patientMs)).toEqual(['b: iHave o~1!!#1-1']);
      bench.receive(6_000, 'a', patient(2));
      bench.receive(6_000, 'a', patient(3));
      expect(bench.receive(6_000, 'a', patient(4))).toContain('b: iHave o~1!!#2-2 o~1!!#3-3 o~1!!#4-4');
    });

    it('need not be announced to who announced it', () => {
      const bench = new Bench(['a', 'b']);
      bench.lazy('b');
      bench.receive(5, 'a', patient(1));
      bench.receive(6, 'a', patient(2));
      bench.receive(7, 'b', announced(1));
      expect(bench.piggyback('b')).toEqual(['b: iHave o~1!!#2-2']);
      bench.receive(8, 'a', patient(3));
      bench.receive(9, 'b', announced(3));
      expect(bench.piggyback('b')).toEqual([]);
    });

    it('is grafted like any other when the tree did not bring it', () => {
      const bench = new Bench(['a', 'b']);
      bench.lazy('b');
      bench.receive(5, 'b', announced(1));
      expect(bench.tick(5 + defaultPlumtreeConfig.graft1Ms)).toEqual(['b: graft o~1!!#1-1']);
    });

    it('has numbers of its own, and nobody can add to them', () => {
      const bench = new Bench(['a']);
      bench.publish(1, 'x', { ephemeral: true });
      expect(bench.publish(2, 'y', { ephemeral: true, patient: true })).toContain('a: gossip me~1!!#1 round 1');
      expect(bench.receive(3, 'a', gossip(2, { stream: 'me~1!!' }))[0]).toContain('never published');
    });
  });

  it('a link that becomes eager is given the announcements it was owed', () => {
    const bench = new Bench(['a', 'b']);
    bench.lazy('b');
    bench.receive(5, 'a', gossip(1));
    expect(bench.receive(6, 'b', { kind: 'graft', ranges: [], tree: 0 })).toEqual(['b: iHave o~1#1-1']);
  });

  it('own messages are numbered without holes, delivered at once, and known when they come back', () => {
    const bench = new Bench(['a']);
    expect(bench.publish(5, 'one')).toEqual(['delivered gossip me~1#1 round 0', 'a: gossip me~1#1 round 1']);
    expect(bench.publish(6, 'two')).toEqual(['delivered gossip me~1#2 round 0', 'a: gossip me~1#2 round 1']);
    expect(bench.receive(7, 'a', gossip(1, { stream: 'me~1', repair: true }))).toEqual([]);
  });
});

describe('algorithm 2: tree repair', () => {
  it('“upon the timer, graft the first announcer”, then the next after the second, shorter timer', () => {
    const bench = new Bench(['a', 'b', 'c']);
    bench.lazy('b', 'c');
    bench.receive(9, 'a', gossip(2));
    bench.receive(10, 'b', iHave(1, 3));
    bench.receive(20, 'c', iHave(1, 3));
    expect(bench.tick(130)).toEqual([]); // the batch, and nobody is to be told
    expect(bench.core.nextDeadline()).toBe(410);
    expect(bench.tick(410)).toEqual(['b: graft o~1#1-1 o~1#3-3']);
    expect(bench.core.roleOf('b')).toBe('eager');
    bench.receive(500, 'b', gossip(1, { repair: true }));
    // Both announced the first message themselves.
    expect(bench.tick(600)).toEqual([]);
    expect(bench.tick(610)).toEqual(['c: graft o~1#3-3']);
    bench.tick(810);
    expect(bench.core.stats).toMatchObject({ graftsSent: 2, abandoned: 1 });
  });

  it('“upon receiving a graft: make the link eager and send what was asked for”', () => {
    const bench = new Bench(['a', 'b']);
    bench.lazy('b');
    bench.receive(5, 'a', gossip(1));
    bench.tick(105);
    const ranges = [{ stream: 'o~1', from: 1, to: 9 }];
    expect(bench.receive(110, 'b', { kind: 'graft', ranges, tree: 0 })).toEqual(['b: gossip o~1#1 round 2 (repair)']);
    expect(bench.core.roleOf('b')).toBe('eager');
  });

  it('asks nobody for what came in time, and skips announcers that are gone', () => {
    const bench = new Bench(['a', 'b', 'c']);
    bench.lazy('b', 'c');
    bench.receive(10, 'b', iHave(1, 2));
    bench.receive(10, 'c', iHave(2));
    bench.receive(10, 'a', gossip(1));
    bench.command(30, { kind: 'neighborDown', peer: 'b' });
    bench.tick(130);
    expect(bench.tick(410)).toEqual(['c: graft o~1#2-2']);
  });

  it('waits for a bounded number of messages', () => {
    const bench = new Bench(['a'], { missingMax: 10, missingPerPeerMax: 10 });
    bench.receive(10, 'a', iHave(1, 100));
    expect(bench.core.stats.shed).toBe(90);
  });

  it('leaves room for what others announce beside one that invents messages, also when those came', () => {
    const bench = new Bench(['a', 'b'], { missingMax: 10, missingPerPeerMax: 4 });
    bench.lazy('a');
    bench.lazy('b');
    bench.receive(10, 'a', iHave(1_001, 1_100));
    expect(bench.core.stats.shed).toBe(96);
    bench.receive(10, 'b', iHave(1, 4));
    expect(bench.core.stats.shed).toBe(96);
    for (const seq of [1, 2, 3, 4]) bench.receive(20, 'b', gossip(seq, { repair: true }));
    bench.receive(30, 'b', iHave(5, 9));
    expect(bench.core.stats.shed).toBe(97);
  });

  describe('a tree that is behind', () => {
    const grafts = (lines: readonly string[]) => lines.filter((line) => line.includes('graft'));

    it('is waited for while it goes on, and no longer', () => {
      const bench = new Bench(['a', 'b']);
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 5));
      bench.receive(390, 'a', gossip(1));
      expect(grafts(bench.tick(410))).toEqual([]);
      bench.receive(780, 'a', gossip(2));
      expect(grafts(bench.tick(810))).toEqual([]);
      // It has stopped.
      expect(grafts(bench.tick(1_210))).toEqual(['b: graft o~1#3-5']);
    });

    it('and left something out is asked for that: links keep the order', () => {
      const bench = new Bench(['a', 'b']);
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 5));
      bench.receive(390, 'a', gossip(3));
      expect(grafts(bench.tick(410))).toEqual(['b: graft o~1#1-2']);
    });

    it('and only trickles is given up after two seconds', () => {
      const bench = new Bench(['a', 'b']);
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 50));
      const askedAt: number[] = [];
      for (let [now, seq] = [300, 1]; now < 3_000; now += 10) {
        if (now % 300 === 0) bench.receive(now, 'a', gossip(seq++));
        if (grafts(bench.tick(now)).length > 0) askedAt.push(now);
      }
      expect(askedAt[0]).toBe(2_010);
    });
  });

  describe('of one stream', () => {
    const asked = (lines: readonly string[]) =>
      lines.flatMap((line) => [...line.matchAll(/#(\d+)-(\d+)/g)].map(([, from, to]) => `${from}-${to}`));

    it('asks for so many at a time, and for the next one when one comes; of another stream at once', () => {
      const bench = new Bench(['a', 'b'], { askingPerStreamMax: 4 });
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 10));
      expect(asked(bench.tick(410))).toEqual(['1-4']);
      const lines = bench.receive(420, 'b', gossip(1, { repair: true }));
      expect(asked([...lines, ...bench.tick(420)])).toEqual(['5-5']);
      const other = { stream: 'p~1', from: 1, to: 2, round: 2, tree: 0, entry: 0 };
      bench.receive(430, 'b', { kind: 'iHave', items: [other] });
      expect(asked(bench.tick(830))).toEqual(['1-2']);
    });

    it('asks for all in the end, though nothing comes', () => {
      const bench = new Bench(['a', 'b'], { askingPerStreamMax: 4 });
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 10));
      const lines: string[] = [];
      for (let now = 410; now <= 3_000; now += 10) lines.push(...bench.tick(now));
      expect(asked(lines)).toEqual(['1-4', '5-8', '9-10']);
      expect(bench.core.stats.abandoned).toBe(10);
    });

    it('and when what waited came by the tree', () => {
      const bench = new Bench(['a', 'b'], { askingPerStreamMax: 4 });
      bench.lazy('b');
      bench.receive(10, 'b', iHave(1, 12));
      bench.tick(410);
      for (const seq of [5, 6, 7, 1, 8, 9]) bench.receive(420, 'a', gossip(seq));
      const lines: string[] = [];
      for (let now = 420; now <= 3_000; now += 10) lines.push(...bench.tick(now));
      expect(asked(lines)).toEqual(expect.arrayContaining(['10-10', '11-12']));
      expect(bench.core.stats.abandoned).toBe(6);
    });

    it('asks a second announcer for less than half as much, and for the rest after two seconds', () => {
      const bench = new Bench(['a', 'b', 'c'], { askingPerStreamMax: 4 });
      bench.lazy('b', 'c');
      bench.receive(10, 'b', iHave(1, 4));
      bench.receive(20, 'c', iHave(1, 4));
      const at: number[] = [];
      for (let now = 410; now <= 3_000; now += 10) if (asked(bench.tick(now)).length > 0) at.push(now);
      expect(at).toEqual([410, 2_010]);
    });
  });

  it('§3.8: a much nearer announcer takes the sender’s place, when that is switched on', () => {
    const on = new Bench(['a', 'b'], { optimizationThreshold: 3 });
    on.lazy('b');
    on.receive(10, 'b', iHave(1, 1, 2));
    expect(on.receive(20, 'a', gossip(1, { round: 5 }))).toContain('b: graft ');
    expect(on.core.eagerPeers()).toEqual(['b']);
    const off = new Bench(['a', 'b']);
    off.lazy('b');
    off.receive(10, 'b', iHave(1, 1, 2));
    off.receive(20, 'a', gossip(1, { round: 50 }));
    expect(off.core.eagerPeers()).toEqual(['a']);
  });
});

describe('beyond algorithm 2: how long the tree is waited for, and who is doubted', () => {
  const swift = { lagDeliveriesMin: 1, graft1MinMs: 100 };
  const grafts = (lines: readonly string[]) => lines.filter((line) => line.includes('graft'));

  it('waits as long as the tree was lately behind, not as long as it might be', () => {
    const bench = new Bench(['a', 'b'], swift);
    bench.receive(0, 'a', gossip(1));
    bench.lazy('b');
    bench.receive(1_000, 'b', iHave(2));
    expect(grafts(bench.tick(1_099))).toEqual([]);
    expect(grafts(bench.tick(1_100))).toEqual(['b: graft o~1#2-2']);
  });

  it('gives back what it grafted when the tree was only late, and is more patient then', () => {
    const bench = new Bench(['a', 'b'], swift);
    bench.receive(0, 'a', gossip(1));
    bench.lazy('b');
    bench.receive(1_000, 'b', iHave(2));
    bench.tick(1_100);
    bench.receive(1_150, 'b', gossip(2, { repair: true }));
    expect(bench.receive(1_160, 'a', gossip(2))).toEqual(['b: prune']);
    expect(bench.core.eagerPeers()).toEqual(['a']);
    bench.receive(2_000, 'b', iHave(3));
    expect(grafts(bench.tick(2_150))).toEqual([]);
    expect(grafts(bench.tick(2_200))).toEqual(['b: graft o~1#3-3']);
    expect(bench.receive(2_210, 'a', gossip(3))).toContain('b: prune');
  });

  it('waits less for a parent that has left one out, for a while', () => {
    const bench = new Bench(['a', 'b'], { lagDeliveriesMin: 1, doubtMs: 5_000 });
    bench.receive(0, 'a', gossip(1));
    bench.lazy('b');
    bench.receive(1_000, 'b', iHave(2));
    expect(grafts(bench.tick(1_249))).toEqual([]);
    expect(grafts(bench.tick(1_250))).toEqual(['b: graft o~1#2-2']);
    bench.receive(1_300, 'b', gossip(2, { repair: true }));
    bench.receive(2_000, 'b', iHave(3));
    expect(grafts(bench.tick(2_099))).toEqual([]);
    expect(grafts(bench.tick(2_100))).toEqual(['b: graft o~1#3-3']);
    bench.receive(2_110, 'a', gossip(3));
    bench.receive(8_000, 'b', iHave(4));
    expect(grafts(bench.tick(8_249))).toEqual([]);
    expect(grafts(bench.tick(8_250))).toEqual(['b: graft o~1#4-4']);
  });

  describe('beside a parent that leaves messages out', () => {
    /** `a` is the parent and has left out 2 and 4; both have brought 5. */
    const doubting = () => {
      const bench = new Bench(['a', 'b', 'c'], swift);
      bench.receive(0, 'a', gossip(1));
      bench.lazy('b', 'c');
      for (const seq of [2, 4]) {
        bench.receive(seq * 1_000, 'b', iHave(seq));
        bench.tick(seq * 1_000 + 400);
        bench.receive(seq * 1_000 + 450, 'b', gossip(seq, { repair: true }));
      }
      bench.receive(5_000, 'a', gossip(5));
      return { bench, said: bench.receive(5_010, 'b', gossip(5)) };
    };

    it('another one pushes too, and is not pushed to; a third is pruned', () => {
      const { bench, said } = doubting();
      expect(said).toEqual(['b: graft ']);
      expect([bench.core.eagerPeers(), bench.core.lazyPeers()]).toEqual([['a'], ['b', 'c']]);
      bench.receive(6_000, 'a', gossip(6));
      expect(bench.receive(6_010, 'b', gossip(6))).toEqual([]);
      expect(bench.receive(6_020, 'c', gossip(6))).toEqual(['c: prune']);
    });

    it('what it leaves out comes by the other one at once, and its place stays its own', () => {
      const { bench } = doubting();
      expect(bench.receive(6_000, 'b', gossip(6))).toContain('delivered gossip o~1#6 round 1');
      expect(bench.core.eagerPeers()).toEqual(['a']);
      // When it goes the other one has it.
      expect(bench.command(6_500, { kind: 'neighborDown', peer: 'a' })).toEqual([]);
      bench.receive(7_000, 'b', gossip(7));
      expect(bench.core.eagerPeers()).toContain('b');
    });

    it('one that brings nothing any more loses its place after four, and is pushed to still', () => {
      const { bench } = doubting();
      for (let seq = 6; seq < 9; seq++) bench.receive(1_000 * seq, 'b', gossip(seq));
      expect(bench.core.eagerPeers()).toEqual(['a']);
      bench.receive(9_000, 'b', gossip(9));
      expect(bench.core.eagerPeers()).toEqual(['a', 'b']);
      expect(bench.receive(10_000, 'b', gossip(10)).join()).toContain('a: gossip');
    });

    it('while it brings nothing it may be no way to anybody: what is published here goes to the other one too', () => {
      const { bench } = doubting();
      expect(bench.publish(5_500, 'x').join()).not.toContain('b: gossip');
      bench.receive(6_000, 'b', gossip(6));
      expect(bench.publish(6_500, 'y').join()).toContain('b: gossip me~1#2 round 1');
    });

    it('until it has brought enough first', () => {
      const { bench } = doubting();
      let seq = 5;
      let said: readonly string[] = [];
      while (said.length === 0 && seq < 100) {
        seq++;
        bench.receive(5_000 + 20 * seq, 'a', gossip(seq));
        said = bench.receive(5_010 + 20 * seq, 'b', gossip(seq));
      }
      expect([seq, said]).toEqual([7, ['b: prune']]);
    });

    it('or the other one wants to no longer: then the next one may', () => {
      const { bench } = doubting();
      bench.receive(5_500, 'b', { kind: 'prune', tree: 0, yieldTo: null });
      bench.receive(6_000, 'a', gossip(6));
      expect(bench.receive(6_010, 'c', gossip(6))).toContain('c: graft ');
    });
  });

  it('forgets that after a while', () => {
    const bench = new Bench(['a', 'b'], { ...swift, doubtMs: 5_000 });
    bench.receive(0, 'a', gossip(1));
    bench.lazy('b');
    for (const seq of [2, 4]) {
      bench.receive(seq * 1_000, 'b', iHave(seq));
      bench.tick(seq * 1_000 + 400);
      bench.receive(seq * 1_000 + 450, 'b', gossip(seq, { repair: true }));
    }
    bench.receive(10_000, 'a', gossip(5));
    expect(bench.receive(10_010, 'b', gossip(5))).toEqual(['b: prune']);
  });
});

describe('zones', () => {
  const t = 777;
  const rank = 2 ** 14;
  const crossed = (seq: number, entry = 0, more: Partial<Gossip<string>> = {}): Gossip<string> =>
    gossip(seq, { tree: t, entry, ...more });
  const relayedEntry = (bench: Bench, from: string, message: Gossip<string>): number => {
    bench.core.handle(message.seq, { kind: 'message', from, message }, bench.out);
    const sent = bench.out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
    return sent.flatMap((one) => (one.kind === 'gossip' ? [one.entry] : []))[0] as number;
  };

  it('a message that comes over a far link is passed on with one crossing more, always with the same rank', () => {
    const bench = new Bench(['b', 'there/x'], {}, 'here');
    const first = relayedEntry(bench, 'there/x', crossed(1));
    expect(Math.floor(first / rank)).toBe(1);
    expect(relayedEntry(bench, 'there/x', crossed(2, 0, { round: 5 }))).toBe(first);
    expect(Math.floor(relayedEntry(bench, 'there/x', crossed(3, 3 * rank)) / rank)).toBe(4);
    expect(relayedEntry(bench, 'b', crossed(4, rank + 9))).toBe(rank + 9);
  });

  it('of two ways in the worse is pruned where it enters, and the near link that showed it stays', () => {
    const bench = new Bench(['b', 'there/x'], {}, 'here');
    bench.receive(1, 'there/x', crossed(1));
    expect(bench.receive(2, 'b', crossed(1, rank))).toEqual(['there/x: prune']);
    expect([bench.core.eagerPeers(t), bench.core.lazyPeers(t)]).toEqual([['b'], ['there/x']]);
  });

  it('inside the zone the word goes from peer to parent, once a second', () => {
    const bench = new Bench(['a', 'b'], {}, 'here');
    bench.receive(1, 'a', crossed(1, rank + 5));
    expect(bench.receive(2, 'b', crossed(1, rank + 4))).toEqual(['a: prune, for another entry']);
    expect(bench.receive(3, 'b', { kind: 'prune', tree: t, yieldTo: rank + 3 })).toEqual([]);
    expect(bench.receive(1_100, 'b', { kind: 'prune', tree: t, yieldTo: rank + 3 })).toEqual([
      'a: prune, for another entry',
    ]);
    expect(bench.receive(2_200, 'b', { kind: 'prune', tree: t, yieldTo: rank + 5 }), 'no better than ours').toEqual([]);
    expect(bench.core.eagerPeers(t)).toEqual(['a', 'b']);
  });

  it('the better way in stays, and a neighbour that has not heard of it is told', () => {
    const bench = new Bench(['a', 'b'], {}, 'here');
    bench.receive(1, 'a', crossed(1, rank + 4));
    expect(bench.receive(2, 'b', crossed(1, rank + 5))).toEqual([]);
    bench.receive(3, 'b', { kind: 'prune', tree: t, yieldTo: null });
    bench.receive(4, 'a', crossed(2, rank + 4));
    expect(bench.receive(5, 'b', crossed(2, rank + 5))).toEqual(['b: iHave o~1#2-2', 'b: prune, for another entry']);
    expect(bench.core.eagerPeers(t)).toEqual(['a', 'b']);
  });

  it('a way in that was yielded to and then brings nothing is not believed in again for a minute', () => {
    const bench = new Bench(['liar', 'there/x'], {}, 'here');
    bench.receive(1, 'there/x', crossed(1));
    const yields = (now: number): number => {
      const before = bench.core.stats.yields;
      bench.receive(now, 'liar', { kind: 'prune', tree: t, yieldTo: 0 });
      return bench.core.stats.yields - before;
    };
    expect(yields(10)).toBe(1);
    const item = { stream: 'o~1', from: 2, to: 2, round: 1, tree: t, entry: 0 };
    bench.receive(20, 'there/x', { kind: 'iHave', items: [item] });
    bench.tick(100);
    expect(bench.tick(420)).toEqual(['there/x: graft o~1#2-2']);
    bench.receive(500, 'there/x', crossed(2, 0, { repair: true }));
    for (const [seq, now] of [
      [3, 5_000],
      [4, 30_000],
      [5, 60_000],
    ] as const) {
      bench.receive(now, 'there/x', crossed(seq));
      expect(yields(now + 1)).toBe(0);
    }
    bench.receive(61_000, 'there/x', crossed(6));
    expect(yields(61_001)).toBe(1);
  });

  it('a far link that brings a duplicate is pruned like any other', () => {
    const bench = new Bench(['a', 'there/x'], {}, 'here');
    bench.receive(1, 'a', crossed(1, rank + 5));
    expect(bench.receive(2, 'there/x', crossed(1))).toEqual(['there/x: prune']);
  });

  it('a zone that is entered by another peer than before opens its near links for one message', () => {
    const bench = new Bench(['a', 'b', 'there/x'], {}, 'here');
    bench.receive(1, 'a', crossed(1, rank + 5));
    bench.receive(2, 'b', crossed(1, rank + 5));
    bench.receive(2, 'there/x', crossed(1));
    expect(bench.core.eagerPeers(t)).toEqual(['a']);
    bench.tick(60);
    bench.receive(2_000, 'a', crossed(2, rank + 6));
    expect(bench.core.eagerPeers(t)).toEqual(['a', 'b']);
  });

  it('a graft makes the link eager in the tree of what is missing, in no other', () => {
    const bench = new Bench(['a', 'b']);
    bench.lazy('b');
    bench.receive(0, 'b', { kind: 'prune', tree: t, yieldTo: null });
    bench.receive(10, 'b', { kind: 'iHave', items: [{ stream: 'o~1', from: 1, to: 1, round: 2, tree: t, entry: 0 }] });
    expect(bench.tick(410)).toEqual(['b: graft o~1#1-1']);
    expect([bench.core.eagerPeers(t), bench.core.eagerPeers(0)]).toEqual([['a', 'b'], ['a']]);
    bench.receive(500, 'a', { kind: 'graft', ranges: [], tree: 9 });
    expect(bench.core.roleOf('b')).toBe('lazy');
  });
});

describe('algorithm 3: overlay changes', () => {
  it('a new neighbour is eager and is told what is held; its end is heard of as caught up', () => {
    const bench = new Bench([]);
    bench.publish(1, 'one');
    bench.publish(2, 'two');
    expect(bench.up(3, 'a')).toEqual(['a: digest me~1#1-2 (last)']);
    expect(bench.up(3, 'a')).toEqual([]);
    expect(bench.receive(4, 'a', { kind: 'digest', streams: [], last: true })).toEqual([
      '{"kind":"caughtUp","peer":"a"}',
    ]);
    expect(bench.receive(5, 'a', { kind: 'digest', streams: [], last: true })).toEqual([]);
    bench.command(6, { kind: 'neighborDown', peer: 'a' });
    expect(bench.core.eagerPeers()).toEqual([]);
  });

  describe('deviation: when a parent goes', () => {
    const fed = () => {
      const bench = new Bench(['a', 'b', 'c', 'there/x'], {}, 'here');
      bench.receive(1, 'a', gossip(1, { tree: bench.core.zoneTree }));
      bench.lazy('b', 'there/x');
      bench.receive(1, 'b', iHave(1, 1, 1, bench.core.zoneTree));
      return bench;
    };
    const down = (bench: Bench, now: number, peer: string) => bench.command(now, { kind: 'neighborDown', peer });

    it('a neighbour of the same side of the zone takes its place at once', () => {
      const bench = fed();
      expect(down(bench, 2, 'a')).toEqual(['b: graft ']);
      // What is under way may still come by the old link: pushed to as well, the new one would be pruned at its other end.
      expect(bench.core.eagerPeers()).toEqual(['c']);
      bench.receive(10, 'b', gossip(2, { tree: bench.core.zoneTree }));
      expect(bench.core.eagerPeers()).toEqual(['b', 'c']);
    });

    it('what comes from elsewhere, or is published here, goes to it, for it is the way to the rest', () => {
      const bench = fed();
      down(bench, 2, 'a');
      expect(bench.receive(10, 'c', gossip(2, { tree: bench.core.zoneTree }))).toContain('b: gossip o~1#2 round 2');
      const own = fed();
      own.publish(1, 'x');
      down(own, 2, 'a');
      expect(own.publish(3, 'y').join()).toContain('b: gossip me~1#2 round 1');
    });

    it('when that one goes as well, the next one does', () => {
      const bench = fed();
      bench.up(1, 'd');
      expect(down(bench, 2, 'a')).toEqual(['b: graft ']);
      expect(down(bench, 3, 'b')).toContain('d: graft ');
    });

    it('nobody does for a child, nor in a tree that nobody uses', () => {
      expect(down(fed(), 2, 'c')).toEqual([]);
      expect(down(fed(), 60_000, 'a')).toEqual([]);
    });
  });
});

describe('digests', () => {
  const holds = (to: number, last = true): PlumtreeMessage<string> => {
    return { kind: 'digest', streams: [{ stream: 'o~1', from: 1, seen: to }], last };
  };

  it('what a neighbour holds and we lack is pulled, in bounded requests, from one neighbour at a time', () => {
    const bench = new Bench(['a', 'b'], { pullMessagesMax: 3 });
    expect(bench.receive(1, 'a', holds(5))).toEqual(['a: pull o~1#1-3']);
    expect(bench.receive(2, 'b', holds(6))).toEqual([]);
    for (const seq of [1, 2, 3]) bench.receive(3, 'a', gossip(seq, { repair: true }));
    const next = bench.receive(4, 'a', holds(5, false));
    expect(next).toEqual(['b: digest o~1#1-3', 'a: pull o~1#4-5']);
    for (const seq of [4, 5]) bench.receive(5, 'a', gossip(seq, { repair: true }));
    expect(bench.receive(6, 'a', holds(5, false))).toEqual([
      'b: digest o~1#1-5',
      '{"kind":"caughtUp","peer":"a"}',
      'b: pull o~1#6-6',
    ]);
  });

  it('what a pull brought is not pushed on', () => {
    const bench = new Bench(['a', 'b']);
    bench.receive(1, 'a', holds(1));
    expect(bench.receive(2, 'a', gossip(1, { repair: true }))).toEqual(['delivered gossip o~1#1 round 1 (repair)']);
  });

  it('a neighbour that does not answer is passed over for the next', () => {
    const bench = new Bench(['a', 'b']);
    bench.receive(1, 'a', holds(2));
    bench.receive(2, 'b', holds(2));
    expect(bench.core.nextDeadline()).toBe(2_001);
    expect(bench.tick(2_001)).toEqual(['b: pull o~1#1-2']);
    expect(bench.core.stats.pullsSent).toBe(2);
  });

  it('one that says that it holds what it never gives is given up', () => {
    const bench = new Bench(['a']);
    bench.receive(1, 'a', holds(2));
    for (let i = 0; i < 10; i++) bench.receive(2 + i, 'a', holds(2, false));
    expect(bench.core.stats.pullsSent).toBe(3);
  });

  it('when a neighbour goes its ranges are asked from another at once', () => {
    const bench = new Bench(['a', 'b']);
    bench.receive(1, 'a', holds(2));
    bench.receive(2, 'b', holds(2));
    expect(bench.command(3, { kind: 'neighborDown', peer: 'a' })).toEqual(['b: pull o~1#1-2']);
  });

  it('a pull is answered up to the credit, and ends with what is held of the streams asked for', () => {
    const bench = new Bench(['a'], { repairBytesMax: 5 });
    for (const body of ['1234', '5678', '9']) bench.publish(1, body);
    expect(bench.receive(2, 'a', { kind: 'pull', ranges: [{ stream: 'me~1', from: 1, to: 3 }] })).toEqual([
      'a: gossip me~1#1 round 1 (repair)',
      'a: gossip me~1#2 round 1 (repair)',
      'a: digest me~1#1-3',
    ]);
    expect(bench.receive(2, 'a', { kind: 'pull', ranges: [{ stream: 'x~1', from: 1, to: 3 }] })).toEqual([
      'a: digest x~1#1-0',
    ]);
  });

  it('a first digest comes in pages, paced', () => {
    const bench = new Bench([], { digestStreamsMax: 8, digestRunsMax: 2 });
    bench.up(0, 'x');
    for (let i = 0; i < 10; i++) bench.receive(0, 'x', gossip(1, { stream: `s${i}~1` }));
    const first = bench.up(1, 'a');
    expect(first).toEqual(['a: digest s0~1#1-1 s1~1#1-1 s2~1#1-1 s3~1#1-1 s4~1#1-1 s5~1#1-1 s6~1#1-1']);
    expect(bench.core.nextDeadline()).toBe(21);
    expect(bench.tick(21)).toEqual(['a: digest s7~1#1-1 s8~1#1-1 s9~1#1-1 (last)']);
  });

  it('streams that changed are told once more to each neighbour, then nothing is said', () => {
    const bench = new Bench(['a', 'b']);
    bench.receive(0, 'a', gossip(1));
    const told: string[] = [];
    for (let now = 0; now < 100_000; now += 1_000) told.push(...bench.tick(now));
    expect(told.sort()).toEqual(['a: digest o~1#1-1', 'b: digest o~1#1-1']);
    expect(bench.core.stats.digestsSent).toBe(4);
  });
});

describe('ephemeral messages', () => {
  it('have numbers of their own, are grafted like others, and no digest names them', () => {
    const bench = new Bench(['a']);
    expect(bench.publish(1, 'canary', { ephemeral: true, wantHeld: true })).toEqual([
      'delivered gossip me~1!#1 round 0',
      'a: gossip me~1!#1 round 1',
    ]);
    bench.publish(2, 'user');
    expect(bench.up(3, 'b')).toEqual(['b: digest me~1#1-1 (last)']);
    const ranges = [{ stream: 'me~1!', from: 1, to: 1 }];
    expect(bench.receive(4, 'a', { kind: 'graft', ranges, tree: 0 })).toEqual(['a: gossip me~1!#1 round 1 (repair)']);
    for (let now = 0; now < 60_000; now += 5_000) bench.tick(now);
    expect(bench.receive(60_000, 'a', { kind: 'graft', ranges, tree: 0 })).toEqual([]);
  });
});

describe('held', () => {
  it('is answered by a neighbour that got the message from its origin, also over a lazy link and for a second copy', () => {
    const bench = new Bench(['o', 'a']);
    expect(bench.receive(1, 'o', gossip(1, { wantHeld: true }))).toContain('o: held o~1#1');
    expect(bench.receive(2, 'a', gossip(2))).not.toContain('o: held o~1#2');
    expect(bench.receive(3, 'o', gossip(2, { wantHeld: true, repair: true }))).toEqual(['o: held o~1#2']);
  });

  it('is asked of every neighbour, without asking lazy ones into the tree, and never passed on', () => {
    const bench = new Bench(['a', 'b']);
    bench.lazy('b');
    expect(bench.publish(1, 'x', { wantHeld: true })).toEqual([
      'delivered gossip me~1#1 round 0',
      'a: gossip me~1#1 round 1',
      'b: gossip me~1#1 round 1 (repair)',
    ]);
    expect(bench.receive(2, 'b', { kind: 'held', stream: 'me~1', seq: 1 })).toEqual([
      '{"kind":"held","seq":1,"by":"b"}',
    ]);
    bench.core.handle(3, { kind: 'message', from: 'a', message: gossip(1, { wantHeld: true }) }, bench.out);
    const relayed = bench.out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
    expect(relayed.some((message) => message.kind === 'gossip' && message.wantHeld)).toBe(false);
  });
});

describe('bounds', () => {
  it('a replay from outside the window is refused, once and for all', () => {
    const bench = new Bench(['a', 'b']);
    expect(bench.receive(700_000, 'a', gossip(1, { publishedAt: 99_999 }))).toEqual([]);
    expect(bench.core.stats.refused).toBe(1);
    expect(
      bench.receive(700_001, 'a', { kind: 'digest', streams: [{ stream: 'o~1', from: 1, seen: 1 }], last: true }),
    ).toEqual(['{"kind":"caughtUp","peer":"a"}']);
  });

  it('a message dated further ahead than clocks may differ is refused like a replay', () => {
    const bench = new Bench(['a', 'b']);
    const at = 1_000 + defaultPlumtreeConfig.acceptNewerMs;
    expect(bench.receive(1_000, 'a', gossip(1, { publishedAt: at + 1 }))).toEqual([]);
    expect(bench.core.stats).toMatchObject({ early: 1, refused: 0 });
    expect(bench.receive(1_000, 'a', gossip(2, { publishedAt: at })).length).toBeGreaterThan(0);
    // Done with: nobody is asked for it.
    bench.receive(1_000, 'b', {
      kind: 'iHave',
      items: [{ stream: 'o~1', from: 1, to: 1, round: 1, tree: 0, entry: 0 }],
    });
    expect(bench.tick(9_000).filter((line) => line.includes('graft'))).toEqual([]);
  });

  it('a hole that nobody can fill any more is said to be lost; history is not', () => {
    const bench = new Bench(['a']);
    bench.receive(1, 'a', gossip(5));
    bench.receive(2, 'a', gossip(8));
    const said: string[] = [];
    for (let now = 0; now <= 320_000; now += 5_000)
      said.push(...bench.tick(now).filter((line) => line.includes('lost')));
    expect(said).toEqual(['{"kind":"lost","range":{"stream":"o~1","from":6,"to":7}}']);
    expect(bench.core.stats.lost).toBe(2);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('a flood of numbers out of order costs a bounded number of holes', () => {
    const bench = new Bench(['a'], { holesMax: 4 });
    const lost: string[] = [];
    for (let seq = 1; seq <= 21; seq += 2)
      lost.push(...bench.receive(seq, 'a', gossip(seq)).filter((line) => line.includes('lost')));
    expect(lost).toHaveLength(6);
    expect(lost[0]).toContain('"from":2,"to":2');
  });

  it('a flood of streams is bounded; the silent ones are forgotten, never this peer’s own', () => {
    const bench = new Bench(['a'], { streamsMax: 64 });
    for (let i = 0; i < 1_000; i++) bench.receive(i, 'a', gossip(1, { stream: `s${i}` }));
    expect(bench.core.streams.known).toBeLessThanOrEqual(64);
    expect(bench.core.streams.evicted).toBeGreaterThan(900);
    bench.publish(2_000, 'x');
    expect(bench.receive(2_001, 'a', gossip(1, { stream: 'me~1', repair: true }))).toEqual([]);
  });
});

describe('a neighbour’s bytes change nothing when they are impossible', () => {
  const range = { stream: 'o~1', from: 1, to: 1 };
  const item = { ...range, round: 1, tree: 0, entry: 0 };
  const bad: [string, PlumtreeMessage<string>][] = [
    ['number 0', gossip(0)],
    ['a fraction', gossip(1.5)],
    ['beyond whole numbers', gossip(2 ** 53)],
    ['round 0', gossip(1, { round: 0 })],
    ['no time', gossip(1, { publishedAt: Number.NaN })],
    ['no stream', gossip(1, { stream: '' })],
    ['a huge stream id', gossip(1, { stream: 'x'.repeat(300) })],
    ['a message that we never published', gossip(1, { stream: 'me~1' })],
    ['nor its ephemeral twin', gossip(1, { stream: 'me~1!' })],
    ['held of one', { kind: 'held', stream: 'me~1', seq: 1 }],
    ['held of another’s', { kind: 'held', stream: 'o~1', seq: 1 }],
    ['too long a range', { kind: 'iHave', items: [{ ...item, to: 5_000 }] }],
    ['a range backwards', { kind: 'iHave', items: [{ ...item, from: 2 }] }],
    ['a round of −1', { kind: 'iHave', items: [{ ...item, round: -1 }] }],
    ['an impossible tree', gossip(1, { tree: 2 ** 21 })],
    ['an impossible entry', gossip(1, { entry: -1 })],
    ['an announcement of no tree', { kind: 'iHave', items: [{ ...item, tree: 0.5 }] }],
    ['a graft of no tree', { kind: 'graft', ranges: [], tree: Number.NaN }],
    ['a prune of no tree', { kind: 'prune', tree: -1, yieldTo: null }],
    ['a prune for no entry', { kind: 'prune', tree: 0, yieldTo: 2 ** 30 }],
    ['too many items', { kind: 'iHave', items: Array(513).fill(item) }],
    ['too many ranges', { kind: 'pull', ranges: Array(65).fill(range) }],
    ['a graft backwards', { kind: 'graft', ranges: [{ ...range, to: 0 }], tree: 0 }],
    ['a digest backwards', { kind: 'digest', streams: [{ stream: 'o~1', from: 5, seen: 2 }], last: true }],
    [
      'a digest of an ephemeral stream',
      { kind: 'digest', streams: [{ stream: 'o~1!', from: 1, seen: 2 }], last: true },
    ],
    ['too many runs', { kind: 'digest', streams: Array(600).fill({ stream: 'o~1', from: 1, seen: 2 }), last: true }],
  ];

  it.each(bad)('%s', (_, message) => {
    const bench = new Bench(['a', 'b']);
    const said = bench.receive(1, 'a', message);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('protocolViolation');
    expect(bench.core.eagerPeers()).toEqual(['a', 'b']);
    expect(bench.core.store.size).toBe(0);
  });

  it('of a peer that is no neighbour only payloads are taken', () => {
    const bench = new Bench(['a']);
    expect(bench.receive(1, 'x', gossip(1))).toEqual(['delivered gossip o~1#1 round 1', 'a: gossip o~1#1 round 2']);
    expect(bench.receive(1, 'x', iHave(2))).toEqual([]);
    expect(bench.receive(1, 'x', { kind: 'pull', ranges: [range] })).toEqual([]);
    expect(bench.core.stats.strangers).toBe(2);
  });
});

describe('configuration', () => {
  it.each([
    { graft2Ms: 400 },
    { iHaveBatchMs: 300 },
    { iHaveGapMs: 500 },
    { holdMs: 600_000 },
    { ephemeralHoldMs: 1_000 },
    { hotTreesMax: 256 },
  ])('%j is refused', (config) => {
    expect(() => new Bench([], config)).toThrow('invariant broken');
  });
});
