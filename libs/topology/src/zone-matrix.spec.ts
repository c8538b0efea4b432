import { describe, expect, it } from 'vitest';
import { edgeRttMs } from './edge.ts';
import { MeshPicture } from './mesh-picture.ts';
import { linkFacts, peerFacts, reportFacts } from './sample.ts';
import { pictureOf } from './sample-mesh.ts';
import { linksBetween, matrixZonesMax, zoneMatrix } from './zone-matrix.ts';

describe('the matrix of zones', () => {
  it('counts each link in one pair and takes the median of its round trips', () => {
    const picture = new MeshPicture();
    const to = (id: string, rttMs: number | null, role: 'eager' | 'lazy' = 'lazy') =>
      linkFacts(id, role, { rttMs, messagesOutPerSecond: 2 });
    const inZone = (zone: string) => (id: string, links: ReturnType<typeof to>[]) => ({
      ...reportFacts(id, links),
      peer: peerFacts(id, { zone }),
    });
    const [east, west] = [inZone('east'), inZone('west')];
    picture.reset(1, {
      reports: [
        east('e1', [to('e2', 0.5, 'eager'), to('w1', 10), to('w2', 30)]),
        east('e2', [to('e1', 0.5, 'eager'), to('w1', 20)]),
        west('w1', [to('e1', 10), to('e2', 20)]),
        west('w2', [to('e1', 30)]),
      ],
      silentPeers: [peerFacts('n', { zone: '' })],
    });
    const { zones, pairs } = zoneMatrix(picture);
    expect(zones.map(({ zone, peers }) => [zone, peers])).toEqual([
      ['', 1],
      ['east', 2],
      ['west', 2],
    ]);
    expect(zones[0]?.health).toMatchObject({ unknown: 1 });
    expect(pairs[1]?.[2]).toEqual({ links: 3, treeLinks: 0, rttP50Ms: 20, rttMaxMs: 30, messagesPerSecond: 12 });
    expect(pairs[2]?.[1]).toEqual(pairs[1]?.[2]);
    expect(pairs[1]?.[1]).toMatchObject({ links: 1, treeLinks: 1, rttP50Ms: 0.5 });
    expect([pairs[0]?.[0], pairs[0]?.[1], pairs[2]?.[2]]).toEqual([null, null, null]);
    expect(linksBetween(picture, zones, 2, 1).map(edgeRttMs)).toEqual([30, 20, 10]);
  });

  it('has no link twice and none missing, however many zones there are', () => {
    for (const count of [1, 5, matrixZonesMax, matrixZonesMax + 7]) {
      const picture = pictureOf(300, count);
      const { zones, pairs } = zoneMatrix(picture);
      const links = pairs.flatMap((row, i) => row.map((pair, j) => (j >= i ? (pair?.links ?? 0) : 0)));
      expect(links.reduce((sum, own) => sum + own, 0)).toBe(picture.edges.size);
      expect(zones.reduce((sum, { peers }) => sum + peers, 0)).toBe(300);
      expect(zones.reduce((sum, zone) => sum + zone.zones, 0)).toBe(count);
      expect(zones.length).toBe(Math.min(count, matrixZonesMax));
      const last = zones.length - 1;
      expect(linksBetween(picture, zones, last, last)).toHaveLength(pairs[last]?.[last]?.links ?? 0);
    }
  });
});
