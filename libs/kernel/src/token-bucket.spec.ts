import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  it('gives what it holds at once, then one per interval, however it is asked', () => {
    const bucket = new TokenBucket(3, 8);
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
    expect([124, 125, 180, 249, 250].map((now) => bucket.take(now))).toEqual([false, true, false, false, true]);
    let taken = 0;
    for (let now = 250; now <= 10_250; now += 31.25) if (bucket.take(now)) taken++;
    expect(taken).toBe(80);
  });

  it('holds no more than its capacity, however long nobody asks, and loses nothing to a clock that stands still or goes back', () => {
    const bucket = new TokenBucket(2, 10);
    bucket.refill(1_000_000);
    expect([1, 2, 3].map(() => bucket.take(1_000_000))).toEqual([true, true, false]);
    expect(bucket.take(999_000)).toBe(false);
    expect(bucket.isEmpty).toBe(true);
  });

  it('says how long to wait, also for what was spent beyond what was there', () => {
    const bucket = new TokenBucket(1, 100);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.spend(5);
    expect(bucket.waitMs(0)).toBe(50);
    expect(bucket.waitMs(40)).toBe(10);
    expect(bucket.waitMs(50)).toBe(0);
    expect(bucket.take(50)).toBe(true);
  });
});
