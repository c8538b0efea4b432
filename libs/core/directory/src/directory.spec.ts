import { type PeerId, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { infoOf } from '../spec/directory-network.ts';
import { type DirectoryConfig, defaultDirectoryConfig } from './config.ts';
import { Directory } from './directory.ts';
import { flapHoldMs } from './flaps.ts';
import type { DirectoryCommand, DirectoryEvent, DirectoryMessage, MemberRecord } from './messages.ts';

const config = defaultDirectoryConfig;

/** One directory, called `me`, whose decisions are read after each step. */
class Bench {
  readonly core: Directory;
  readonly #out = new RecordingOutbox<DirectoryMessage, DirectoryEvent>();
  now = 0;

  constructor(overrides: Partial<DirectoryConfig> = {}) {
    this.core = new Directory({ ...config, ...overrides }, infoOf('me', 100), new Rng(1));
  }

  command(command: DirectoryCommand): void {
    this.core.handle(this.now, { kind: 'command', command }, this.#out);
  }

  message(from: PeerId, message: DirectoryMessage): void {
    this.core.handle(this.now, { kind: 'message', from, message }, this.#out);
  }

  announce(id: PeerId, incarnation = 1, refreshMs = 60_000): void {
    const info = infoOf(id, incarnation);
    this.command({ kind: 'broadcast', from: id, message: { kind: 'announce', info, refreshMs } });
  }

  accuse(accuser: PeerId, id: PeerId, incarnation = 1): void {
    this.command({ kind: 'broadcast', from: accuser, message: { kind: 'accuse', id, incarnation, accuser } });
  }

  leave(id: PeerId, incarnation = 1): void {
    this.command({ kind: 'broadcast', from: id, message: { kind: 'leave', id, incarnation } });
  }

  /** A page of repair from a neighbour. */
  records(from: PeerId, ...records: readonly MemberRecord[]): void {
    this.message(from, { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records, reply: false });
  }

  refused(peer: PeerId): void {
    this.core.handle(this.now, { kind: 'linkDown', peer, reason: 'refused' }, this.#out);
  }

  unanswered(peer: PeerId): void {
    this.core.handle(this.now, { kind: 'linkDown', peer, reason: 'unanswered' }, this.#out);
  }

  linkUp(peer: PeerId): void {
    this.core.handle(this.now, { kind: 'linkUp', peer: infoOf(peer) }, this.#out);
  }

  /** Lets time pass, ticking at each deadline. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let at = this.core.nextDeadline(); at <= end; at = this.core.nextDeadline()) {
      this.now = Math.max(this.now, at);
      this.core.handle(this.now, { kind: 'tick' }, this.#out);
    }
    this.now = end;
  }

  events(): DirectoryEvent[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
  }

  sent(): DirectoryMessage[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
  }

  dials(): PeerId[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'open' ? [effect.peer.id] : []));
  }

  /** All but events. */
  effects(): string[] {
    return this.#out.take().flatMap((effect) => {
      if (effect.kind === 'open') return [`open ${effect.peer.id}`];
      if (effect.kind === 'send') return [`send ${effect.to} ${effect.message.kind}`];
      return effect.kind === 'close' ? [`close ${effect.peer}`] : [];
    });
  }

  broadcasts(): string[] {
    return this.events().flatMap((event) =>
      event.kind === 'broadcast' ? [event.message.kind] : event.kind === 'refresh' ? ['refresh'] : [],
    );
  }

  downs(): string[] {
    return this.events().flatMap((event) => (event.kind === 'memberDown' ? [`${event.info.id} ${event.state}`] : []));
  }
}

/** `me` with neighbour `a` and members a, b, c, d. */
function settled(overrides: Partial<DirectoryConfig> = {}): Bench {
  const bench = new Bench(overrides);
  bench.command({ kind: 'neighborUp', peer: infoOf('a') });
  for (const id of ['a', 'b', 'c', 'd']) bench.announce(id);
  bench.pass(100);
  bench.events();
  return bench;
}

/** In a mesh of five, too. */
const everybodyChecks = { secondOpinions: 1_000 };

describe('checks', () => {
  it('a lone accusation is checked by a dial, whose refusal is the second word', () => {
    const bench = settled(everybodyChecks);
    bench.accuse('b', 'd');
    bench.pass(config.secondOpinionMs);
    expect(bench.dials()).toEqual(['d']);
    bench.refused('d');
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual(['accuse']);
    bench.pass(config.confirmMs + config.refuteSpreadMaxMs);
    expect(bench.core.get('d')).toBeUndefined();
  });

  it('a dial that is answered ends the link, tells the accused, and accuses nobody', () => {
    const bench = settled(everybodyChecks);
    bench.accuse('b', 'd');
    bench.pass(config.secondOpinionMs);
    bench.linkUp('d');
    expect(bench.effects()).toEqual(['open d', 'send d directoryRecords', 'close d']);
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual([]);
  });

  it('nobody is dialled who was refuted, confirmed or linked meanwhile', () => {
    for (const meanwhile of [
      (bench: Bench) => bench.announce('d', 2),
      (bench: Bench) => bench.accuse('c', 'd'),
      (bench: Bench) => bench.linkUp('d'),
    ]) {
      const bench = settled(everybodyChecks);
      bench.accuse('b', 'd');
      meanwhile(bench);
      bench.pass(config.secondOpinionMs);
      expect(bench.dials().filter((id) => id === 'd')).toEqual([]);
    }
  });

  /** `me` among fifty when three die, `quietMs` after all of them spoke. */
  function afterDeaths(quietMs: number): Bench {
    const bench = settled({ checksMax: 1, spotChecks: 1_000 });
    for (let n = 0; n < 50; n++) bench.announce(`p${n}`);
    bench.pass(quietMs);
    for (const id of ['b', 'c', 'd']) {
      bench.accuse('a', id);
      bench.accuse('x', id);
    }
    bench.pass(config.confirmMs + config.refuteSpreadMaxMs);
    return bench;
  }

  it('a death is followed by a dial at random, and by no more at once than the bound', () => {
    const bench = afterDeaths(config.spotCheckSilenceMs);
    expect(bench.dials()).toHaveLength(1);
    expect(bench.core.checks.dropped).toBeGreaterThan(0);
  });

  it('who spoke of late is not dialled so', () => {
    expect(afterDeaths(0).dials()).toEqual([]);
  });
});

describe('announcing', () => {
  it('says nothing while alone, and announces with the first neighbour', () => {
    const bench = new Bench();
    bench.pass(600_000);
    expect(bench.broadcasts()).toEqual([]);
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.pass(config.announceDelayMs);
    expect(bench.broadcasts()).toEqual(['announce']);
  });

  it('announces again within what it promised', () => {
    const bench = settled();
    bench.pass(config.refreshMinMs);
    expect(bench.broadcasts()).toEqual(['refresh']);
  });

  it('promises an interval that grows with the mesh', () => {
    const bench = new Bench();
    for (let n = 0; n < 199; n++) bench.announce(`p${n}`);
    bench.command({ kind: 'neighborUp', peer: infoOf('p0') });
    bench.pass(100);
    const announced = bench.events().find((event) => event.kind === 'broadcast');
    expect(announced).toMatchObject({ message: { kind: 'announce', refreshMs: 200 * config.refreshPerPeerMs } });
  });

  it('a canary of its own stands for a refresh, but not for news', () => {
    const bench = settled();
    for (let n = 0; n < 20; n++) {
      bench.pass(config.refreshMinMs / 2);
      bench.command({ kind: 'spoke' });
    }
    expect(bench.broadcasts()).toEqual([]);
    bench.pass(config.refreshMinMs);
    expect(bench.broadcasts()).toEqual(['refresh']);

    const newcomer = new Bench();
    newcomer.command({ kind: 'neighborUp', peer: infoOf('a') });
    newcomer.command({ kind: 'spoke' });
    newcomer.pass(config.announceDelayMs);
    expect(newcomer.broadcasts()).toEqual(['announce']);
  });

  it('a canary of another prolongs what is known of it, and of its later lives, for what it promises', () => {
    const bench = new Bench();
    bench.announce('a', 5, 60_000);
    bench.announce('b', 5, 60_000);
    bench.announce('c', 5, 60_000);
    bench.command({ kind: 'heard', id: 'a', incarnation: 4, refreshMs: 600_000 });
    // The canary of a life that is not known yet says nothing about an older one; nor does one that promises nothing.
    bench.command({ kind: 'heard', id: 'b', incarnation: 6, refreshMs: 600_000 });
    bench.command({ kind: 'heard', id: 'stranger', incarnation: 1, refreshMs: 600_000 });
    for (const refreshMs of [0, Number.NaN, -1]) bench.command({ kind: 'heard', id: 'c', incarnation: 5, refreshMs });
    bench.pass(4 * 60_000);
    expect(bench.core.upIds()).toEqual(['a', 'me']);
    bench.pass(3 * 600_000);
    expect(bench.core.upIds()).toEqual(['me']);
  });

  it('does not announce more often than the gap when its only link flaps', () => {
    const bench = settled();
    for (let n = 0; n < 10; n++) {
      bench.command({ kind: 'neighborDown', peer: infoOf('a'), failed: false });
      bench.command({ kind: 'neighborUp', peer: infoOf('a') });
      bench.pass(100);
    }
    expect(bench.broadcasts()).toEqual([]);
    bench.pass(config.announceGapMs);
    expect(bench.broadcasts()).toEqual(['announce']);
  });

  it('forgets a peer that missed three refreshes', () => {
    const bench = new Bench();
    bench.announce('a', 1, 60_000);
    bench.pass(3 * 60_000 - 1);
    expect(bench.core.get('a')).toBeDefined();
    bench.pass(1.1 * config.digestIntervalMs);
    expect(bench.core.get('a')).toBeUndefined();
    expect(bench.downs()).toEqual(['a expired']);
  });

  it('does not forget a neighbour, nor a former one sooner than any other, though it met it knowing nobody', () => {
    const bench = new Bench();
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.command({ kind: 'neighborUp', peer: infoOf('b') });
    // A mesh of 100 refreshes every 500 s; what `me` knew when it met a and b was a mesh of one, and 60 s.
    for (let n = 0; n < 100; n++) bench.announce(`p${n}`, 1, 500_000);
    bench.command({ kind: 'neighborDown', peer: infoOf('b'), failed: false });
    bench.pass(1_200_000);
    expect(bench.downs()).toEqual([]);
    bench.pass(400_000);
    expect(bench.core.get('b')).toBeUndefined();
    expect(bench.core.get('a')).toBeDefined();
  });

  it('speaks for itself only', () => {
    const bench = new Bench();
    bench.command({ kind: 'broadcast', from: 'z', message: { kind: 'announce', info: infoOf('a'), refreshMs: 1 } });
    bench.command({ kind: 'broadcast', from: 'z', message: { kind: 'leave', id: 'a', incarnation: 1 } });
    bench.command({ kind: 'broadcast', from: 'z', message: { kind: 'accuse', id: 'a', incarnation: 1, accuser: 'b' } });
    expect(bench.events().map((event) => event.kind)).toEqual(Array(3).fill('protocolViolation'));
    expect(bench.core.size).toBe(1);
  });
});

describe('leaving', () => {
  it('is a tombstone that nobody resurrects, until a higher incarnation', () => {
    const bench = settled();
    bench.leave('b');
    expect(bench.downs()).toEqual(['b left']);
    bench.announce('b', 1);
    bench.command({ kind: 'neighborUp', peer: infoOf('b') });
    const record = { info: infoOf('b'), state: 'up', ttlMs: 99_999 } as const;
    bench.message('a', { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records: [record], reply: false });
    expect(bench.core.get('b')).toBeUndefined();
    bench.announce('b', 2);
    expect(bench.core.get('b')?.incarnation).toBe(2);
  });

  it('counts also when it is heard before the announcement', () => {
    const bench = new Bench();
    bench.leave('a', 7);
    bench.announce('a', 7);
    expect(bench.core.size).toBe(1);
  });

  it('is ignored when it is of an earlier life', () => {
    const bench = new Bench();
    bench.announce('a', 8);
    bench.leave('a', 7);
    expect(bench.core.get('a')).toBeDefined();
  });

  it('is said once, and then nothing more', () => {
    const bench = settled();
    bench.command({ kind: 'leave' });
    expect(bench.broadcasts()).toEqual(['leave']);
    bench.accuse('a', 'me', 100);
    bench.pass(1_000_000);
    expect(bench.events()).toEqual([]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('bounds its tombstones: the oldest goes first, counted', () => {
    const bench = new Bench({ tombstonesMax: 2 });
    for (const id of ['a', 'b', 'c']) bench.leave(id);
    expect(bench.core.tombstonesEvicted).toBe(1);
    bench.announce('a');
    bench.announce('c');
    expect(bench.core.upIds()).toEqual(['a', 'me']);
  });
});

describe('accusing', () => {
  it('two different accusers of one incarnation make a peer dead', () => {
    const bench = settled();
    bench.accuse('b', 'd');
    bench.accuse('c', 'd');
    bench.pass(config.confirmMs + 100);
    expect(bench.downs()).toEqual(['d dead']);
  });

  it('the same accuser twice is one accuser', () => {
    const bench = settled();
    bench.accuse('b', 'd');
    bench.accuse('b', 'd');
    bench.pass(config.loneAccusationMs - 200);
    expect(bench.downs()).toEqual([]);
  });

  it('a lone accusation that is never refuted is as good as expiry', () => {
    const bench = settled();
    bench.accuse('b', 'd');
    bench.pass(config.loneAccusationMs);
    expect(bench.downs()).toEqual(['d expired']);
  });

  it('in a mesh of three one word is enough after a short time', () => {
    const bench = new Bench();
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.announce('b');
    bench.accuse('a', 'b');
    bench.pass(config.smallMeshAccusationMs);
    expect(bench.downs()).toEqual(['b expired']);
  });

  it('of two, the survivor sees the other go', () => {
    const bench = new Bench();
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.command({ kind: 'neighborDown', peer: infoOf('a'), failed: true });
    bench.pass(config.accuseSpreadMs + config.smallMeshAccusationMs);
    expect(bench.downs()).toEqual(['a expired']);
    expect(bench.broadcasts()).toEqual([]);
  });

  it('alone, makes no tombstone: the fault may be ours', () => {
    const bench = settled();
    bench.command({ kind: 'neighborDown', peer: infoOf('a'), failed: true });
    bench.pass(config.accuseSpreadMs + config.loneAccusationMs);
    expect(bench.downs()).toEqual(['a expired']);
    bench.announce('a', 1);
    expect(bench.core.get('a')).toBeDefined();
  });

  describe('back from being alone', () => {
    /** `me` lost its neighbours a and b 20 s ago, suspects both, and has met c. */
    function returned(): Bench {
      const bench = settled();
      bench.command({ kind: 'neighborUp', peer: infoOf('b') });
      for (const id of ['a', 'b']) bench.command({ kind: 'neighborDown', peer: infoOf(id), failed: true });
      bench.pass(20_000);
      expect(bench.broadcasts()).toEqual([]);
      bench.command({ kind: 'neighborUp', peer: infoOf('c') });
      return bench;
    }

    it('asks aloud those whom it suspected meanwhile, and condemns nobody who answers', () => {
      const bench = returned();
      bench.pass(2 * config.accuseSpreadMs);
      expect(bench.broadcasts().sort()).toEqual(['accuse', 'accuse', 'announce']);
      bench.announce('a', 2);
      bench.announce('b', 2);
      bench.pass(config.loneAccusationMs);
      expect(bench.downs()).toEqual([]);
    });

    it('condemns nobody for the silence while it was cut off', () => {
      const bench = returned();
      bench.pass(config.loneAccusationMs);
      expect(bench.downs()).toEqual([]);
      bench.message('c', { kind: 'directoryDigest', hashes: [1], versions: false });
      const [page] = bench.sent();
      const states = page?.kind === 'directoryRecords' ? page.records.map(({ state }) => state) : [];
      expect(states).toEqual(Array(5).fill('up'));
    });

    it('need not ask those whose refutation the neighbour’s records tell', () => {
      const bench = returned();
      bench.records('c', ...['a', 'b'].map((id) => ({ info: infoOf(id, 2), state: 'up' as const, ttlMs: 99_999 })));
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual(['announce']);
    });

    it('condemns those who do not answer', () => {
      const bench = returned();
      bench.pass(2 * config.accuseSpreadMs + config.loneAccusationMs);
      expect(bench.downs().sort()).toEqual(['a expired', 'b expired']);
    });
  });

  it('keeps what it suspected when it was not alone, and what two others said', () => {
    const bench = settled();
    bench.command({ kind: 'neighborUp', peer: infoOf('b') });
    bench.command({ kind: 'neighborDown', peer: infoOf('b'), failed: true });
    bench.pass(config.accuseSpreadMs);
    bench.command({ kind: 'neighborUp', peer: infoOf('c') });
    bench.pass(config.loneAccusationMs);
    expect(bench.downs()).toEqual(['b expired']);

    bench.accuse('a', 'd');
    bench.accuse('c', 'd');
    for (const id of ['a', 'c']) bench.command({ kind: 'neighborDown', peer: infoOf(id), failed: false });
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.pass(config.confirmMs + 100);
    expect(bench.downs()).toEqual(['d dead']);
  });

  it('a refutation clears the suspicion', () => {
    const bench = settled();
    bench.accuse('b', 'd');
    bench.accuse('c', 'd');
    bench.announce('d', 2);
    bench.pass(config.loneAccusationMs);
    expect(bench.downs()).toEqual([]);
    expect(bench.core.get('d')?.incarnation).toBe(2);
  });

  it('means nothing against a stranger, a past incarnation, or from a peer that is dead itself', () => {
    const bench = settled();
    bench.leave('c');
    bench.events();
    bench.accuse('b', 'stranger');
    bench.accuse('a', 'd', 0);
    bench.accuse('b', 'd', 0);
    bench.accuse('b', 'd');
    bench.accuse('c', 'd');
    bench.pass(config.confirmMs + 1_000);
    expect(bench.downs()).toEqual([]);
  });

  it('a broken neighbour is accused, unless it is back or two others were faster', () => {
    const broken = { kind: 'neighborDown', peer: infoOf('b'), failed: true } as const;
    const bench = settled();
    bench.command({ kind: 'neighborUp', peer: infoOf('b') });
    bench.command(broken);
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual(['accuse']);

    const back = settled();
    back.command(broken);
    back.command({ kind: 'neighborUp', peer: infoOf('b') });
    back.pass(config.accuseSpreadMs);
    expect(back.broadcasts()).toEqual([]);

    const late = settled();
    late.command(broken);
    late.accuse('c', 'b');
    late.accuse('d', 'b');
    late.pass(config.accuseSpreadMs);
    expect(late.broadcasts()).toEqual([]);
  });

  it('many that are lost at once are accused without haste, so that others may be faster', () => {
    const bench = new Bench();
    const lost = Array.from({ length: 40 }, (_, n) => infoOf(`p${n}`));
    for (const peer of [infoOf('a'), ...lost]) bench.command({ kind: 'neighborUp', peer });
    bench.pass(100);
    bench.events();
    for (const peer of lost) bench.command({ kind: 'neighborDown', peer, failed: true });
    bench.pass(config.accuseSpreadMs);
    const soon = bench.broadcasts();
    bench.pass(config.accuseSpreadMaxMs - config.accuseSpreadMs);
    const late = bench.broadcasts();
    expect(soon.length).toBeLessThan(late.length);
    expect([...soon, ...late]).toEqual(lost.map(() => 'accuse'));
  });

  it('doubts who is gone, whom two others accuse, and whom it accuses or is about to', () => {
    const bench = settled();
    const doubted = () => ['a', 'b', 'c', 'd', 'stranger'].filter((id) => bench.core.isDoubted(id));
    bench.accuse('a', 'd');
    expect(doubted()).toEqual([]);
    bench.accuse('c', 'd');
    bench.command({ kind: 'neighborDown', peer: infoOf('b'), failed: true });
    bench.leave('c');
    expect(doubted()).toEqual(['b', 'c', 'd']);
    bench.pass(config.confirmMs + config.refuteSpreadMaxMs);
    expect(doubted()).toEqual(['b', 'c', 'd']);
    for (const id of ['b', 'c', 'd']) bench.announce(id, 2);
    expect(doubted()).toEqual([]);
  });

  it('a refused dial is a word as well, once in a while', () => {
    const bench = settled();
    bench.refused('c');
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual(['accuse']);
    bench.announce('c', 2);
    bench.refused('c');
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual([]);
  });

  describe('a dial that nobody answers', () => {
    /** Every dial of `c` by this peer stays without an answer. */
    function unanswered(bench: Bench, peer = 'c', times = 1): void {
      for (let i = 0; i < times; i++) {
        if (i > 0) bench.pass(config.redialMs);
        bench.unanswered(peer);
      }
    }

    it('is a word only when it lasts', () => {
      const bench = settled();
      unanswered(bench, 'c', config.silentDials - 1);
      bench.pass(config.accuseSpreadMs);
      expect(bench.effects()).toEqual(['open c', 'close c']);
      bench.pass(config.redialMs - config.accuseSpreadMs);
      bench.unanswered('c');
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual(['accuse']);
    });

    it('at the same time as another counts as one', () => {
      const bench = settled();
      for (let i = 0; i < 10; i++) bench.unanswered('c');
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual([]);
    });

    it('is forgotten when the peer is heard of, or linked', () => {
      for (const speak of [(bench: Bench) => bench.announce('c', 2), (bench: Bench) => bench.linkUp('c')]) {
        const bench = settled({ refutedMs: 0 });
        unanswered(bench, 'c', config.silentDials - 1);
        speak(bench);
        bench.events();
        bench.pass(config.redialMs);
        bench.unanswered('c');
        bench.pass(config.accuseSpreadMs);
        expect(bench.broadcasts()).toEqual([]);
      }
    });

    it('keeps no place among those to be dialled again, once it is refused', () => {
      const bench = settled({ redialsMax: 1, refutedMs: 0 });
      bench.refused('c');
      bench.announce('c', 2);
      bench.unanswered('c');
      bench.refused('c');
      bench.unanswered('d');
      bench.dials();
      bench.pass(config.redialMs);
      expect(bench.dials()).toEqual(['d']);
    });

    it('is a word sooner beside that of another', () => {
      const bench = settled();
      unanswered(bench, 'c', config.silentDials - 2);
      bench.accuse('b', 'c');
      bench.pass(config.redialMs);
      bench.unanswered('c');
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual(['accuse']);
    });

    it('is no word against who has just refuted, until that is long ago', () => {
      const bench = settled();
      bench.announce('c', 2);
      unanswered(bench, 'c', config.silentDials);
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual([]);
      bench.pass(config.refutedMs);
      bench.events();
      unanswered(bench, 'c', config.silentDials);
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toContain('accuse');
    });

    it('says nothing while this peer is late itself', () => {
      const bench = settled();
      unanswered(bench, 'c', config.silentDials - 1);
      bench.command({ kind: 'selfLate' });
      bench.pass(config.redialMs);
      bench.unanswered('c');
      bench.pass(config.accuseSpreadMs);
      expect(bench.broadcasts()).toEqual([]);
    });

    it('is followed by others to a few members at once; more are dropped and counted', () => {
      const bench = settled({ redialsMax: 2 });
      for (const id of ['b', 'c', 'd']) bench.unanswered(id);
      expect(bench.core.checks.dropped).toBe(1);
      bench.pass(config.redialMs);
      expect(bench.dials()).toEqual(['b', 'c']);
    });
  });

  it('accused itself, refutes with the next incarnation', () => {
    const bench = settled();
    bench.accuse('b', 'me', 100);
    expect(bench.events()).toEqual([{ kind: 'incarnation', incarnation: 101 }]);
    bench.pass(100);
    expect(bench.events()).toMatchObject([{ message: { kind: 'announce', info: { id: 'me', incarnation: 101 } } }]);
    bench.accuse('c', 'me', 100);
    expect(bench.events()).toEqual([]);
  });

  it('rises above another life under its own id', () => {
    const bench = settled();
    bench.announce('me', 500);
    expect(bench.core.self.incarnation).toBe(501);
  });
});

describe('a peer that flaps', () => {
  /** d was listed as gone, and came back by refuting. */
  const flapped = (): Bench => {
    const bench = settled();
    bench.accuse('a', 'd');
    bench.accuse('b', 'd');
    bench.pass(config.confirmMs + 100);
    expect(bench.downs()).toEqual(['d dead']);
    bench.announce('d', 2);
    bench.pass(10_000);
    bench.events();
    return bench;
  };

  it('is not listed as gone again within the hold, although two accuse it', () => {
    const bench = flapped();
    bench.accuse('a', 'd', 2);
    bench.accuse('b', 'd', 2);
    bench.pass(config.flapHoldMs);
    expect(bench.downs()).toEqual([]);
    bench.announce('d', 3);
    for (const id of ['a', 'b', 'c']) bench.announce(id);
    bench.pass(2 * config.flapHoldMs);
    expect(bench.downs()).toEqual([]);
  });

  it('is listed as gone when it really is, not much later', () => {
    const bench = flapped();
    bench.accuse('a', 'd', 2);
    bench.accuse('b', 'd', 2);
    bench.pass(config.flapHoldMs + 2 * config.confirmMs + config.accuseSpreadMs + 200);
    expect(bench.downs()).toEqual(['d dead']);
  });

  it('is asked aloud once more by those who accused it, in case it is back', () => {
    const bench = flapped();
    bench.command({ kind: 'neighborUp', peer: infoOf('d', 2) });
    bench.command({ kind: 'neighborDown', peer: infoOf('d', 2), failed: true });
    bench.pass(config.accuseSpreadMs);
    bench.accuse('b', 'd', 2);
    expect(bench.broadcasts()).toEqual(['accuse']);
    bench.pass(config.flapHoldMs + config.confirmMs + config.accuseSpreadMs);
    expect(bench.broadcasts().filter((kind) => kind === 'accuse')).toHaveLength(1);
  });

  it('is told of its suspicion when it comes back as a neighbour', () => {
    const bench = flapped();
    bench.accuse('a', 'd', 2);
    bench.sent();
    bench.command({ kind: 'neighborUp', peer: infoOf('d', 2) });
    const records = bench.sent().flatMap((message) => (message.kind === 'directoryRecords' ? message.records : []));
    expect(records).toMatchObject([{ info: infoOf('d', 2), state: 'dead' }]);

    const accused = new Bench();
    accused.records('a', ...records.map((record) => ({ ...record, info: infoOf('me', 100) })));
    expect(accused.core.self.incarnation).toBe(101);
  });

  it('is forgiven with time, and a restart is no flap', () => {
    const calm = flapped();
    for (let n = 0; n < 60; n++) {
      for (const id of ['a', 'b', 'c']) calm.announce(id);
      calm.announce('d', 2);
      calm.pass((2 * config.flapHalfLifeMs) / 60);
    }
    const restarted = settled();
    restarted.accuse('a', 'd');
    restarted.accuse('b', 'd');
    restarted.pass(config.confirmMs + 100);
    restarted.announce('d', 2_000_000);
    for (const [bench, incarnation] of [
      [calm, 2],
      [restarted, 2_000_000],
    ] as const) {
      bench.events();
      bench.accuse('a', 'd', incarnation);
      bench.accuse('b', 'd', incarnation);
      bench.pass(config.confirmMs + 100);
      expect(bench.downs()).toEqual(['d dead']);
    }
  });

  it('waits longer the more often it did, up to a bound', () => {
    const holds = [1, 2, 3, 4, 5, 6, 7].map((times) => flapHoldMs(config, { penalty: times, at: 0 }, 0));
    expect(holds).toEqual([1, 2, 3, 4, 5, 5, 5].map((times) => times * config.flapHoldMs));
    expect(Math.max(...holds)).toBe(config.flapHoldMaxMs);
  });
});

describe('repair', () => {
  it('agreement costs one digest of one hash', () => {
    const bench = settled();
    const same = settled();
    bench.command({ kind: 'neighborUp', peer: infoOf('z') });
    same.command({ kind: 'neighborUp', peer: infoOf('z') });
    const [digest] = bench.sent();
    expect(digest).toMatchObject({ kind: 'directoryDigest', hashes: [expect.any(Number)] });
    same.sent();
    same.message('z', digest as DirectoryMessage);
    expect(same.sent()).toEqual([]);
  });

  it('only the lower id opens it when a link comes up', () => {
    const bench = settled();
    bench.command({ kind: 'neighborUp', peer: infoOf('aa') });
    expect(bench.sent()).toEqual([]);
  });

  it('answers a difference with a finer digest when it keeps finer buckets', () => {
    const bench = new Bench();
    for (let n = 0; n < 100; n++) bench.announce(`p${n}`);
    bench.message('z', { kind: 'directoryDigest', hashes: [1], versions: false });
    const [answer] = bench.sent();
    expect(answer?.kind === 'directoryDigest' && answer.hashes.length).toBe(8);
  });

  it('sends pages of whole buckets, the next one after each reply', () => {
    const bench = new Bench({ pageRecordsMax: 32 });
    for (let n = 0; n < 100; n++) bench.announce(`p${n}`);
    bench.command({ kind: 'neighborUp', peer: infoOf('a') });
    bench.sent();
    bench.message('a', { kind: 'directoryDigest', hashes: Array<number>(16).fill(1), versions: false });
    let records = 0;
    for (let pages = 1; ; pages++) {
      const [page] = bench.sent();
      if (page === undefined) {
        expect(pages).toBeGreaterThan(3);
        break;
      }
      if (page.kind !== 'directoryRecords') throw new Error('no page');
      expect(page.records.length).toBeLessThanOrEqual(32);
      expect(page.reply).toBe(true);
      // This peer's own record never expires here, but a message must be able to carry its life.
      expect(page.records.every(({ ttlMs }) => Number.isFinite(ttlMs))).toBe(true);
      records += page.records.length;
      bench.message('a', { ...page, records: [], reply: false });
    }
    expect(records).toBe(102);
  });

  it('hands a record on with the life it has left, and takes none that is about to end', () => {
    const bench = new Bench();
    bench.announce('a', 1, 60_000);
    bench.now = 100_000;
    bench.message('z', { kind: 'directoryDigest', hashes: [1], versions: false });
    const [page] = bench.sent();
    const record = page?.kind === 'directoryRecords' ? page.records.find(({ info }) => info.id === 'a') : undefined;
    expect(record?.ttlMs).toBe(80_000);

    const dying = { info: infoOf('b'), state: 'up', ttlMs: config.recordTtlMinMs - 1 } as const;
    bench.message('z', { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records: [dying], reply: false });
    expect(bench.core.get('b')).toBeUndefined();
  });

  it('hands its own record on with three refreshes of life, though it never expires at home', () => {
    const bench = new Bench();
    bench.pass(1_000_000);
    bench.message('z', { kind: 'directoryDigest', hashes: [1], versions: false });
    const [page] = bench.sent();
    const records = page?.kind === 'directoryRecords' ? page.records : [];
    expect(records.map(({ ttlMs }) => ttlMs)).toEqual([3 * config.refreshMinMs]);
  });

  it('a report of death is checked before it is believed', () => {
    const dead = { info: infoOf('d'), state: 'dead', ttlMs: 99_999 } as const;
    const page = { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records: [dead], reply: false } as const;
    const bench = settled();
    bench.message('a', page);
    expect(bench.core.get('d')).toBeDefined();
    bench.pass(config.accuseSpreadMs);
    expect(bench.broadcasts()).toEqual(['accuse']);
    bench.pass(config.confirmMs + 100);
    expect(bench.downs()).toEqual(['d dead']);

    const refuted = settled();
    refuted.message('a', page);
    refuted.announce('d', 2);
    refuted.pass(10_000);
    expect(refuted.downs()).toEqual([]);
  });

  it('a report of death that cannot be checked changes nothing', () => {
    const dead = { info: infoOf('d'), state: 'dead', ttlMs: 99_999 } as const;
    const bench = settled({ accusationsMax: 0 });
    bench.records('a', dead);
    bench.pass(10_000);
    expect(bench.core.accusations.dropped).toBe(1);
    expect(bench.downs()).toEqual([]);
    expect(bench.core.get('d')).toBeDefined();
  });

  it('a report of death is checked by an accusation that was planned already, unless it is of a past life', () => {
    const planned = settled({ accusationsMax: 1 });
    planned.command({ kind: 'neighborDown', peer: infoOf('d'), failed: true });
    planned.records('a', { info: infoOf('d'), state: 'dead', ttlMs: 99_999 });
    planned.pass(config.accuseSpreadMs);
    expect(planned.broadcasts()).toEqual(['accuse']);
    planned.pass(config.confirmMs + 100);
    expect(planned.downs()).toEqual(['d dead']);

    const past = settled();
    past.command({ kind: 'neighborDown', peer: infoOf('d'), failed: true });
    past.announce('d', 2);
    past.records('a', { info: infoOf('d', 2), state: 'dead', ttlMs: 99_999 });
    past.pass(config.accuseSpreadMs);
    expect(past.events()).toContainEqual({
      kind: 'broadcast',
      message: { kind: 'accuse', id: 'd', incarnation: 2, accuser: 'me' },
    });
  });

  it('a report that a later life is dead is checked as well', () => {
    const dead = { info: infoOf('d', 7), state: 'dead', ttlMs: 9_999_999 } as const;
    const bench = settled();
    bench.records('a', dead);
    expect(bench.core.get('d')?.incarnation).toBe(7);
    bench.pass(config.accuseSpreadMs);
    const events = bench.events();
    expect(events.filter(({ kind }) => kind === 'memberDown')).toEqual([]);
    expect(events).toContainEqual({
      kind: 'broadcast',
      message: { kind: 'accuse', id: 'd', incarnation: 7, accuser: 'me' },
    });
    bench.pass(config.confirmMs + 100);
    expect(bench.downs()).toEqual(['d dead']);

    // A report of death is no promise to live on: nobody asked, the record ends when it would have.
    const unasked = settled({ accusationsMax: 0 });
    unasked.records('a', dead);
    unasked.pass(3 * 60_000 + 1.1 * config.digestIntervalMs);
    expect(unasked.downs()).toContain('d expired');
  });

  it('refutes its own death when it reads of it', () => {
    const dead = { info: infoOf('me', 100), state: 'dead', ttlMs: 99_999 } as const;
    const bench = settled();
    bench.message('a', { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records: [dead], reply: true });
    expect(bench.core.self.incarnation).toBe(101);
  });

  it('compares again with who differed while there were enough repairs, when one of them is over', () => {
    const bench = settled({ repairsMax: 1 });
    const differs = { kind: 'directoryDigest', hashes: [1], versions: false } as const;
    for (const id of ['b', 'c']) bench.command({ kind: 'neighborUp', peer: infoOf(id) });
    for (const id of ['a', 'b', 'b', 'c']) bench.message(id, differs);
    bench.command({ kind: 'neighborDown', peer: infoOf('c'), failed: false });
    bench.effects();
    bench.pass(config.repairTimeoutMs - 1);
    expect(bench.effects()).toEqual([]);
    bench.pass(1);
    expect(bench.effects()).toEqual(['send b directoryDigest']);
  });

  it('gives up on a neighbour that falls silent', () => {
    const bench = settled();
    bench.message('a', { kind: 'directoryDigest', hashes: [1], versions: false });
    bench.pass(config.repairTimeoutMs);
    expect(bench.core.repairStats).toMatchObject({ repairs: 1, timeouts: 1 });
  });
});

describe('bounds and reading', () => {
  it('at the bound newcomers are refused and counted, and the size is an estimate', () => {
    const bench = new Bench({ membersMax: 100, estimateSampleMax: 256 });
    for (let n = 0; n < 10_000; n++) bench.announce(`p${n}`);
    expect(bench.core.upIds()).toHaveLength(100);
    expect(bench.core.stats.newcomersRefused).toBe(9_901);
    expect(bench.core.isExact).toBe(false);
    expect(bench.core.size).toBeGreaterThan(8_000);
    expect(bench.core.size).toBeLessThan(12_000);
  });

  it('a full directory compares with nobody: two samples always differ', () => {
    const bench = new Bench({ membersMax: 2 });
    bench.announce('a');
    bench.command({ kind: 'neighborUp', peer: infoOf('z') });
    bench.message('z', { kind: 'directoryDigest', hashes: [1], versions: false });
    expect(bench.sent()).toEqual([]);
  });

  it('is exact again well below the bound', () => {
    const bench = new Bench({ membersMax: 20 });
    for (let n = 0; n < 30; n++) bench.announce(`p${n}`, 1, 60_000);
    bench.pass(240_000);
    expect(bench.core.isExact).toBe(true);
    expect(bench.core.size).toBe(1);
  });

  it('pages through the mesh in the order of ids, itself included, while it changes', () => {
    const bench = new Bench();
    for (const id of ['p', 'b', 'x']) bench.announce(id);
    expect(bench.core.page('', 2).map(({ id }) => id)).toEqual(['b', 'me']);
    bench.announce('n');
    bench.leave('b');
    expect(bench.core.page('me', 2).map(({ id }) => id)).toEqual(['n', 'p']);
    expect(bench.core.page('p', 9).map(({ id }) => id)).toEqual(['x']);
    expect(bench.core.page('x', 9)).toEqual([]);
  });
});
