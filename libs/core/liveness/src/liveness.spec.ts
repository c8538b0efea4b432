import { type Effect, type Input, type Millis, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, test } from 'vitest';
import { defaultLivenessConfig } from './config.ts';
import { Liveness } from './liveness.ts';
import type { LivenessCommand, LivenessEvent, LivenessMessage } from './messages.ts';

const config = { ...defaultLivenessConfig, jitter: 0 };

function info(id: string): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone: '', name: id };
}

type E = Effect<LivenessMessage, LivenessEvent>;

/** One detector, its clock, and a neighbourhood whose members answer or not. */
class Bench {
  readonly core: Liveness;
  readonly #out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
  readonly log: string[] = [];
  readonly events: { readonly at: Millis; readonly event: LivenessEvent }[] = [];
  now: Millis = 0;

  constructor(overrides: Partial<typeof config> = {}, seed = 1) {
    this.core = new Liveness({ ...config, ...overrides }, info('self'), new Rng(seed));
  }

  feed(input: Input<LivenessMessage, LivenessCommand>): E[] {
    this.core.handle(this.now, input, this.#out);
    const effects = this.#out.take();
    for (const effect of effects) {
      if (effect.kind === 'emit') this.events.push({ at: this.now, event: effect.event });
    }
    return effects;
  }

  watch(...ids: string[]): void {
    for (const id of ids) this.feed({ kind: 'command', command: { kind: 'watch', peer: info(id) } });
  }

  hear(from: string, message: LivenessMessage): E[] {
    return this.feed({ kind: 'message', from, message });
  }

  /** Runs the clock; each sent message may be answered after `rttMs`. */
  run(untilMs: Millis, answer: (to: string, message: LivenessMessage) => LivenessMessage | null, rttMs = 1): void {
    const replies: { at: Millis; from: string; message: LivenessMessage }[] = [];
    for (;;) {
      const at = Math.min(untilMs, this.core.nextDeadline(), replies[0]?.at ?? untilMs);
      this.now = Math.max(this.now, at);
      if (at >= untilMs) return;
      const reply = replies[0]?.at === at ? replies.shift() : undefined;
      const effects = reply === undefined ? this.feed({ kind: 'tick' }) : this.hear(reply.from, reply.message);
      for (const effect of effects) {
        if (effect.kind !== 'send') continue;
        const message = answer(effect.to, effect.message);
        if (message !== null) replies.push({ at: this.now + rttMs, from: effect.to, message });
      }
      replies.sort((a, b) => a.at - b.at);
    }
  }

  happened(kind: LivenessEvent['kind']): number[] {
    return this.events.filter(({ event }) => event.kind === kind).map(({ at }) => at);
  }
}

const ack = (message: LivenessMessage): LivenessMessage | null =>
  message.kind === 'ping' ? { kind: 'ack', nonce: message.nonce } : null;

/** All but `gone` answer; probes for `gone` are answered by `vouch`. */
function allBut(gone: string, vouch: boolean | null = false) {
  return (to: string, message: LivenessMessage): LivenessMessage | null => {
    if (to === gone) return null;
    if (message.kind === 'probe' && vouch !== null) {
      return { kind: 'probeReply', target: message.target.id, nonce: message.nonce, alive: vouch };
    }
    return ack(message);
  };
}

describe('pings', () => {
  test('a ping is answered with an ack of the same nonce, whoever sends it (SWIM §3.1)', () => {
    const bench = new Bench();
    expect(bench.hear('stranger', { kind: 'ping', nonce: 7 })).toEqual([
      { kind: 'send', to: 'stranger', message: { kind: 'ack', nonce: 7 } },
    ]);
  });

  test('an ack that nobody asked for tells no round trip, whatever its nonce', () => {
    const bench = new Bench();
    bench.watch('a');
    for (const nonce of [-1, 0, Number.NaN]) bench.hear('a', { kind: 'ack', nonce });
    expect(bench.core.rttOf('a')).toBeUndefined();
    expect(bench.happened('rtt')).toEqual([]);
  });

  test('each watched neighbour that is silent is pinged once an interval', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c');
    bench.run(10_000, (_, message) => ack(message));
    expect(bench.core.stats.pings).toBeGreaterThanOrEqual(29);
    expect(bench.core.stats.pings).toBeLessThanOrEqual(30);
    expect(bench.core.stats.misses).toBe(0);
  });

  test('one that is heard is pinged now and then only, for the round trip', () => {
    for (const hear of ['ping', 'traffic'] as const) {
      const bench = new Bench();
      bench.watch('a');
      for (let i = 1; i <= 100; i++) {
        bench.run(i * 300, (_, message) => ack(message));
        if (hear === 'ping') bench.hear('a', { kind: 'ping', nonce: i });
        else bench.core.sawTraffic(bench.now, 'a');
      }
      expect(bench.core.stats.pings).toBe(3);
    }
  });

  test('the two ends of an idle link take turns: about one message a second each', () => {
    const [a, b] = [
      new Liveness(defaultLivenessConfig, info('a'), new Rng(1)),
      new Liveness(defaultLivenessConfig, info('b'), new Rng(2)),
    ];
    const out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
    a.handle(0, { kind: 'command', command: { kind: 'watch', peer: info('b') } }, out);
    b.handle(0, { kind: 'command', command: { kind: 'watch', peer: info('a') } }, out);
    const sentBy = { a: 0, b: 0 };
    for (let now = 0; now < 100_000; ) {
      now = Math.min(a.nextDeadline(), b.nextDeadline());
      const [from, to, side] = a.nextDeadline() <= now ? ([a, b, 'a'] as const) : ([b, a, 'b'] as const);
      from.handle(now, { kind: 'tick' }, out);
      for (const effect of out.take()) {
        if (effect.kind !== 'send') continue;
        sentBy[side]++;
        to.handle(now, { kind: 'message', from: side, message: effect.message }, out);
        for (const answer of out.take()) {
          if (answer.kind !== 'send') continue;
          sentBy[side === 'a' ? 'b' : 'a']++;
          from.handle(now, { kind: 'message', from: side === 'a' ? 'b' : 'a', message: answer.message }, out);
        }
        out.take();
      }
    }
    expect(sentBy.a).toBe(sentBy.b);
    expect(sentBy.a).toBeLessThanOrEqual(106);
    expect(Math.min(a.stats.pings, b.stats.pings)).toBeGreaterThan(20);
  });

  test('nobody to watch: nothing to do', () => {
    const bench = new Bench();
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    bench.watch('a');
    bench.feed({ kind: 'command', command: { kind: 'unwatch', peer: 'a' } });
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test('it never watches itself, and no more than watchedMax', () => {
    const bench = new Bench({ watchedMax: 2 });
    bench.watch('self', 'a', 'b', 'c');
    bench.run(1_001, (_, message) => ack(message));
    expect(bench.core.stats).toMatchObject({ pings: 2, unwatchable: 1 });
  });
});

describe('suspicion', () => {
  test('two misses raise it, and k other neighbours are asked to try (SWIM §4.1)', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd');
    const asked: string[] = [];
    bench.run(2_600, (to, message) => {
      if (message.kind === 'probe') asked.push(to);
      return allBut('a', null)(to, message);
    });
    expect(bench.core.stats.suspicions).toBe(1);
    expect(asked).toHaveLength(2);
    expect(asked).not.toContain('a');
  });

  test('a lost host is dead within 3.0 s in 99 of 100 cases, and never before 2 s', () => {
    const delays: number[] = [];
    for (let seed = 0; seed < 1_000; seed++) {
      const bench = new Bench({ jitter: defaultLivenessConfig.jitter }, seed);
      bench.watch('a', 'b', 'c', 'd', 'e', 'f', 'g');
      const lostAt = 5_000 + new Rng(seed).float() * 2_000;
      bench.run(lostAt, (_, message) => ack(message), 0.5);
      bench.run(lostAt + 10_000, allBut('a'), 0.5);
      expect(bench.happened('dead')).toHaveLength(1);
      delays.push((bench.happened('dead')[0] as number) - lostAt);
    }
    delays.sort((x, y) => x - y);
    expect(delays[0]).toBeGreaterThan(2_000);
    expect(delays[989]).toBeLessThanOrEqual(3_000);
  });

  test('a stall of less than 2 s never ends in dead', () => {
    for (let seed = 0; seed < 300; seed++) {
      const bench = new Bench({ jitter: defaultLivenessConfig.jitter }, seed);
      bench.watch('a', 'b', 'c', 'd');
      const stallAt = 3_000 + new Rng(seed).float() * 1_500;
      bench.run(stallAt, (_, message) => ack(message), 10);
      // What it got while it stalled it answers afterwards.
      const held: LivenessMessage[] = [];
      bench.run(stallAt + 1_995, (to, message) => {
        if (to === 'a') held.push(message);
        return allBut('a')(to, message);
      });
      for (const message of held) bench.hear('a', ack(message) as LivenessMessage);
      bench.run(stallAt + 10_000, (_, message) => ack(message), 10);
      expect(bench.happened('dead')).toEqual([]);
    }
  });

  test('any traffic of the suspect takes it back', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c');
    while (!bench.core.isSuspect('a') && bench.now < 10_000) bench.run(bench.now + 10, allBut('a'));
    bench.core.sawTraffic(bench.now, 'a');
    bench.run(bench.now + 600, allBut('a'));
    expect(bench.happened('cleared')).toHaveLength(1);
    expect(bench.happened('dead')).toEqual([]);
  });

  test('a neighbour that others reach is spared, but not for ever: its link is of no use', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c');
    bench.run(20_000, allBut('a', true));
    expect(bench.happened('cleared')).toHaveLength(config.vouchedMax);
    expect(bench.happened('dead')).toHaveLength(1);
  });

