import { describe, expect, it } from 'vitest';
import { SeenWaves } from './seen-waves.ts';

describe('SeenWaves', () => {
  it('knows the last wave of a question until its time is over', () => {
    const seen = new SeenWaves(10, 1_000);
    expect(seen.waveOf('a/1')).toBe(-1);
    seen.add(0, 'a/1', 0);
    seen.add(400, 'b/1', 0);
    seen.add(500, 'a/1', 1);
    expect(seen.waveOf('a/1')).toBe(1);
    expect(seen.next()).toBe(1_400);

    seen.expire(1_400);
    expect(seen.waveOf('b/1')).toBe(-1);
    expect(seen.waveOf('a/1')).toBe(1);
    seen.expire(1_500);
    expect(seen.size).toBe(0);
    expect(seen.next()).toBe(Number.POSITIVE_INFINITY);
  });

  it('forgets the oldest at its bound, and counts that', () => {
    const seen = new SeenWaves(2, 1_000);
    for (const id of ['a/1', 'b/1', 'c/1']) seen.add(0, id, 0);
    expect([seen.size, seen.evicted]).toEqual([2, 1]);
    expect(seen.waveOf('a/1')).toBe(-1);
    expect(seen.waveOf('c/1')).toBe(0);
  });

  it('is full with what is worked on', () => {
    const seen = new SeenWaves(3, 1_000);
    seen.add(0, 'a/1', 0);
    expect(seen.isFull(1)).toBe(false);
    expect(seen.isFull(2)).toBe(true);
  });
});
