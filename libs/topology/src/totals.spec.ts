import { describe, expect, it } from 'vitest';
import { coverageOf } from './coverage.ts';
import { MeshPicture } from './mesh-picture.ts';
import { linkFacts, peerFacts, reportFacts } from './sample.ts';
import { quantile, totalsOf } from './totals.ts';

describe('totals', () => {
  it('count each link and each message once', () => {
    const picture = new MeshPicture();
    const toB = linkFacts('b', 'eager', { rttMs: 2, messagesOutPerSecond: 10, messagesInPerSecond: 5 });
    const toA = linkFacts('a', 'eager', { rttMs: 4, messagesOutPerSecond: 5, messagesInPerSecond: 10 });
    picture.reset(7, {
      reports: [
        reportFacts('a', [toB], { publishedPerSecond: 2, deliveredPerSecond: 3 }),
        reportFacts('b', [toA], { deliveredPerSecond: 4, droppedPerSecond: 1 }),
      ],
      silentPeers: [peerFacts('c')],
    });
    expect(totalsOf(picture)).toMatchObject({
      at: 7,
      peers: 3,
      heard: 2,
      parts: 1,
      links: 1,
      treeLinks: 1,
      published: 2,
      delivered: 7,
      dropped: 1,
      messages: 15,
      rttP50Ms: 3,
      health: { unknown: 1 },
    });
  });

  it('take quantiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 0), quantile([], 0.5)]).toEqual([
      50,
      99,
      1,
      null,
    ]);
  });
});

describe('coverage', () => {
  it.each([
    [63, 64, '63 of 64 heard', false],
    [64, 64, '64 of 64 heard', true],
    [65, 64, '65 of 65 heard', true],
    [9_812, 10_000, '9,812 of 10,000 heard', false],
    [0, 0, 'no peer known', false],
  ])('of %i and %i is “%s”', (heard, known, text, isComplete) => {
    expect(coverageOf(heard, known)).toMatchObject({ text, isComplete });
  });
});
