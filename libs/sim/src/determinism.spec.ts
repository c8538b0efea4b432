import { describe, expect, it } from 'vitest';
import { runScenario } from './runner.ts';

/** The whole mesh, all cores and four faults of different classes: a difference anywhere shows in the hash. */
describe('the whole mesh under faults', () => {
  it('takes the same way twice', () => {
    const [first, second] = [1, 2].map(() => runScenario('faults', { peers: 12, seed: 8 }));
    expect(second?.traceHashes).toEqual(first?.traceHashes);
    expect(second?.events).toBe(first?.events);
  }, 60_000);

  it('takes another way with another seed, and with fewer of its faults', () => {
    const hashes = [
      runScenario('faults', { peers: 12, seed: 8 }),
      runScenario('faults', { peers: 12, seed: 9 }),
      runScenario('faults', { peers: 12, seed: 8, faults: [] }),
    ].flatMap(({ traceHashes }) => traceHashes);
    expect(new Set(hashes).size).toBe(3);
  }, 60_000);
});
