import { describe, expect, it } from 'vitest';
import { OriginLimits } from './origin-limits.ts';

const config = { originWorkPerSecond: 100, originWorkBurst: 100, originsMax: 64 };

/** Work of each origin that was taken in a span, while each asks for so much a second. */
function taken(limits: OriginLimits, asks: Readonly<Record<string, number>>, fromMs: number, toMs: number) {
  const sum: Record<string, number> = {};
  const owed: Record<string, number> = {};
  for (let now = fromMs; now < toMs; now++) {
    for (const [origin, perSecond] of Object.entries(asks)) {
      owed[origin] = (owed[origin] ?? 0) + perSecond / 1_000;
      while ((owed[origin] as number) >= 1) {
        owed[origin] = (owed[origin] as number) - 1;
        const allowance = limits.of(`${origin}~1`, now);
        if (limits.isUsedUp(allowance, now)) continue;
        limits.use(allowance, 1, now);
        sum[origin] = (sum[origin] ?? 0) + 1;
      }
    }
  }
  return sum;
}

describe('what origins may make a peer do', () => {
  it('one gets what it is allowed, however much it sends', () => {
    const limits = new OriginLimits(config);
    taken(limits, { a: 1_000 }, 0, 1_000);
    expect(taken(limits, { a: 1_000 }, 1_000, 11_000).a).toBeCloseTo(1_000, -1);
  });

  it('several that send too much share what one is allowed, and one that does not has its own', () => {
    const limits = new OriginLimits(config);
    const flood = { a: 1_000, b: 1_000, c: 1_000, d: 1_000, calm: 40 };
    taken(limits, flood, 0, 1_000);
    const { calm, ...others } = taken(limits, flood, 1_000, 11_000);
    expect(calm).toBe(400);
    const sum = Object.values(others).reduce((a, b) => a + b, 0);
    expect(sum).toBeGreaterThan(900);
    expect(sum).toBeLessThan(1_100);
    for (const each of Object.values(others)) expect(each).toBeGreaterThan(200);
  });

  it('who falls silent leaves its share to the others', () => {
    const limits = new OriginLimits(config);
    taken(limits, { a: 1_000, b: 1_000 }, 0, 5_000);
    taken(limits, { a: 1_000 }, 5_000, 7_000);
    expect(taken(limits, { a: 1_000 }, 7_000, 12_000).a).toBeGreaterThan(480);
    expect(limits.isBusy('b~1', 12_000)).toBe(false);
  });

  it('a flood is told from who is only given less because others flood', () => {
    const limits = new OriginLimits(config);
    const blamed: Record<string, number> = { flooder: 0, fair: 0 };
    const shed: Record<string, number> = {};
    // A long burst, so that it shares with the flooder, and then more than half of what is allowed.
    limits.use(limits.of('fair~1', 0), 90, 0);
    for (let now = 0; now < 20_000; now += 5) {
      for (const [origin, count] of [
        ['flooder', 5],
        ['fair', now % 15 === 0 ? 1 : 0],
      ] as const) {
        for (let i = 0; i < count; i++) {
          const allowance = limits.of(`${origin}~1`, now);
          if (!limits.isUsedUp(allowance, now)) limits.use(allowance, 1, now);
          else {
            shed[origin] = (shed[origin] ?? 0) + 1;
            if (limits.exceeded(allowance, 1)) blamed[origin] = (blamed[origin] ?? 0) + 1;
          }
        }
      }
    }
    expect(blamed.flooder).toBeGreaterThan(100);
    expect(shed.fair).toBeGreaterThan(100);
    expect(blamed.fair).toBe(0);
  });
});
