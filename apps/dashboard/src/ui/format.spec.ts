import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatMoment, formatMs, formatNumber, formatShare } from './format.ts';

describe('figures', () => {
  it.each([
    [formatNumber(0), '0'],
    [formatNumber(0.123), '0.12'],
    [formatNumber(64), '64'],
    [formatNumber(12.34), '12.3'],
    [formatNumber(99.97), '100'],
    [formatNumber(6_372.4), '6,372'],
    [formatNumber(99_900), '99.9 k'],
    [formatNumber(2_500_000), '2.50 M'],
    [formatBytes(0), '0 B'],
    [formatBytes(12), '12 B'],
    [formatBytes(0.5), '0.50 B'],
    [formatBytes(1_536), '1.50 KiB'],
    [formatBytes(40 * 1024 * 1024), '40.0 MiB'],
    [formatMs(null), '–'],
    [formatMs(0), '0 ms'],
    [formatMs(0.42), '0.42 ms'],
    [formatMs(1_500), '1.50 s'],
    [formatShare(0.035), '3.50 %'],
    [formatAge(59_000), '59 s'],
    [formatAge(61_000), '1 m 1 s'],
    [formatAge(3_700_000), '1 h 1 m'],
    [formatAge(90_000_000), '1 d 1 h'],
  ])('%s', (actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('a moment with its day, where that is another one', () => {
    const now = new Date(2026, 10, 26, 12).getTime();
    expect(formatMoment(now + 60_000, now)).toBe('12:01:00');
    expect(formatMoment(now + 86_400_000, now)).toBe('27 Nov 2026, 12:00:00');
    expect(formatMoment(now + 86_400_000, 0)).toBe('12:00:00');
  });
});