  test('with nobody to ask it decides alone, one interval later', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.run(20_000, () => null);
    const [dead] = bench.happened('dead');
    expect(dead).toBeGreaterThan(2_400);
    expect(dead).toBeLessThan(4_000);
  });

  test('a stranger cannot vouch for a suspect', () => {
    const bench = new Bench();
    bench.watch('a', 'b');
    let nonce = -1;
    bench.run(2_600, (to, message) => {
      if (message.kind === 'probe') nonce = message.nonce;
      return allBut('a', null)(to, message);
    });
    bench.hear('stranger', { kind: 'probeReply', target: 'a', nonce, alive: true });
    bench.run(10_000, allBut('a', null));
    expect(bench.happened('dead')).toHaveLength(1);
  });
});

describe('local health (Lifeguard §IV-A)', () => {
  test('a peer that was itself late judges nobody by what it missed', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd');
    bench.run(5_000, (_, message) => ack(message));
    bench.now += 8_000;
    bench.feed({ kind: 'tick' });
    expect(bench.happened('dead')).toEqual([]);
    expect(bench.core.localHealth).toBeGreaterThan(0);
    expect(bench.core.stats.selfLate).toBe(1);
    bench.run(bench.now + 30_000, (_, message) => ack(message));
    expect(bench.happened('dead')).toEqual([]);
    expect(bench.core.localHealth).toBe(0);
  });

  test('nor does it judge a suspect or an open ping by a time when it did not listen', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd');
    while (!bench.core.isSuspect('a') && bench.now < 10_000) bench.run(bench.now + 10, allBut('a'));
    const opened = bench.core.stats.pings;
    while (bench.core.stats.pings === opened) {
      bench.now = bench.core.nextDeadline();
      bench.feed({ kind: 'tick' });
    }
    const { misses } = bench.core.stats;
    bench.now += 5_000;
    bench.feed({ kind: 'tick' });
    expect(bench.core.stats.misses).toBe(misses);
    bench.core.sawTraffic(bench.now, 'a');
    bench.run(bench.now + 10_000, (_, message) => ack(message));
    expect(bench.happened('dead')).toEqual([]);
    expect(bench.happened('cleared')).toHaveLength(1);
  });

  test('self-doubt stretches the verdict and stays within its bound', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd');
    bench.feed({ kind: 'command', command: { kind: 'selfLate', lateMs: 1e9 } });
    expect(bench.core.localHealth).toBe(config.localHealthMax);
    bench.run(6_000, allBut('a'));
    expect(bench.happened('dead')).toEqual([]);
  });

  test('when all neighbours are silent it doubts itself', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd');
    bench.run(2_300, () => null);
    expect(bench.core.localHealth).toBeGreaterThan(0);
  });

  test('when half of them are silent it does not: that may be a partition', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c', 'd', 'e', 'f', 'g');
    bench.run(3_700, (to, message) => ('abcd'.includes(to) ? null : ack(message)));
    expect(bench.core.localHealth).toBe(0);
    expect(bench.happened('dead')).toHaveLength(4);
  });
});

