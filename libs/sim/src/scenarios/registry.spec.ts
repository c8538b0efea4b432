import { describe, expect, it } from 'vitest';
import { findScenario, runScenario } from '../runner.ts';
import { scenarios } from './registry.ts';

/** Small enough for every run of the tests; `starling sim` runs them at the papers' scale. */
/** A second or so on a free core. */
const timeoutMs = 120_000;

describe('scenarios at reduced size', () => {
  it.each(scenarios.filter(({ name }) => name !== 'faults').map(({ name }) => name))(
    '%s breaks nothing and measures every goal',
    (name) => {
      const report = runScenario(name, { isReduced: true });
      expect(report.failures).toEqual([]);
      expect(report.rows.length).toBeGreaterThan(0);
      for (const row of report.rows) expect([row.what, Number.isFinite(row.mean)]).toEqual([row.what, true]);
      expect(new Set(report.traceHashes).size).toBe(report.seeds.length);
    },
    timeoutMs,
  );

  it('names are unique and found', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    for (const scenario of scenarios) expect(findScenario(scenario.name)).toBe(scenario);
    expect(() => runScenario('nothing/such')).toThrow(RangeError);
  });
});

describe('what must hold at any size', () => {
  it.each([
    ['hyparview/table1', 300, 1],
    ['plumtree/fig2', 150, 1],
    // The size of its goal, which the mean over seeds meets: a p99 of one is now and then the one link that was only just made.
    ['crash-detection', 100, 3],
  ])('%s with %i peers meets its goals', (name, peers, seeds) => {
    const report = runScenario(name, { peers, seed: 3, seeds });
    expect(report.rows.filter(({ verdict }) => verdict === 'MISSED')).toEqual([]);
  });

  // 25 % where the last place was for a pair, which whoever accepts everybody wins twice as often as anybody else.
  it('attackers get the links that their number is worth: 100 peers, a fifth of them hostile', () => {
    const report = runScenario('sybil/eclipse', { peers: 100, seed: 4, variant: 'defended', attack: { cycles: 60 } });
    const share = report.rows.find(({ what }) => what === 'defended: links held after it')?.worst;
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(23.5);
  }, 120_000);

  // With seven links each and comparisons with nobody else: 60 % of the messages.
  it('what neighbours censor comes from elsewhere: 40 peers, four hostile ones for each honest one', () => {
    const report = runScenario('attack/forty-to-one', {
      peers: 40,
      seed: 1,
      variant: 'defended',
      attack: { cycles: 60 },
    });
    const worst = (what: string) => report.rows.find((row) => row.what === `defended: ${what}`)?.worst;
    expect(worst('honest peers without an honest neighbour')).toBeGreaterThan(0);
    expect(worst('delivered to honest peers')).toBe(100);
    expect(worst('second half: delivered to honest peers')).toBe(100);
    expect(worst('second half: delivery, p99')).toBeLessThan(1_000);
  }, 120_000);

  it('gives the same figures and trace for the same seed', () => {
    const [first, second] = [1, 2].map(() => runScenario('plumtree/latency', { peers: 80, seed: 5 }));
    expect(second).toEqual(first);
  });
});
