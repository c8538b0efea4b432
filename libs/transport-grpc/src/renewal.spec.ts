import { describe, expect, it } from 'vitest';
import { renewalTime } from './renewal.ts';

const hour = 3_600_000;

describe('a link is dialled anew', () => {
  it('in the last quarter of what is left of the certificate, when issuers have renewed it', () => {
    expect(renewalTime(24 * hour, 0, 0)).toBe(18 * hour);
    expect(renewalTime(24 * hour, 0, 0.5)).toBe(21 * hour);
    expect(renewalTime(24 * hour, 12 * hour, 0)).toBe(21 * hour);
    expect(renewalTime(24 * hour, 0, 1 - Number.EPSILON)).toBeLessThanOrEqual(24 * hour);
  });

  it('not at the same time as others that began with it', () => {
    const times = Array.from({ length: 100 }, (_, i) => renewalTime(24 * hour, 0, i / 100)).sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(Math.min(...gaps)).toBeGreaterThan(200_000);
  });

  it('a few times at most where nobody renews the certificate', () => {
    let [now, dials] = [0, 0];
    while (now < 24 * hour) {
      now = renewalTime(24 * hour, now, 0);
      dials++;
    }
    expect(dials).toBeLessThanOrEqual(15);
  });
});
