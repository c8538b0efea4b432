import { describe, expect, it } from 'vitest';
import { KnownStatistics } from './known-statistics.ts';
import { addStatistics, bm25, estimateStatistics } from './rank.ts';

const statistics = { documents: 1_000, words: 10_000, frequencies: [10, 500] };

describe('bm25', () => {
  it('is the formula', () => {
    // ln(1 + 990.5/10.5) × 2 × 2.2 / (2 + 1.2 × (0.25 + 0.75 × 5/10))
    expect(bm25({ length: 5, terms: [2, 0] }, statistics)).toBeCloseTo(4.557 * (4.4 / 2.75), 2);
  });

  it('prefers rare words, more of them, and short documents', () => {
    const score = (length: number, terms: number[]) => bm25({ length, terms }, statistics);
    expect(score(10, [1, 0])).toBeGreaterThan(score(10, [0, 1]));
    expect(score(10, [2, 0])).toBeGreaterThan(score(10, [1, 0]));
    expect(score(5, [1, 0])).toBeGreaterThan(score(50, [1, 0]));
  });

  it('is a number above or at 0, whatever neighbours say', () => {
    const wild = [
      { documents: 0, words: 0, frequencies: [] },
      { documents: 1, words: 0, frequencies: [1_000_000] },
      { documents: 5, words: 1, frequencies: [0, 9] },
    ];
    for (const each of wild) expect(bm25({ length: 3, terms: [1, 2, 3] }, each)).toBeGreaterThan(0);
    expect(bm25({ length: 0, terms: [] }, statistics)).toBe(0);
  });
});

describe('statistics', () => {
  it('add up', () => {
    expect(addStatistics(statistics, { documents: 1, words: 2, frequencies: [1, 1, 1] })).toEqual({
      documents: 1_001,
      words: 10_002,
      frequencies: [11, 501, 1],
    });
  });

  it('are estimated from the own index where the mesh’s are not known', () => {
    const own = { documents: 100, words: 900, frequencies: [3, 7] };
    expect(estimateStatistics(null, own)).toBe(own);
    expect(estimateStatistics({ documents: 1_000, words: 8_000, frequencies: [20, 0] }, own)).toEqual({
      documents: 1_000,
      words: 8_000,
      frequencies: [20, 70],
    });
    expect(estimateStatistics(statistics, { documents: 0, words: 0, frequencies: [0, 0] }).frequencies).toEqual([
      10, 500,
    ]);
  });
});

describe('KnownStatistics', () => {
  it('remembers the terms used last, for a while', () => {
    const known = new KnownStatistics({ termsMax: 2, ageMaxMs: 1_000 });
    expect(known.recall(0, ['a'])).toBeNull();
    known.learn(0, ['a', 'b'], statistics);
    expect(known.recall(10, ['b', 'a', 'c'])).toEqual({ documents: 1_000, words: 10_000, frequencies: [500, 10, 0] });
    known.learn(500, ['c'], { documents: 2_000, words: 20_000, frequencies: [4] });
    // `a` was used after `b`; its share is of the mesh as it is now.
    expect(known.size).toBe(2);
    expect(known.recall(600, ['a', 'b', 'c'])?.frequencies).toEqual([20, 0, 4]);
    expect(known.recall(1_200, ['a', 'c'])?.frequencies).toEqual([0, 4]);
    expect(known.recall(1_500, ['c'])).toBeNull();
  });
});
