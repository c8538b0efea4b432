import { describe, expect, test } from 'vitest';
import { admitAll } from './admission.ts';
import { Bench, emitted, type HyParViewEffect, info, sent } from './bench.test-support.ts';
import { defaultHyParViewConfig } from './config.ts';
import type { HyParViewMessage } from './messages.ts';

const small = { activeCapacity: 3, highPrioritySlots: 0, attemptsMax: 8 };
const accepted: HyParViewMessage = { kind: 'neighborReply', accepted: true, dropped: null };
const refused: HyParViewMessage = { kind: 'neighborReply', accepted: false, dropped: null };

function join(id: string, incarnation = 1): HyParViewMessage {
  return { kind: 'join', sender: info(id, { incarnation }) };
}

function neighbor(id: string, priority: 'high' | 'low' | 'near', dropping: string | null = null): HyParViewMessage {
  return { kind: 'neighbor', sender: info(id), priority, dropping: dropping === null ? null : info(dropping) };
}

function disconnect(reason: 'leave' | 'evicted' | 'swapped', alternative: string | null = null): HyParViewMessage {
  return { kind: 'disconnect', reason, alternative: alternative === null ? null : info(alternative) };
}

function shuffle(origin: string, ttl: number, ...sample: string[]): HyParViewMessage {
  return { kind: 'shuffle', origin: info(origin), ttl, sample: sample.map((id) => info(id)) };
}

