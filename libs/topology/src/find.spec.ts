import { describe, expect, it } from 'vitest';
import { type FindSubject, parseFind } from './find.ts';
import { peerFacts, reportFacts } from './sample.ts';

const subject: FindSubject = {
  view: {
    peer: peerFacts('abcdef', { name: 'Starling-7', zone: 'eu-west' }),
    report: reportFacts('abcdef', [], { deliveredPerSecond: 12, conditions: ['authorityLate', 'certificateExpired'] }),
    degree: 4,
    verdict: { health: 'healthy', reasons: [] },
    healthSince: null,
  },
  rttMs: 2.5,
};

describe('a find expression', () => {
  it.each([
    ['', true],
    ['starling', true],
    ['WEST', true],
    ['abc', true],
    ['cde', false],
    ['zone=eu-west', true],
    ['zone=eu', false],
    ['zone!=us', true],
    ['id=abc', true],
    ['health=healthy', true],
    ['degree<5', true],
    ['degree>4', false],
    ['degree=4', true],
    ['degree!=4', false],
    ['rtt>2ms', true],
    ['delivered>12', false],
    ['zone=eu-west degree<3', false],
    ['zone=', true],
    ['condition=certificateExpired', true],
    ['condition=authoritylate', true],
    ['condition=cacheUnwritten', false],
    ['condition!=cacheUnwritten', true],
  ])('%o matches: %o', (text, isMatch) => {
    const query = parseFind(text);
    expect(query.matches(subject)).toBe(isMatch);
    expect(query.problem).toBeNull();
  });

  it.each(['colour=red', 'degree<many', 'zone<5', 'constructor=1'])('says that %o is not understood', (text) => {
    expect(parseFind(text).problem).toContain('not understood');
  });

  it('never matches a figure that is not known', () => {
    expect(parseFind('rtt!=3').matches({ ...subject, rttMs: null })).toBe(false);
  });
});
