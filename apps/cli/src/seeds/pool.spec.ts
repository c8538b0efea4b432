import { planRun, type SeedResult, type SeedTask } from '@starling/sim';
import { describe, expect, it } from 'vitest';
import { runSeeds } from './pool.ts';

/** What depends on the seed alone. */
async function run(tasks: readonly SeedTask[], jobs: number): Promise<unknown[]> {
  const results: SeedResult[] = [];
  await runSeeds(tasks, jobs, (index, result) => {
    results[index] = result;
  });
  return results.map(({ sample: { seed, traceHash, events, values }, failure }) => {
    const { cpuSeconds, megaEventsPerSecond, residentMiB, ...measured } = values;
    expect([cpuSeconds, megaEventsPerSecond, residentMiB].every((value) => (value ?? 0) > 0)).toBe(true);
    return { seed, traceHash, events, measured, failure };
  });
}

describe('runSeeds', () => {
  it('gives the same results on two threads as on one', async () => {
    const tasks = [
      ...planRun('hyparview/table1', { peers: 20, seeds: 4 }),
      ...planRun('faults', { peers: 8, seed: 4 }),
    ];
    const here = await run(tasks, 1);
    expect(new Set(here.map((result) => JSON.stringify(result))).size).toBe(tasks.length);
    expect(await run(tasks, 2)).toEqual(here);
  }, 60_000);

  it.each([1, 2])('names the seed whose run throws, with %i threads', async (jobs) => {
    const tasks = [7, 8].map((seed) => ({ scenario: 'not/there', peers: 5, seed }));
    await expect(run(tasks, jobs)).rejects.toThrow(
      /^seed [78] of not\/there: there is no scenario.*\n.*npx starling sim not\/there --seed [78] --peers 5$/,
    );
  });
});