describe('join (TR-07-13 §4.2)', () => {
  test('a peer with a contact dials it and sends join', () => {
    const bench = new Bench();
    expect(bench.contacts('a')).toEqual([
      { kind: 'open', peer: info('a') },
      { kind: 'send', to: 'a', message: join('self') },
    ]);
    expect(bench.active()).toEqual([]);
    expect(bench.hear('a', accepted)).toContainEqual({ kind: 'emit', event: { kind: 'neighborUp', peer: info('a') } });
    expect(bench.active()).toEqual(['a']);
  });

  test('of many contacts two are joined, the rest are spares', () => {
    const bench = new Bench();
    expect(sent(bench.contacts('a', 'b', 'c', 'd', 'self'), 'join')).toHaveLength(2);
    expect(bench.passive()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('the contact accepts, and tells all its other neighbours with a walk of ARWL hops', () => {
    const bench = new Bench(small).neighbors('a', 'b');
    const effects = bench.hear('new', join('new'));
    expect(sent(effects, 'neighborReply')).toEqual([{ to: 'new', message: accepted }]);
    expect(sent(effects, 'forwardJoin').map(({ to, message }) => [to, message.joiner.id, message.ttl])).toEqual([
      ['a', 'new', 6],
      ['b', 'new', 6],
    ]);
  });

  test('"must drop an element if the view is full"; the dropped one is sent to the newcomer, which has room', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const effects = bench.hear('new', join('new'));
    const [evicted] = sent(effects, 'disconnect');
    expect(evicted?.message).toEqual({ kind: 'disconnect', reason: 'evicted', alternative: info('new') });
    expect(bench.active()).toHaveLength(3);
    expect(bench.active()).toContain('new');
    expect(bench.passive()).toEqual([evicted?.to]);
  });

  test('a join may take a high priority place before anybody is evicted', () => {
    const bench = new Bench({ ...small, highPrioritySlots: 1 }).neighbors('a', 'b', 'c');
    expect(sent(bench.hear('d', join('d')), 'disconnect')).toEqual([]);
    expect(bench.active()).toEqual(['a', 'b', 'c', 'd']);
    expect(sent(bench.hear('e', join('e')), 'disconnect')).toHaveLength(1);
  });

  test('a duplicate join is answered again and walks no second time', () => {
    const bench = new Bench().neighbors('a');
    bench.hear('new', join('new'));
    expect(bench.hear('new', join('new'))).toEqual([{ kind: 'send', to: 'new', message: accepted }]);
  });

  test('two peers that join each other become neighbours once', () => {
    const bench = new Bench();
    bench.contacts('a');
    expect(emitted(bench.hear('a', join('a')))).toEqual([{ kind: 'neighborUp', peer: info('a') }]);
    expect(bench.hear('a', accepted)).toEqual([]);
    expect(bench.active()).toEqual(['a']);
  });

  test('the same peer in a new life ends the old link life; an older life is refused', () => {
    const bench = new Bench();
    bench.hear('a', join('a', 5));
    expect(emitted(bench.hear('a', join('a', 6))).map(({ kind }) => kind)).toEqual(['neighborDown', 'neighborUp']);
    expect(sent(bench.hear('a', join('a', 4)), 'neighborReply')).toEqual([{ to: 'a', message: refused }]);
    expect(bench.core.activeView()[0]?.incarnation).toBe(6);
  });

  test('the next contact is tried when a link is lost while joining', () => {
    const bench = new Bench({ attemptsIsolated: 1 });
    const [first] = sent(bench.contacts('a', 'b'), 'join');
    const effects = bench.feed({ kind: 'linkDown', peer: first?.to ?? '', reason: 'lost' });
    expect(sent(effects, 'join').map(({ to }) => to)).toEqual([first?.to === 'a' ? 'b' : 'a']);
  });
});

describe('forwardJoin (TR-07-13 §4.2)', () => {
  const walk = (ttl: number): HyParViewMessage => ({ kind: 'forwardJoin', joiner: info('new'), ttl });

  test.each([
    ['ttl is 0', 0, ['a', 'b']],
    ['there is no other neighbour', 5, ['a']],
  ])('when %s the walk ends in a request to the newcomer', (_, ttl, neighbors) => {
    const bench = new Bench().neighbors(...neighbors);
    expect(bench.hear('a', walk(ttl))).toEqual([
      { kind: 'open', peer: info('new') },
      { kind: 'send', to: 'new', message: neighbor('self', 'low') },
    ]);
  });

  test('else it goes on to a random neighbour that is not its sender', () => {
    const bench = new Bench().neighbors('a', 'b');
    expect(bench.hear('a', walk(5))).toEqual([{ kind: 'send', to: 'b', message: walk(4) }]);
    expect(bench.passive()).toEqual([]);
  });

  test('with PRWL hops to go the newcomer enters the passive view', () => {
    const bench = new Bench().neighbors('a', 'b');
    bench.hear('a', walk(3));
    expect(bench.passive()).toEqual(['new']);
  });

  test('its end makes room when the newcomer accepts, and only then', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    expect(sent(bench.hear('a', walk(0)), 'disconnect')).toEqual([]);
    expect(sent(bench.hear('new', accepted), 'disconnect')).toHaveLength(1);
    expect(bench.active()).toContain('new');
  });

  test('no neighbour can make it walk longer than we would', () => {
    const bench = new Bench().neighbors('a', 'b');
    expect(sent(bench.hear('a', walk(1_000_000)), 'forwardJoin')[0]?.message.ttl).toBe(5);
  });

  test('about itself it does nothing', () => {
    const bench = new Bench().neighbors('a', 'b');
    expect(bench.hear('a', { kind: 'forwardJoin', joiner: info('self'), ttl: 0 })).toEqual([]);
  });
});

describe('neighbor (TR-07-13 §4.3)', () => {
  test('high priority is always accepted, "even if it has to drop a random member"', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const effects = bench.hear('d', neighbor('d', 'high'));
    expect(sent(effects, 'disconnect')).toHaveLength(1);
    expect(bench.active()).toContain('d');
  });

  test('low priority is accepted only with a free place', () => {
    const bench = new Bench(small).neighbors('a', 'b');
    expect(sent(bench.hear('c', neighbor('c', 'low')), 'neighborReply')).toEqual([{ to: 'c', message: accepted }]);
    expect(bench.hear('d', neighbor('d', 'low'))).toEqual([
      { kind: 'send', to: 'd', message: refused },
      { kind: 'close', peer: 'd' },
    ]);
  });

  test('a place whose link is down never refuses anybody', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' });
    expect(sent(bench.hear('d', neighbor('d', 'low')), 'neighborReply')).toEqual([{ to: 'd', message: accepted }]);
  });

  test('two peers that ask each other at once accept each other', () => {
    const bench = new Bench(small).neighbors('a');
    bench.contacts('b');
    const effects = bench.hear('b', neighbor('b', 'low'));
    expect(sent(effects, 'neighborReply')).toEqual([{ to: 'b', message: accepted }]);
    expect(bench.hear('b', accepted)).toEqual([]);
    expect(bench.active()).toEqual(['a', 'b']);
  });

  test('an acceptance that nobody waits for is answered with disconnect: no one-sided links', () => {
    const bench = new Bench();
    expect(bench.hear('late', accepted)).toEqual([
      { kind: 'send', to: 'late', message: disconnect('evicted') },
      { kind: 'close', peer: 'late' },
    ]);
  });

  test('whom the policy does not admit is neither accepted nor asked', () => {
    const policy = { admit: (peer: { id: string }) => peer.id !== 'evil', remember: () => true };
    const bench = new Bench({}, { policy });
    expect(sent(bench.hear('evil', join('evil')), 'neighborReply')).toEqual([{ to: 'evil', message: refused }]);
    expect(sent(bench.hear('evil', neighbor('evil', 'high')), 'neighborReply')).toEqual([
      { to: 'evil', message: refused },
    ]);
    expect(bench.contacts('evil').filter(({ kind }) => kind === 'open')).toEqual([]);
  });
});

