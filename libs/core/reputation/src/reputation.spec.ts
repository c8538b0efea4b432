import { type PeerId, RecordingOutbox } from '@starling/kernel';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaultReputationConfig, type ReputationConfig } from './config.ts';
import type { Deed, ReputationCommand, ReputationEvent } from './messages.ts';
import { Reputation } from './reputation.ts';

class Bench {
  now = 1_000;
  readonly core: Reputation;
  readonly #out = new RecordingOutbox<never, ReputationEvent>();

  constructor(config: Partial<ReputationConfig> = {}) {
    this.core = new Reputation({ ...defaultReputationConfig, ...config });
  }

  command(command: ReputationCommand): ReputationEvent[] {
    this.core.handle(this.now, { kind: 'command', command }, this.#out);
    return this.#events();
  }

  saw(peer: PeerId, deed: Deed, times = 1): ReputationEvent[] {
    return this.command({ kind: 'observed', peer, deed, times });
  }

  tick(): ReputationEvent[] {
    this.core.handle(this.now, { kind: 'tick' }, this.#out);
    return this.#events();
  }

  #events(): ReputationEvent[] {
    return this.#out.take().flatMap((effect) => (effect.kind === 'emit' ? [effect.event] : []));
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('a reputation', () => {
  test('a few bad deeds are forgiven, more cost the link, many a ban', () => {
    const events = Array.from({ length: 6 }, () => bench.saw('x', 'violation').map(({ kind }) => kind));
    expect(events).toEqual([[], [], [], ['dropped'], [], ['banned']]);
    expect(bench.core.isBanned(bench.now, 'x')).toBe(true);
    expect(bench.core.isOffered(bench.now, 'x')).toBe(false);
    expect(bench.core.isOffered(bench.now, 'stranger')).toBe(true);
  });

  test('a broken promise in a minute is nothing, ten at once are a ban', () => {
    for (let i = 0; i < 60; i++) {
      bench.now += 60_000;
      expect(bench.saw('x', 'brokenPromise')).toEqual([]);
    }
    expect(bench.saw('y', 'brokenPromise', 11).map(({ kind }) => kind)).toEqual(['banned']);
  });

  test('good service outweighs small faults and cannot buy great ones', () => {
    bench.saw('x', 'firstDelivery', 1e9);
    expect(bench.core.scoreOf(bench.now, 'x')).toBe(10);
    bench.saw('x', 'brokenPromise', 3);
    expect(bench.core.scoreOf(bench.now, 'x')).toBeGreaterThan(0);
    expect(bench.saw('x', 'violation', 6).map(({ kind }) => kind)).toEqual(['banned']);
  });

  test('everything fades by half in a half-life', () => {
    bench.saw('x', 'slow', 100);
    expect(bench.core.scoreOf(bench.now, 'x')).toBeCloseTo(-5);
    bench.now += defaultReputationConfig.halfLifeMs;
    expect(bench.core.scoreOf(bench.now, 'x')).toBeCloseTo(-2.5);
  });

  test('the reason is what costs most', () => {
    bench.saw('x', 'violation', 2);
    expect(bench.saw('x', 'flood', 20)).toMatchObject([{ kind: 'banned', reason: 'flood' }]);
  });

  test('a ban ends by itself, and the next one is twice as long', () => {
    const first = bench.saw('x', 'violation', 10);
    const until = bench.now + defaultReputationConfig.banMinMs;
    expect(first).toEqual([{ kind: 'banned', peer: 'x', reason: 'violation', until }]);
    expect(bench.core.nextDeadline()).toBe(until);
    bench.now = until;
    expect(bench.core.isBanned(bench.now, 'x')).toBe(false);
    expect(bench.tick()).toEqual([{ kind: 'pardoned', peer: 'x' }]);
    expect(bench.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    expect(bench.saw('x', 'violation', 10)).toMatchObject([
      { until: bench.now + 2 * defaultReputationConfig.banMinMs },
    ]);
  });

  test('an operator bans for ever and pardons', () => {
    const ban = { kind: 'ban', peer: 'x', forMs: Number.POSITIVE_INFINITY } as const;
    expect(bench.command(ban)).toMatchObject([{ kind: 'banned', reason: 'operator' }]);
    bench.now += 1e12;
    expect(bench.tick()).toEqual([]);
    expect(bench.core.bans(bench.now)).toEqual([{ peer: 'x', until: Number.POSITIVE_INFINITY }]);
    expect(bench.command({ kind: 'pardon', peer: 'x' })).toEqual([{ kind: 'pardoned', peer: 'x' }]);
    expect(bench.core.isBanned(bench.now, 'x')).toBe(false);
  });

  test('with many strangers in between a ban is not forgotten', () => {
    bench = new Bench({ recordsMax: 8 });
    bench.saw('x', 'violation', 10);
    for (let i = 0; i < 100; i++) bench.saw(`stranger-${i}`, 'slow');
    expect(bench.core.isBanned(bench.now, 'x')).toBe(true);
    expect(bench.core.stats.forgotten).toBe(93);
  });
});
