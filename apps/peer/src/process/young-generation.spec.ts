import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { onceBusy } from './young-generation.ts';

const source = new URL('young-generation.ts', import.meta.url).href;

/**
 * MiB set aside for new objects in a process of its own that runs `before` and then makes 64 MiB of objects that stay: the least
 * of several looks, since a collection that other threads have not finished holds pages of its own.
 */
function youngMiB(before: string): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepYoungGenerationSmall } from ${JSON.stringify(source)};
    ${before}
    const kept = Array.from({ length: 1_000_000 }, (_, i) => ({ a: i, b: { c: i } }));
    const looks = [];
    for (let i = 0; i < 10; i++) {
      looks.push(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20);
      await new Promise((done) => setTimeout(done, 20));
    }
    console.log(kept.length > 0 ? Math.min(...looks) : 0);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return Number(stdout);
}

describe('the space for new objects', () => {
  it('stays small while it is kept so, whatever is made, and grows again afterwards', { timeout: 60_000 }, () => {
    // Twice 1 MiB, and a page or so while a collection runs.
    expect(youngMiB('keepYoungGenerationSmall();')).toBeLessThanOrEqual(4);
    expect(youngMiB('keepYoungGenerationSmall()();')).toBeGreaterThanOrEqual(8);
  });
});

describe('a busy event loop', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is noticed once, and an idle one never', () => {
    vi.useFakeTimers();
    const total = { active: 0, idle: 0, utilization: 0 };
    let heard = 0;
    onceBusy(
      () => heard++,
      () => ({ ...total }),
    );
    // A busy past, then hours of 2 %.
    total.active += 1_000;
    total.idle += 49_000;
    for (let i = 0; i < 3_000; i++) {
      vi.advanceTimersByTime(5_000);
      total.active += 100;
      total.idle += 4_900;
    }
    expect(heard).toBe(0);
    for (let i = 0; i < 3; i++) {
      total.active += 2_000;
      vi.advanceTimersByTime(5_000);
    }
    expect(heard).toBe(1);
  });
});