describe('repair (TR-07-13 §4.3)', () => {
  const spares = ['s1', 's2', 's3', 's4', 's5'];

  /** Three neighbours, all places taken, and spares. */
  function full(): Bench {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    bench.contacts(...spares);
    return bench;
  }

  test('a lost link is replaced at once from the passive view, two spares at a time', () => {
    const bench = full();
    const effects = bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' });
    expect(emitted(effects)).toEqual([{ kind: 'neighborDown', peer: info('a'), reason: 'failed' }]);
    const asked = sent(effects, 'neighbor');
    expect(asked.map(({ message }) => message.priority)).toEqual(['low', 'low']);
    expect(bench.passive()).not.toContain('a');
  });

  test('"high priority if it has no element in its active view"', () => {
    const bench = new Bench(small).neighbors('a');
    const effects = bench.hear('a', disconnect('evicted', 'b'));
    expect(sent(effects, 'neighbor').map(({ message }) => message.priority)).toContain('high');
  });

  test('a spare that cannot be reached is forgotten, one that refuses is kept; both are followed by the next', () => {
    const bench = full();
    const [first, second] = sent(bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' }), 'neighbor');
    const third = sent(bench.feed({ kind: 'linkDown', peer: first?.to ?? '', reason: 'refused' }), 'neighbor');
    expect(third).toHaveLength(1);
    expect(bench.passive()).not.toContain(first?.to);
    expect(sent(bench.hear(second?.to ?? '', refused), 'neighbor')).toHaveLength(1);
    expect(bench.passive()).toContain(second?.to);
  });

  test('a spare that does not answer in time is forgotten too, and its late acceptance is taken back', () => {
    const bench = full();
    const [first] = sent(bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' }), 'neighbor');
    const silent = first?.to ?? '';
    bench.runTo(defaultHyParViewConfig.attemptTimeoutMs);
    expect(bench.passive()).not.toContain(silent);
    expect(sent(bench.hear(silent, accepted), 'disconnect')).toEqual([{ to: silent, message: disconnect('evicted') }]);
  });

  test('beside one that is slow to answer another is asked, and it may still say yes', () => {
    const bench = full();
    const asked = sent(bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' }), 'neighbor').map(({ to }) => to);
    const { attemptPatienceMs } = defaultHyParViewConfig;
    expect(sent(bench.runTo(attemptPatienceMs - 1), 'neighbor')).toEqual([]);
    const others = sent(bench.runTo(attemptPatienceMs), 'neighbor').map(({ to }) => to);
    expect(others).toHaveLength(2);
    for (const slow of asked) expect(others).not.toContain(slow);
    expect(sent(bench.hear(asked[0] ?? '', accepted), 'disconnect')).toEqual([]);
    expect(bench.active()).toContain(asked[0]);
    expect(sent(bench.hear(others[0] ?? '', accepted), 'disconnect')).toHaveLength(1);
  });

  test('of two that accept, one has come too late', () => {
    const bench = full();
    const [first, second] = sent(bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' }), 'neighbor');
    bench.hear(first?.to ?? '', accepted);
    expect(sent(bench.hear(second?.to ?? '', accepted), 'disconnect')).toHaveLength(1);
    expect(bench.active()).toHaveLength(3);
  });

  test('a suspect is dropped like a lost link, and told', () => {
    const bench = full();
    const effects = bench.command({ kind: 'suspect', peer: 'a' });
    expect(sent(effects, 'disconnect')).toEqual([{ to: 'a', message: disconnect('evicted') }]);
    expect(effects).toContainEqual({ kind: 'close', peer: 'a' });
    expect(emitted(effects)).toEqual([{ kind: 'neighborDown', peer: info('a'), reason: 'suspected' }]);
    expect(sent(effects, 'neighbor').length).toBeGreaterThan(0);
  });

  describe('after a crash of many', () => {
    const six = { activeCapacity: 6, highPrioritySlots: 0 };

    /** Six neighbours, all places taken, and spares; `lost` of the neighbours go, a millisecond apart. */
    function crashed(lost: number): { readonly bench: Bench; readonly asked: string[] } {
      const bench = new Bench(six).neighbors('a', 'b', 'c', 'd', 'e', 'f');
      bench.contacts('s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9');
      const asked: string[] = [];
      for (const peer of ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, lost)) {
        bench.now++;
        asked.push(...asks(bench.feed({ kind: 'linkDown', peer, reason: 'lost' })));
      }
      return { bench, asked };
    }

    const asks = (effects: readonly HyParViewEffect[]) => sent(effects, 'neighbor').map(({ to }) => to);

    test('who has half of its links left yields to those who have fewer, for a while', () => {
      const { bench, asked } = crashed(3);
      // Those that were asked for the first loss.
      expect(asked).toHaveLength(2);
      for (const peer of asked) expect(asks(bench.hear(peer, refused))).toEqual([]);
      const { yieldMs } = defaultHyParViewConfig;
      const until = bench.core.nextDeadline();
      expect(until).toBeLessThanOrEqual(yieldMs + 2);
      expect(asks(bench.runTo(until))).toHaveLength(4);
    });

    test('who has fewer asks at once', () => {
      const { asked } = crashed(4);
      expect(asked).toHaveLength(5);
    });

    test('the next one that is lost long after is replaced at once again', () => {
      const { bench, asked } = crashed(1);
      for (const peer of asked) bench.hear(peer, accepted);
      bench.runTo(2_000);
      expect(asks(bench.feed({ kind: 'linkDown', peer: 'b', reason: 'lost' })).length).toBeGreaterThan(0);
    });
  });

  test('who is said to be dead is asked last, but asked', () => {
    const isDoubted = (peer: string) => peer !== 's5';
    const bench = new Bench(small, { policy: { ...admitAll, isDoubted } }).neighbors('a', 'b', 'c');
    bench.contacts(...spares);
    const [first, second] = sent(bench.feed({ kind: 'linkDown', peer: 'a', reason: 'lost' }), 'neighbor');
    expect(first?.to).toBe('s5');
    expect(second?.to).toMatch(/s[1-4]/);
  });

  test('whoever refused is asked again, ever more rarely', () => {
    const bench = new Bench(small).neighbors('a', 'b');
    bench.hear('a', shuffle('s', 1));
    const askedAt: number[] = [];
    bench.hear('s', refused);
    for (let turn = 0; turn < 1_000 && askedAt.length < 5; turn++) {
      bench.now = bench.core.nextDeadline();
      if (sent(bench.feed({ kind: 'tick' }), 'neighbor').length === 0) continue;
      askedAt.push(bench.now);
      bench.hear('s', refused);
    }
    expect(askedAt).toEqual([1_000, 3_000, 7_000, 15_000, 31_000]);
  });
});

describe('isolation', () => {
  test('it asks for contacts again and again, ever more rarely, for ever', () => {
    const bench = new Bench();
    const at: number[] = [];
    for (let i = 0; i < 8; i++) {
      bench.now = bench.core.nextDeadline();
      if (emitted(bench.feed({ kind: 'tick' })).length > 0) at.push(bench.now);
    }
    expect(at).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 25_500, 35_500]);
  });

  test('spares are kept though none answers, since the fault may be its own, and are tried in every round', () => {
    const bench = new Bench({ attemptsIsolated: 8 });
    bench.feed({ kind: 'tick' });
    bench.contacts('a', 'b', 'c');
    for (let round = 0; round < 5; round++) {
      for (const id of ['a', 'b', 'c']) bench.feed({ kind: 'linkDown', peer: id, reason: 'refused' });
      expect(bench.passive()).toEqual(['a', 'b', 'c']);
      bench.now = bench.core.nextDeadline();
      expect(
        sent(bench.feed({ kind: 'tick' }), 'neighbor')
          .map(({ to }) => to)
          .sort(),
      ).toEqual(['a', 'b', 'c']);
    }
  });
});

describe('disconnect', () => {
  test('"moves the sender to its passive view", and tries the alternative first', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const effects = bench.hear('a', disconnect('evicted', 'd'));
    expect(emitted(effects)).toEqual([{ kind: 'neighborDown', peer: info('a'), reason: 'evicted' }]);
    expect(sent(effects, 'neighbor')).toEqual([{ to: 'd', message: neighbor('self', 'low') }]);
    expect(bench.passive()).toEqual(['a', 'd']);
  });

  test('about an earlier link it does not end a request that is on its way', () => {
    const bench = new Bench(small).neighbors('a');
    bench.contacts('b');
    bench.hear('b', disconnect('evicted'));
    bench.hear('b', accepted);
    expect(bench.active()).toEqual(['a', 'b']);
  });

  test('a stranger who relays takes us for a neighbour: it is heard, and told', () => {
    const bench = new Bench().neighbors('a', 'b');
    const effects = bench.hear('stranger', shuffle('x', 3));
    expect(sent(effects, 'disconnect')).toEqual([{ to: 'stranger', message: disconnect('evicted') }]);
    expect(sent(effects, 'shuffle')).toHaveLength(1);
  });
});

