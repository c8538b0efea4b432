import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.ts';

const off = { read: 0, publish: 0, search: 0, lookup: 0, admin: 0 };
const limiterOf = (perSecond: number, burstMs = 2_000, callersMax = 100) =>
  new RateLimiter({ perSecond: { ...off, read: perSecond }, burstMs, callersMax });

describe('a rate limiter', () => {
  it('lets a burst in at once, then the rate, and says exactly when the next one fits', () => {
    const limiter = limiterOf(10);
    const burst = Array.from({ length: 20 }, () => limiter.take(1_000, 'a', 'read'));
    expect(burst).toEqual(burst.map(() => 0));
    expect(limiter.take(1_000, 'a', 'read')).toBeCloseTo(100);
    expect(limiter.take(1_099, 'a', 'read')).toBeCloseTo(1);
    expect(limiter.take(1_100, 'a', 'read')).toBe(0);
    expect(limiter.take(1_100, 'a', 'read')).toBeGreaterThan(0);
  });

  it('counts callers and classes apart, and does not count what has no limit', () => {
    const limiter = limiterOf(1, 0);
    expect(limiter.take(0, 'a', 'read')).toBe(0);
    expect(limiter.take(0, 'a', 'read')).toBeGreaterThan(0);
    expect(limiter.take(0, 'b', 'read')).toBe(0);
    for (let i = 0; i < 100; i++) expect(limiter.take(0, 'a', 'search')).toBe(0);
    expect(limiter.size).toBe(2);
  });

  it('lets debts be made for work that has come already, and remembers them', () => {
    const limiter = limiterOf(10, 1_000);
    const waits = Array.from({ length: 30 }, () => limiter.spend(0, 'a', 'read'));
    expect(waits[8]).toBe(0);
    expect(waits.at(-1)).toBeCloseTo(2_100);
    expect(limiter.take(2_000, 'a', 'read')).toBeCloseTo(100);
    expect(limiter.take(2_101, 'a', 'read')).toBe(0);
  });

  it('never lets a caller do more than its burst and its rate, whoever else calls; and holds no more than its bound', () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 400 }), caller: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (steps, rate) => {
        const limiter = limiterOf(rate, 1_000, 3);
        const admitted: Record<string, number[]> = { a: [], b: [], c: [] };
        let now = 0;
        for (const { after, caller } of steps) {
          now += after;
          const before = limiter.take(now, caller, 'read');
          if (before === 0) admitted[caller]?.push(now);
          else expect(before).toBeLessThanOrEqual(1_000 / rate + 1e-6);
          expect(limiter.size).toBeLessThanOrEqual(3);
        }
        for (const times of Object.values(admitted)) {
          for (const [i, from] of times.entries()) {
            for (const [j, to] of times.entries()) {
              if (j >= i)
                expect(j - i + 1).toBeLessThanOrEqual(Math.max(1, rate) + ((to - from) * rate) / 1_000 + 1e-6);
            }
          }
        }
      }),
    );
  });

  it('forgets the caller heard from longest ago', () => {
    const limiter = limiterOf(1, 0, 2);
    for (const caller of ['a', 'b', 'c']) limiter.take(0, caller, 'read');
    expect(limiter.size).toBe(2);
    expect(limiter.take(0, 'a', 'read')).toBe(0);
    expect(limiter.take(0, 'c', 'read')).toBeGreaterThan(0);
  });
});
