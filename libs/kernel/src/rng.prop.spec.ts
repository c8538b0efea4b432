import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from './rng.ts';

/** The obvious sample: the first places of a partly shuffled copy. */
function dumbSample(items: readonly number[], count: number, rng: Rng): number[] {
  const pool = [...items];
  for (let i = 0; i < Math.min(count, items.length); i++) {
    const j = i + rng.below(pool.length - i);
    [pool[i], pool[j]] = [pool[j] as number, pool[i] as number];
  }
  return pool.slice(0, count);
}

describe('Rng', () => {
  it('samples few of many as it samples many of few: the same draws, the same elements, the same order', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 60 }), fc.nat({ max: 12 }), (seed, size, count) => {
        const items = Array.from({ length: size }, (_, i) => i);
        const rng = new Rng(seed);
        const dumb = new Rng(seed);
        for (let again = 0; again < 8; again++) {
          expect(rng.sample(items, count)).toEqual(dumbSample(items, count, dumb));
        }
        expect(rng.uint32()).toBe(dumb.uint32());
      }),
      { numRuns: 500 },
    );
  });
});