describe('leave', () => {
  test('it says good-bye to all, shows them pairwise to each other, and takes no further part', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const effects = bench.command({ kind: 'leave' });
    const said = sent(effects, 'disconnect');
    expect(said.map(({ message }) => message.reason)).toEqual(['leave', 'leave', 'leave']);
    expect(said[0]?.message.alternative?.id).toBe(said[1]?.to);
    expect(said[1]?.message.alternative?.id).toBe(said[0]?.to);
    expect(said[2]?.message.alternative).toBeNull();
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    expect(sent(bench.hear('d', join('d')), 'neighborReply')).toEqual([{ to: 'd', message: refused }]);
    expect(bench.contacts('d')).toEqual([]);
  });

  test('nobody brings a leaver back, until it lives again', () => {
    const bench = new Bench().neighbors('a', 'b');
    bench.hear('a', disconnect('leave'));
    expect(bench.active()).toEqual(['b']);
    bench.contacts('a');
    bench.hear('b', shuffle('b', 1, 'a'));
    bench.hear('b', { kind: 'forwardJoin', joiner: info('a'), ttl: 0 });
    expect(bench.passive()).toEqual([]);
    expect(sent(bench.hear('a', join('a')), 'neighborReply')).toEqual([{ to: 'a', message: refused }]);
    expect(sent(bench.hear('a', join('a', 2)), 'neighborReply')).toEqual([{ to: 'a', message: accepted }]);
  });

  test('leavers are remembered up to a bound in number and time', () => {
    const bench = new Bench({ tombstonesMax: 2, tombstoneExpiryMs: 1_000 }).neighbors('a', 'b', 'c', 'd');
    for (const id of ['a', 'b', 'c']) bench.hear(id, disconnect('leave'));
    bench.contacts('a', 'b', 'c');
    expect(bench.passive()).toEqual(['a']);
    bench.now = 1_000;
    bench.contacts('b', 'c');
    expect(bench.passive()).toEqual(['a', 'b', 'c']);
  });
});

