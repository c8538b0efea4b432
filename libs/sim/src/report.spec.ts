import { describe, expect, it } from 'vitest';
import { format, formatReport, type Goal, judge, type Sample, type ScenarioReport } from './report.ts';

const goal = (changes: Partial<Goal>): Goal => ({
  id: 'value',
  what: 'a value',
  unit: 'ms',
  paper: '7',
  goal: { is: '≤', value: 10 },
  judgedBy: 'mean',
  ...changes,
});
const samples = (...values: number[]): Sample[] =>
  values.map((value, seed) => ({ seed, values: { value }, traceHash: '', violations: [], events: 0 }));

describe('judge', () => {
  it.each([
    ['the mean, by habit', goal({}), [8, 12], { mean: 10, worst: 12, verdict: 'met' }],
    ['the worst, for promises', goal({ judgedBy: 'worst' }), [8, 12], { worst: 12, verdict: 'MISSED' }],
    [
      'the smallest as worst of a floor',
      goal({ goal: { is: '≥', value: 9 }, judgedBy: 'worst' }),
      [8, 12],
      { worst: 8, verdict: 'MISSED' },
    ],
    ['nothing without a goal', goal({ goal: null }), [99], { goal: '–', verdict: 'info' }],
    ['nothing at a smaller size', goal({ peersMin: 1_000 }), [99], { goal: '≤ 10 (from 1000 peers)', verdict: 'info' }],
  ])('judges %s', (_, row, values, expected) => {
    expect(judge([row], samples(...values), 100)).toEqual([expect.objectContaining(expected)]);
  });

  it('leaves out what no seed measured', () => {
    expect(judge([goal({ id: 'other' })], samples(1), 100)).toEqual([]);
  });
});

describe('formatReport', () => {
  it('prints paper, goal, mean, worst and verdict, and how to see a failure again', () => {
    const report: ScenarioReport = {
      name: 'area/figure',
      about: 'what it asks',
      engine: 'event',
      setup: 'active 5',
      peers: 100,
      seeds: [1, 2],
      rows: judge([goal({})], samples(8, 13), 100),
      failures: [
        {
          seed: 2,
          violation: 'p1 is alone',
          replay: 'npx starling sim x --seed 2',
          shrunk: 'npx starling sim x --faults 0',
        },
      ],
      traceHashes: ['aa', 'bb'],
      events: 5_000,
      cpuMs: 2_000,
      isMet: false,
    };
    expect(formatReport(report)).toMatchInlineSnapshot(`
      "area/figure: what it asks
      event engine, 100 peers, 2 seeds from 1; active 5
                      paper  goal  mean  worst  verdict
        a value [ms]  7      ≤ 10  10.5  13     MISSED
      FAILED with seed 2: p1 is alone
        replay: npx starling sim x --seed 2
        shrunk: npx starling sim x --faults 0
      trace aa bb; 5000 events in 2 s of CPU, 0.0025 M/s
      "
    `);
  });

  it('keeps numbers short', () => {
    expect([3, 1234.567, 6.38542, 0.0009234567, Number.POSITIVE_INFINITY].map(format)).toEqual([
      '3',
      '1234.6',
      '6.39',
      '0.00092',
      '∞',
    ]);
  });
});
