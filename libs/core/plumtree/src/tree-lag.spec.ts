import { describe, expect, it } from 'vitest';
import { TreeLag } from './tree-lag.ts';

const config = { graft1MinMs: 100, graft1Ms: 400, lagDeliveriesMin: 4 };

/** A delivery every 100 ms. */
function lagOf(...lags: readonly number[]): TreeLag & { next(ms: number): void } {
  const lag = new TreeLag(config);
  let now = 0;
  const next = (ms: number): void => {
    now += 100;
    lag.delivered(now, ms);
  };
  for (const ms of lags) next(ms);
  return Object.assign(lag, { next });
}

describe('the lag of a tree', () => {
  it('is taken for the longest until some messages came', () => {
    expect(lagOf(0, 0, 0).patienceMs).toBe(400);
    expect(lagOf(0, 0, 0, 0).patienceMs).toBe(100);
  });

  it('is waited out with a margin, within the bounds', () => {
    expect(lagOf(0, 120, 0, 0).patienceMs).toBe(180);
    expect(lagOf(0, 5_000, 0, 0).patienceMs).toBe(400);
  });

  it('grows at once and shrinks slowly', () => {
    const lag = lagOf(0, 0, 0, 0, 200);
    expect(lag.patienceMs).toBe(375);
    for (let i = 0; i < 100; i++) lag.next(0);
    expect(lag.patienceMs).toBeGreaterThan(200);
    for (let i = 0; i < 1_000; i++) lag.next(0);
    expect(lag.patienceMs).toBe(100);
  });

  it('is not forgotten the sooner for a burst: what comes at once counts as one', () => {
    const lag = lagOf(0, 0, 0, 0, 200);
    for (let i = 0; i < 10_000; i++) lag.delivered(1_000 + i / 100, 0);
    expect(lag.patienceMs).toBeGreaterThan(370);
  });

  it('leaves about one message in sixty beyond the estimate, and hardly any beyond the margin', () => {
    const lag = lagOf(0, 0, 0, 0);
    let hasty = 0;
    let state = 1;
    for (let i = 0; i < 20_000; i++) {
      state = (state * 48_271) % 0x7fffffff;
      // Every fourth message is announced before it comes, up to 160 ms earlier.
      const ms = state % 4 === 0 ? 160 * (state / 0x7fffffff) ** 2 : 0;
      if (ms > lag.patienceMs) hasty++;
      lag.next(ms);
    }
    expect(hasty / 20_000).toBeLessThan(0.005);
    expect(lag.patienceMs).toBeLessThan(300);
  });
});