describe('shuffle (TR-07-13 §4.4)', () => {
  test('fast while the overlay is young, then slowly', () => {
    const bench = new Bench({ passiveCapacity: 2, rankedPlaces: false }).neighbors('a', 'b', 'c', 'd', 'e', 'f', 'g');
    bench.hear('a', shuffle('a', 1, 's1', 's2'));
    expect(sent(bench.runTo(60_000), 'shuffle')).toHaveLength(60);
    expect(sent(bench.runTo(960_000), 'shuffle')).toHaveLength(10);
  });

  test('in a young overlay that fits into the view, each in vain after the third doubles the pause, up to eight times', () => {
    const bench = new Bench().neighbors('a', 'b', 'c', 'd', 'e', 'f', 'g');
    expect(sent(bench.runTo(5_500), 'shuffle')).toHaveLength(5);
    expect(sent(bench.runTo(36_000), 'shuffle')).toHaveLength(5);
    // A walk that ends here names somebody new: there may be more of them.
    bench.hear('a', shuffle('a', 1, 'new'));
    expect(sent(bench.runTo(41_500), 'shuffle')).toHaveLength(5);
  });

  test('… and none while samples name somebody new', () => {
    const bench = new Bench().neighbors('a', 'b', 'c', 'd', 'e', 'f', 'g');
    for (let second = 1; second <= 20; second++) {
      expect(sent(bench.runTo(second * 1_000 + 500), 'shuffle')).toHaveLength(1);
      bench.hear('a', shuffle('a', 1, `new${second}`));
    }
  });

  test('it carries itself, k_a neighbours and k_p spares, and never its receiver', () => {
    const bench = new Bench().neighbors('a', 'b', 'c', 'd', 'e', 'f', 'g');
    bench.contacts('s1', 's2', 's3', 's4', 's5', 's6');
    const [first] = sent(bench.runTo(1_000), 'shuffle');
    expect(first?.message).toMatchObject({ origin: { id: 'self' }, ttl: 6 });
    const ids = first?.message.sample.map(({ id }) => id) ?? [];
    expect(ids.filter((id) => id.startsWith('s'))).toHaveLength(4);
    expect(ids.filter((id) => !id.startsWith('s'))).toHaveLength(3);
    expect(ids).not.toContain(first?.to);
  });

  test('it walks on while it has hops and there is another neighbour', () => {
    const bench = new Bench().neighbors('a', 'b');
    expect(bench.hear('a', shuffle('x', 3, 'y'))).toEqual([{ kind: 'send', to: 'b', message: shuffle('x', 2, 'y') }]);
  });

  test('its last peer takes the sample and answers the origin over a link of its own', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    bench.contacts('s1');
    const effects = bench.hear('a', shuffle('x', 1, 'y', 'self', 'b'));
    expect(effects).toEqual([
      { kind: 'open', peer: info('x') },
      { kind: 'send', to: 'x', message: { kind: 'shuffleReply', sample: [info('s1')] } },
      { kind: 'close', peer: 'x' },
    ]);
    expect(bench.passive()).toEqual(['s1', 'x', 'y']);
  });

  test('"may have to remove elements: first those it sent to the peer", then random ones', () => {
    const bench = new Bench({ ...small, passiveCapacity: 6 }).neighbors('a', 'b', 'c');
    const spares = ['s1', 's2', 's3', 's4', 's5', 's6'];
    bench.contacts(...spares);
    const effects = bench.hear('a', shuffle('a', 1, 'new1', 'new2'));
    const given = sent(effects, 'shuffleReply')[0]?.message.sample.map(({ id }) => id) ?? [];
    expect(given).toHaveLength(3);
    const kept = spares.filter((id) => bench.passive().includes(id));
    expect(bench.passive()).toEqual(['new1', 'new2', ...kept]);
    expect(kept).toHaveLength(4);
    for (const id of spares) if (!kept.includes(id)) expect(given).toContain(id);
  });

  test('a reply is taken once, and only for a shuffle of ours', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const reply = (...ids: string[]): HyParViewMessage => ({ kind: 'shuffleReply', sample: ids.map((id) => info(id)) });
    bench.hear('x', reply('poison'));
    expect(bench.passive()).toEqual([]);
    bench.runTo(1_000);
    bench.hear('x', reply('y'));
    bench.hear('x', reply('poison'));
    expect(bench.passive()).toEqual(['y']);
  });

  test('hearsay about a neighbour changes nothing, about a spare only when newer', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const heard = (id: string, incarnation: number): HyParViewMessage => ({
      kind: 'shuffle',
      origin: info('a'),
      ttl: 1,
      sample: [info(id, { incarnation })],
    });
    bench.hear('a', heard('b', 9));
    expect(bench.core.activeView().find(({ id }) => id === 'b')?.incarnation).toBe(1);
    for (const incarnation of [5, 4, 7]) bench.hear('a', heard('s', incarnation));
    expect(bench.core.passiveView()[0]?.incarnation).toBe(7);
  });
});

