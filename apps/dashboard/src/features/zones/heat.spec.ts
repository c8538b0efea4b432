import { describe, expect, it } from 'vitest';
import { heatOf, heatScale } from './heat.ts';

const pair = { links: 1, treeLinks: 0, rttMaxMs: null, messagesPerSecond: 0 };

describe('the heat of a cell', () => {
  it('spans the measured medians by their logarithm', () => {
    const pairs = [
      [
        { ...pair, rttP50Ms: 2 },
        { ...pair, rttP50Ms: 200 },
      ],
      [{ ...pair, rttP50Ms: null }, null],
    ];
    const scale = heatScale({ zones: [], pairs });
    expect(scale).toEqual({ leastMs: 2, mostMs: 200 });
    expect([2, 20, 200, null].map((rtt) => heatOf(rtt, scale))).toEqual([0, 0.5, 1, 0]);
  });

  it('is none where all are alike, or nothing is measured', () => {
    expect(heatScale({ zones: [], pairs: [[null]] })).toBeNull();
    expect(heatOf(5, null)).toBe(0);
    expect(heatOf(1.2, { leastMs: 1, mostMs: 1.2 })).toBe(0);
    expect(heatOf(0, { leastMs: 0, mostMs: 5 })).toBe(0);
  });
});
