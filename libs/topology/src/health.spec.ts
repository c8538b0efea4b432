import { describe, expect, it } from 'vitest';
import type { PeerCondition } from './facts.ts';
import { defaultHealthLimits, type HealthEvidence, healthOf } from './health.ts';
import { peerFacts, reportFacts } from './sample.ts';

const ban = { by: 'ann', reason: 'floods', scope: 'peer', isAutomatic: false, until: null } as const;

const ill = (...conditions: PeerCondition[]) => reportFacts('a', [], { conditions });

const well: HealthEvidence = {
  peer: peerFacts('a'),
  report: reportFacts('a'),
  reportAgeMs: 1_000,
  loopBusyMs: 0,
  degree: 4,
  halfLinks: 0,
  meshSize: 10,
  isInLargestPart: true,
};

describe('the health rule', () => {
  it.each([
    ['healthy', 'all is well', {}],
    ['healthy', 'it is the only peer of its mesh', { degree: 0, meshSize: 1 }],
    ['healthy', 'there are two peers and one link', { degree: 1, meshSize: 2 }],
    ['unknown', 'it was never heard from', { report: null }],
    ['unknown', 'its report is old', { reportAgeMs: defaultHealthLimits.reportAgeMsMax + 1 }],
    ['critical', 'it has no link', { degree: 0 }],
    ['critical', 'it is cut off', { isInLargestPart: false }],
    ['warning', 'it has a single link', { degree: 1 }],
    ['unknown', 'it is banned', { peer: { ...peerFacts('a'), ban }, degree: 0 }],
    ['unknown', 'a peer banned it', { peer: { ...peerFacts('a'), ban: { ...ban, isAutomatic: true } } }],
    ['warning', 'it starts', { peer: peerFacts('a', { state: 'starting' }) }],
    ['warning', 'it drains', { peer: peerFacts('a', { state: 'draining' }) }],
    ['warning', 'it drops', { report: reportFacts('a', [], { droppedPerSecond: 0.5 }) }],
    ['healthy', 'its event loop is full for a moment', { loopBusyMs: 3_000 }],
    ['warning', 'its event loop stays full', { loopBusyMs: 11_000 }],
    ['warning', 'it gets messages past its neighbours', { report: ill('neighborsBypassed') }],
    ['critical', 'its certificate has expired', { report: ill('cacheUnwritten', 'certificateExpired') }],
    ['warning', 'one end alone reports a link', { halfLinks: 1 }],
  ] as const)('says %s when %s', (health, _, difference) => {
    const verdict = healthOf({ ...well, ...difference }, defaultHealthLimits);
    expect(verdict.health).toBe(health);
    expect(verdict.reasons.length > 0).toBe(health !== 'healthy');
  });

  it('gives the worst reason first, and all of them', () => {
    const { reasons } = healthOf({ ...well, degree: 0, halfLinks: 2 }, defaultHealthLimits);
    expect(reasons).toEqual(['Has no link', '2 one-sided links']);
    const told = healthOf({ ...well, report: ill('cacheUnwritten', 'authorityExpired') }, defaultHealthLimits);
    expect(told.reasons).toEqual(['An authority that it trusts has expired', 'Cannot write down whom it met']);
  });
});
