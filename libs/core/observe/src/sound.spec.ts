import { describe, expect, it } from 'vitest';
import type { LinkReport, PeerReport } from './messages.ts';
import { isSound } from './sound.ts';

const link: LinkReport = {
  ...{ peer: 'b', role: 'eager', rttMs: 0.4, messagesInPerSecond: 1, messagesOutPerSecond: 1 },
  ...{ bytesInPerSecond: 100, bytesOutPerSecond: 100, duplicatesPerSecond: 0 },
};
const report: PeerReport = {
  info: { id: 'a', address: 'a:7400', apiAddress: 'a:7401', incarnation: 1, zone: '', name: 'a' },
  ...{ number: 1, state: 'ready', links: [link], deliveredPerSecond: 0.5, publishedPerSecond: 0, droppedPerSecond: 0 },
  ...{ passiveSize: 3, documents: 1, heapBytes: 1e8, loopUtilization: 0.1, conditions: [] },
};
const hostile = [Number.NaN, Number.POSITIVE_INFINITY, -2];

describe('a report', () => {
  it('is sound when it can be true, a round trip unmeasured or not', () => {
    expect(isSound(report)).toBe(true);
    expect(isSound({ ...report, links: [{ ...link, rttMs: -1 }] })).toBe(true);
    expect(isSound({ ...report, links: Array<LinkReport>(256).fill(link) })).toBe(true);
  });

  it.each([
    ['number', 0.5],
    ['documents', 2 ** 53],
    ['passiveSize', 1.5],
    ...(['number', 'documents', 'deliveredPerSecond', 'heapBytes', 'loopUtilization'] as const).flatMap((field) =>
      hostile.map((value) => [field, value] as const),
    ),
  ] as const)('is not, with %s %d', (field, value) => {
    expect(isSound({ ...report, [field]: value })).toBe(false);
  });

  it.each([
    ['rttMs', 1e300],
    ['peer', 'x'.repeat(257)],
    ...(['rttMs', 'bytesInPerSecond', 'duplicatesPerSecond'] as const).flatMap((field) =>
      hostile.map((value) => [field, value] as const),
    ),
  ] as const)('is not, with a link of %s %s', (field, value) => {
    expect(isSound({ ...report, links: [{ ...link, [field]: value }] })).toBe(false);
  });

  it('tells of no more links than a peer can have', () => {
    expect(isSound({ ...report, links: Array<LinkReport>(257).fill(link) })).toBe(false);
  });
});
