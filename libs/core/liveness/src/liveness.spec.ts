import { type Effect, type Input, type Millis, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { describe, expect, test } from 'vitest';
import { defaultLivenessConfig } from './config.ts';
import { guardianOf } from './guardian.ts';
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

/** Detectors that all watch each other, over links with a delay. */
class Hood {
  readonly gone = new Set<string>();
  readonly dead: { readonly of: string; readonly at: Millis }[] = [];
  messages = 0;
  now: Millis = 0;
  readonly #cores = new Map<string, Liveness>();
  readonly #out = new RecordingOutbox<LivenessMessage, LivenessEvent>();
  readonly #latencyMs: Millis;
  #stalled = { id: '', until: 0 };
  #waiting: { readonly at: Millis; readonly from: string; readonly to: string; readonly message: LivenessMessage }[] =
    [];

  constructor(ids: string, seed: number, latencyMs: Millis) {
    this.#latencyMs = latencyMs;
    const rng = new Rng(seed);
    for (const id of ids) this.#cores.set(id, new Liveness(defaultLivenessConfig, info(id), rng.child()));
    for (const id of ids) {
      for (const peer of ids) this.#feed(id, { kind: 'command', command: { kind: 'watch', peer: info(peer) } });
    }
  }

  core(id: string): Liveness {
    return this.#cores.get(id) as Liveness;
  }

  /** Holds up everything that this one does and hears. */
  stall(id: string, forMs: Millis): void {
    this.#stalled = { id, until: this.now + forMs };
  }

  run(untilMs: Millis): void {
    const freeAt = (id: string, at: Millis): Millis =>
      id === this.#stalled.id ? Math.max(at, this.#stalled.until) : at;
    for (;;) {
      let next = { at: untilMs, id: '' };
      for (const [id, core] of this.#cores) {
        const at = freeAt(id, Math.max(this.now, core.nextDeadline()));
        if (!this.gone.has(id) && at < next.at) next = { at, id };
      }
      let first = -1;
      for (const [i, { at, to }] of this.#waiting.entries()) {
        if (freeAt(to, at) < next.at) [next, first] = [{ at: freeAt(to, at), id: to }, i];
      }
      this.now = next.at;
      if (next.id === '') return;
      const [message] = first < 0 ? [] : this.#waiting.splice(first, 1);
      if (message === undefined) this.#feed(next.id, { kind: 'tick' });
      else if (!this.gone.has(next.id)) this.#feed(next.id, { kind: 'message', ...message });
    }
  }

  #feed(id: string, input: Input<LivenessMessage, LivenessCommand>): void {
    this.core(id).handle(this.now, input, this.#out);
    for (const effect of this.#out.take()) {
      if (effect.kind === 'emit' && effect.event.kind === 'dead')
        this.dead.push({ of: effect.event.peer, at: this.now });
      if (effect.kind !== 'send') continue;
      this.messages++;
      this.#waiting.push({ at: this.now + this.#latencyMs, from: id, to: effect.to, message: effect.message });
    }
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
    const each = 10_000 / config.guardIntervalMs; // none has said yet who else watches it
    expect(bench.core.stats.pings).toBeGreaterThanOrEqual(3 * Math.floor(each));
    expect(bench.core.stats.pings).toBeLessThanOrEqual(3 * Math.ceil(each));
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

  test('each peer has one guardian, and every other link is pinged less often', () => {
    const hood = new Hood('abcdefgh', 1, 0);
    hood.run(10_000);
    const before = hood.messages;
    hood.run(70_000);
    const pings = (hood.messages - before) / 2;
    // 28 links, of which at least 4 and at most 8 guard, and are pinged every 0.95 s; the others every 3.5 s.
    expect(pings).toBeGreaterThanOrEqual(60 * (4 / 0.95 + 24 / 3.5));
    expect(pings).toBeLessThanOrEqual((60 / 0.95) * (8 / 0.95 + 20 / 3.5));
  });

  test('of the two ends of an idle link the one with the lower id pings; the other now and then, instead of it', () => {
    const hood = new Hood('ab', 1, 0);
    hood.run(100_000);
    const [a, b] = ['a', 'b'].map((id) => hood.core(id).stats.pings) as [number, number];
    const interval = config.guardIntervalMs;
    expect(a + b).toBeGreaterThan(100_000 / interval);
    expect(a + b).toBeLessThanOrEqual(2 + 100_000 / (interval * (1 - 2 * defaultLivenessConfig.jitter)));
    expect(b).toBeGreaterThanOrEqual(8);
    expect(b).toBeLessThanOrEqual(11);
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

  test('a link that is lost alone is dead within an interval and 2.1 s, and never before 2 s', () => {
    for (let seed = 0; seed < 300; seed++) {
      const bench = new Bench({ jitter: defaultLivenessConfig.jitter }, seed);
      bench.watch('a', 'b', 'c', 'd', 'e', 'f', 'g');
      const lostAt = 5_000 + new Rng(seed).float() * 2_000;
      bench.run(lostAt, (_, message) => ack(message), 0.5);
      bench.run(lostAt + 10_000, allBut('a'), 0.5);
      const [dead = 0] = bench.happened('dead');
      expect(dead - lostAt).toBeGreaterThan(2_000);
      expect(dead - lostAt).toBeLessThanOrEqual(config.pingIntervalMs + 2_100);
    }
  });

  test('nor does it take longer when another becomes the guardian in the middle of the silence', () => {
    const ids = Array.from({ length: 50 }, (_, i) => `n${i}`);
    const bench = new Bench();
    bench.watch('a');
    // This peer does not guard `a`, and `a` guards it, until a newcomer does.
    const guardOfA = ids.find((id) => guardianOf('a', ['self', id]) === id) ?? '';
    const newcomer = ids.find((id) => guardianOf('self', ['a', id]) === id) ?? '';
    bench.hear('a', { kind: 'watchers', peers: [info(guardOfA)] });
    bench.run(5_000, (_, message) => ack(message));
    while (bench.core.stats.misses === 0 && bench.now < 10_000) bench.run(bench.now + 10, allBut('a'));
    bench.watch(newcomer);
    bench.run(15_000, allBut('a'));
    const [dead = 0] = bench.happened('dead');
    expect(dead - 5_000).toBeGreaterThan(2_000);
    expect(dead - 5_000).toBeLessThanOrEqual(config.guardIntervalMs + 2_100);
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

describe('those who watch the same peer', () => {
  const watchers = (...ids: string[]): LivenessMessage => ({ kind: 'watchers', peers: ids.map(info) });
  const probe = (silentMs: number): LivenessMessage => ({ kind: 'probe', target: info('a'), nonce: 9, silentMs });
  const sends = (effects: readonly E[]): string[] =>
    effects.flatMap((effect) => (effect.kind === 'send' ? [`${effect.message.kind} to ${effect.to}`] : []));

  test.each([3, 4, 8])('of %i all find a lost host dead within 3.0 s, and never before 2 s', (size) => {
    const delays: number[] = [];
    for (let seed = 1; seed <= 200; seed++) {
      const hood = new Hood('abcdefgh'.slice(0, size), seed, 0.5);
      hood.run(5_000 + new Rng(seed).float() * 2_000);
      const lostAt = hood.now;
      const lost = 'abcdefgh'[seed % size] as string;
      hood.gone.add(lost);
      hood.run(lostAt + 8_000);
      expect(hood.dead.map(({ of }) => of)).toEqual(Array(size - 1).fill(lost));
      for (const { at } of hood.dead) delays.push(at - lostAt);
    }
    expect(Math.min(...delays)).toBeGreaterThan(2_000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(3_000);
  });

  test('a stall of less than 2 s costs none of their links', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const hood = new Hood('abcdefgh', seed, 0.5);
      hood.run(5_000 + new Rng(seed).float() * 2_000);
      hood.stall('abcdefgh'[seed % 8] as string, 1_980);
      hood.run(hood.now + 8_000);
      expect(hood.dead).toEqual([]);
    }
  });

  test('are told by the peer itself, beside its next ping or ack, and only when they changed', () => {
    const bench = new Bench();
    bench.watch('a', 'b');
    const ping: LivenessMessage = { kind: 'ping', nonce: 1 };
    expect(sends(bench.hear('a', ping))).toEqual(['ack to a', 'watchers to a']);
    expect(sends(bench.hear('a', ping))).toEqual(['ack to a']);
    bench.watch('c');
    const told = bench.hear('a', ping)[1];
    expect(told).toEqual({ kind: 'send', to: 'a', message: watchers('b', 'c') });
  });

  test('hear of the first missed ping, over links of its own that are given back at once', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c');
    bench.hear('a', watchers('self', 'b', 'x', 'y'));
    let effects: E[] = [];
    while (bench.core.stats.silencesTold === 0) {
      bench.now = bench.core.nextDeadline();
      effects = bench.feed({ kind: 'tick' });
      for (const effect of effects) {
        if (effect.kind === 'send' && effect.to !== 'a' && effect.message.kind === 'ping') {
          bench.hear(effect.to, ack(effect.message) as LivenessMessage);
        }
      }
    }
    expect(sends(effects).filter((text) => text.startsWith('probe'))).toEqual([
      'probe to b',
      'probe to x',
      'probe to y',
    ]);
    expect(effects).toContainEqual({ kind: 'open', peer: info('x') });
    expect(effects).toContainEqual({ kind: 'close', peer: 'x' });
    const told = effects.find((effect) => effect.kind === 'send' && effect.message.kind === 'probe');
    expect(told).toMatchObject({ message: { silentMs: config.ackTimeoutMs } });
  });

  test('who is told pings at once, and its verdict counts from the ping that the other missed', () => {
    const bench = new Bench();
    bench.watch('a', 'b', 'c');
    bench.hear('a', watchers('x'));
    bench.run(5_000, (_, message) => ack(message));
    bench.run(5_510, allBut('a'));
    expect(bench.core.stats.misses).toBe(0);
    expect(sends(bench.hear('x', probe(500)))).toEqual(['ping to a']);
    const toldAt = bench.now;
    bench.run(toldAt + 5_000, allBut('a'));
    const [dead = 0] = bench.happened('dead');
    expect(dead - (toldAt - 500)).toBeGreaterThanOrEqual(config.deadAfterMs);
    expect(dead - (toldAt - 500)).toBeLessThan(config.deadAfterMs + 10);
  });

  test('who heard from it since says so at once, and doubts nothing', () => {
    const bench = new Bench();
    bench.watch('a', 'b');
    bench.hear('a', watchers('x'));
    bench.now += 400;
    expect(bench.hear('x', probe(500))).toEqual([
      { kind: 'send', to: 'x', message: { kind: 'probeReply', target: 'a', nonce: 9, alive: true } },
    ]);
    expect(bench.core.stats.silencesLearned).toBe(0);
  });

  test('a stranger is refused, and a neighbour that does not watch it is not believed', () => {
    const bench = new Bench();
    bench.watch('a', 'b');
    bench.hear('a', watchers('x'));
    bench.now += 900;
    expect(bench.hear('stranger', probe(800))).toEqual([
      { kind: 'send', to: 'stranger', message: { kind: 'probeReply', target: 'a', nonce: 9, alive: false } },
    ]);
    expect(sends(bench.hear('b', probe(800)))).toEqual(['ping to a']);
    expect(bench.core.stats.silencesLearned).toBe(0);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 53])(
    'a silence of %d ms makes nobody dead early',
    (silentMs) => {
      const bench = new Bench();
      bench.watch('a', 'b');
      bench.hear('a', watchers('x'));
      bench.now = 5_000;
      bench.hear('x', probe(silentMs));
      bench.run(5_000 + config.deadAfterMs - config.hintMaxMs - 1, allBut('a'));
      expect(bench.happened('dead')).toEqual([]);
    },
  );

  test('too many, or nameless, are a violation', () => {
    const bench = new Bench({ watchedMax: 2 });
    bench.watch('a');
    for (const peers of [['x', 'y', 'z'], [''], ['a']]) {
      expect(bench.hear('a', watchers(...peers))).toEqual([
        { kind: 'emit', event: { kind: 'protocolViolation', peer: 'a', rule: 'watchers' } },
      ]);
    }
  });

  test('nobody is told by a peer that doubts itself, or that misses many', () => {
    const doubting = new Bench();
    doubting.watch('a', 'b', 'c');
    doubting.hear('a', watchers('x'));
    doubting.feed({ kind: 'command', command: { kind: 'selfLate', lateMs: 9_000 } });
    doubting.run(doubting.now + 30_000, allBut('a'));
    expect(doubting.core.stats.silencesTold).toBe(0);

    const many = new Bench();
    many.watch(...'abcdefgh');
    for (const id of 'abcd') many.hear(id, watchers('x'));
    many.run(8_000, (to, message) => ('abcd'.includes(to) ? null : ack(message)));
    expect(many.core.stats.silencesTold).toBeLessThanOrEqual(config.silentMaxToTell);
    expect(many.happened('dead')).toHaveLength(4);
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
  const probe = (nonce: number, target = 'x'): LivenessMessage => ({
    kind: 'probe',
    target: info(target),
    nonce,
    silentMs: 0,
  });

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

  test.each(['', 'self', 'a'])('a probe of "%s" is a violation', (target) => {
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