describe('islands', () => {
  test('a contact in neither view is bridged to, with high priority and a link to give', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    bench.runTo(10_000);
    bench.contacts('x');
    const [asked] = sent(bench.feed({ kind: 'tick' }), 'neighbor');
    expect(asked).toMatchObject({ to: 'x', message: { priority: 'high' } });
    const dropping = asked?.message.dropping;
    const effects = bench.hear('x', { kind: 'neighborReply', accepted: true, dropped: info('y') });
    expect(sent(effects, 'disconnect')).toEqual([{ to: dropping?.id, message: disconnect('swapped', 'y') }]);
    expect(bench.core.stats.bridged).toBe(1);
  });

  test('the asked peer gives up a link too, and the two losers are shown to each other', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    const effects = bench.hear('x', neighbor('x', 'high', 'y'));
    const [lost] = sent(effects, 'disconnect');
    expect(lost?.message.alternative?.id).toBe('y');
    expect(sent(effects, 'neighborReply')[0]?.message.dropped?.id).toBe(lost?.to);
  });

  test('a contact heard of through the mesh meanwhile is on this island: no bridge', () => {
    const bench = new Bench(small).neighbors('a', 'b', 'c');
    bench.contacts('x');
    bench.hear('a', shuffle('x', 3));
    expect(sent(bench.runTo(60_000), 'neighbor')).toEqual([]);
  });

  test('a contact that may be on this island is tried rarely', () => {
    const bench = new Bench({ ...small, passiveCapacity: 4 }).neighbors('a', 'b', 'c');
    bench.runTo(10_000);
    let asked = 0;
    for (let i = 0; i < 120; i++) {
      bench.contacts(`x${i}`, `y${i}`);
      for (const until = bench.now + 10_000; bench.core.nextDeadline() < until; ) {
        for (const { to } of sent(bench.runTo(bench.core.nextDeadline()), 'neighbor')) {
          asked++;
          bench.hear(to, refused);
        }
      }
    }
    // Twenty minutes: two while the passive view still had room, then one in ten minutes.
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThanOrEqual(6);
  });

  test('a lost neighbour is tried again, ever more rarely, until it is heard of through the mesh', () => {
    const bench = new Bench({ ...small, activeCapacity: 2 }).neighbors('a', 'b', 'c');
    const lost = bench.active()[0] ?? '';
    bench.feed({ kind: 'linkDown', peer: lost, reason: 'lost' });
    const at: number[] = [];
    for (let turn = 0; turn < 1_000 && at.length < 4; turn++) {
      bench.now = bench.core.nextDeadline();
      for (const { to, message } of sent(bench.feed({ kind: 'tick' }), 'neighbor')) {
        if (to === lost && message.priority === 'high') at.push(bench.now);
        bench.feed({ kind: 'linkDown', peer: to, reason: 'refused' });
      }
    }
    expect(at).toEqual([5_000, 15_000, 35_000, 75_000]);
    bench.hear(bench.active()[0] ?? '', shuffle(lost, 1));
    bench.hear(lost, refused);
    const later = sent(bench.runTo(bench.now + 600_000), 'neighbor');
    expect(later.filter(({ message }) => message.priority === 'high')).toEqual([]);
  });
});

