import { describe, expect, it } from 'vitest';
import { judgeAuthority, judgeCertificate, judgeClock } from './peer-self.ts';

const hour = 3_600_000;
const day = 24 * hour;

describe('what a peer says of itself', () => {
  it.each([
    [0, 'good for 1 d 0 h', ''],
    [19 * hour, 'good for 5 h 0 m', ''],
    [21 * hour, 'expires in 3 h 0 m: it should have been renewed', 'warning'],
    [25 * hour, 'expired 1 h 0 m ago: it can make no new link', 'critical'],
  ])('of a certificate of a day, %i ms after it was given', (now, text, tone) => {
    expect(judgeCertificate({ from: 0, until: day }, now)).toEqual({ text, tone });
  });

  it.each([
    [31 * day, 'good for 31 d 0 h', ''],
    [29 * day, 'expires in 29 d 0 h: replace it', 'warning'],
    [-hour, 'expired 1 h 0 m ago', 'critical'],
  ])('of an authority with %i ms to go', (until, text, tone) => {
    expect(judgeAuthority(until, 0)).toEqual({ text, tone });
  });

  it('of its clock, only what the time of the answer cannot explain', () => {
    expect(judgeClock({ aheadMs: 4_000, tookMs: 10 })).toBeNull();
    expect(judgeClock({ aheadMs: -6_000, tookMs: 3_000 })).toBeNull();
    expect(judgeClock({ aheadMs: -61_000, tookMs: 10 })).toEqual({ text: '1 m 1 s behind', tone: 'warning' });
  });
});