describe('probes for others', () => {
  const probe = (nonce: number, target = 'x'): LivenessMessage => ({ kind: 'probe', target: info(target), nonce });

  test('it dials the target, pings it, tells the asker and needs the link no more', () => {
    const bench = new Bench();
    bench.watch('a');
    const [open, ping] = bench.hear('a', probe(5));
    expect(open).toEqual({ kind: 'open', peer: info('x') });
    expect(ping).toMatchObject({ kind: 'send', to: 'x', message: { kind: 'ping' } });
    const message = (ping as { message: LivenessMessage }).message;
    expect(bench.hear('x', ack(message) as LivenessMessage)).toEqual([
      { kind: 'send', to: 'a', message: { kind: 'probeReply', target: 'x', nonce: 5, alive: true } },
      { kind: 'close', peer: 'x' },
    ]);
  });

  test('a refused dial is a no at once, silence after the deadline', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.now = 0;
    bench.hear('a', probe(5));
    expect(bench.feed({ kind: 'linkDown', peer: 'x', reason: 'refused' })).toEqual([
      { kind: 'send', to: 'a', message: { kind: 'probeReply', target: 'x', nonce: 5, alive: false } },
    ]);
    bench.hear('a', probe(6));
    bench.now = config.probeTimeoutMs;
    expect(bench.feed({ kind: 'tick' })).toContainEqual({
      kind: 'send',
      to: 'a',
      message: { kind: 'probeReply', target: 'x', nonce: 6, alive: false },
    });
  });

  test('it refuses strangers and more than probesMax at once', () => {
    const bench = new Bench({ probesMax: 1 });
    const no = (to: string) => [
      { kind: 'send', to, message: { kind: 'probeReply', target: 'x', nonce: 1, alive: false } },
    ];
    expect(bench.hear('stranger', probe(1))).toEqual(no('stranger'));
    bench.watch('a', 'b');
    bench.hear('a', probe(1));
    expect(bench.hear('b', probe(1))).toEqual(no('b'));
    expect(bench.core.stats).toMatchObject({ probes: 1, probesRefused: 2 });
  });

  test('the link stays while a second asker waits for the same target', () => {
    const bench = new Bench();
    bench.watch('a', 'b');
    const [, first] = bench.hear('a', probe(1));
    bench.hear('b', probe(2));
    const answered = bench.hear('x', ack((first as { message: LivenessMessage }).message) as LivenessMessage);
    expect(answered.map(({ kind }) => kind)).toEqual(['send']);
  });

  test.each(['self', 'a'])('a probe of %s is a violation', (target) => {
    const bench = new Bench();
    bench.watch('a');
    expect(bench.hear('a', probe(1, target))).toEqual([
      { kind: 'emit', event: { kind: 'protocolViolation', peer: 'a', rule: 'probe-target' } },
    ]);
  });
});

describe('round trips', () => {
  test('are smoothed, told at once and then every few seconds', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.run(4_000, (_, message) => ack(message), 10);
    expect(bench.happened('rtt')).toHaveLength(1);
    expect(bench.core.rttOf('a')).toBeCloseTo(10);
    bench.run(13_000, (_, message) => ack(message), 10);
    expect(bench.happened('rtt').length).toBeLessThanOrEqual(3);
  });

  test('are told early when they doubled', () => {
    const bench = new Bench();
    bench.watch('a');
    bench.run(1_500, (_, message) => ack(message), 10);
    bench.run(4_500, (_, message) => ack(message), 300);
    expect(bench.happened('rtt').length).toBeGreaterThanOrEqual(2);
    expect(bench.core.rttOf('nobody')).toBeUndefined();
  });
});