describe('near links (X-BOT §III)', () => {
  const self = info('self', { zone: 'z1' });
  const near = info('near', { zone: 'z1' });
  const far = (id: string) => info(id, { zone: 'z2' });

  function inZones(...zones: string[]): Bench {
    const bench = new Bench(small, { self });
    for (const [i, zone] of zones.entries()) {
      const sender = info(`n${i}`, { zone });
      bench.hear(sender.id, { kind: 'neighbor', sender, priority: 'high', dropping: null });
    }
    return bench;
  }

  test('a near spare is offered the place of a far link', () => {
    const bench = inZones('z1', 'z2', 'z2');
    bench.hear('n0', { kind: 'shuffle', origin: near, ttl: 1, sample: [far('f')] });
    const [asked] = sent(bench.runTo(10_000), 'neighbor').filter(({ message }) => message.priority === 'near');
    expect(asked?.to).toBe('near');
    expect(asked?.message.dropping?.zone).toBe('z2');
    const effects = bench.hear('near', { kind: 'neighborReply', accepted: true, dropped: far('d') });
    expect(sent(effects, 'disconnect')).toMatchObject([
      { to: asked?.message.dropping?.id, message: { reason: 'swapped', alternative: { id: 'd' } } },
    ]);
    expect(bench.active()).toContain('near');
    expect(bench.active()).toHaveLength(3);
  });

  test('the asked peer swaps only when it gains as well', () => {
    const ask: HyParViewMessage = { kind: 'neighbor', sender: near, priority: 'near', dropping: far('o') };
    const effects = inZones('z1', 'z2', 'z2').hear('near', ask);
    expect(sent(effects, 'disconnect')).toMatchObject([{ message: { reason: 'swapped', alternative: { id: 'o' } } }]);
    expect(sent(effects, 'neighborReply')[0]?.message.dropped?.zone).toBe('z2');
    // Its last far link stays; or it has none.
    for (const bench of [inZones('z1', 'z1', 'z2'), inZones('z1', 'z1', 'z1')]) {
      expect(sent(bench.hear('near', ask), 'neighborReply')).toEqual([{ to: 'near', message: refused }]);
    }
  });

  test.each([
    ['one zone', ['z1', 'z1', 'z1'], 'z1'],
    ['no zones', ['', '', ''], ''],
    ['only randomLinks far ones', ['z1', 'z1', 'z2'], 'z1'],
    ['no near spare', ['z2', 'z2', 'z2'], 'z3'],
  ])('with %s it does nothing', (_, zones, spareZone) => {
    const bench = inZones(...zones);
    bench.command({ kind: 'contacts', peers: [info('s', { zone: spareZone })] });
    bench.hear('n0', shuffle('s', 1));
    const asked = sent(bench.runTo(120_000), 'neighbor');
    expect(asked.filter(({ message }) => message.priority === 'near')).toEqual([]);
  });

  test('where zones are unknown the round trip decides, with a gap: similar links stay as they are', () => {
    for (const [spareRtt, isOffered] of [
      [1, true],
      [9, false],
      [30, false],
    ] as const) {
      const bench = new Bench({ ...small, highPrioritySlots: 1 }).neighbors('s', 'a', 'b', 'c');
      bench.command({ kind: 'rtt', peer: 's', rttMs: spareRtt });
      for (const peer of ['a', 'b', 'c']) bench.command({ kind: 'rtt', peer, rttMs: 40 });
      bench.hear('s', disconnect('evicted'));
      const asked = sent(bench.runTo(10_000), 'neighbor').filter(({ message }) => message.priority === 'near');
      expect(asked.map(({ to }) => to)).toEqual(isOffered ? ['s'] : []);
    }
  });
});

describe('what the protocol forbids changes nothing', () => {
  test.each<[string, HyParViewMessage]>([
    ['sender-mismatch', join('other')],
    ['sender-mismatch', neighbor('other', 'high')],
    ['ttl', { kind: 'forwardJoin', joiner: info('x'), ttl: -1 }],
    ['ttl', { kind: 'forwardJoin', joiner: info('x'), ttl: Number.NaN }],
    ['ttl', shuffle('x', 0.5)],
    ['sample-size', shuffle('x', 1, ...Array.from({ length: 33 }, (_, i) => `s${i}`))],
    ['sample-size', { kind: 'shuffleReply', sample: Array.from({ length: 33 }, (_, i) => info(`s${i}`)) }],
  ])('%s', (rule, message) => {
    const bench = new Bench().neighbors('a', 'b');
    expect(bench.hear('a', message)).toEqual([{ kind: 'emit', event: { kind: 'protocolViolation', peer: 'a', rule } }]);
    expect(bench.active()).toEqual(['a', 'b']);
    expect(bench.passive()).toEqual([]);
  });

  test('a message that claims to be its own', () => {
    const bench = new Bench();
    expect(emitted(bench.hear('self', join('self')))).toEqual([
      { kind: 'protocolViolation', peer: 'self', rule: 'message-from-self' },
    ]);
  });
});
