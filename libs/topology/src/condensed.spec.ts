import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CondensedPicture, condense, zoneKey, zoneOfKey } from './condensed.ts';
import { edgeMessagesPerSecond } from './edge.ts';
import { defaultFoldingConfig, drawnPeers, isFoldedAt } from './folding.ts';
import type { MeshPicture } from './mesh-picture.ts';
import { reportFacts } from './sample.ts';
import { pictureOf } from './sample-mesh.ts';

/** Every peer and every link of the picture once, whatever is folded. */
function expectExact(picture: MeshPicture, { zones, peers, bundles }: CondensedPicture): void {
  const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
  expect(sum(zones.map(({ folded }) => folded)) + peers.size).toBe(picture.peers.size);
  expect(sum(zones.map((zone) => zone.peers))).toBe(picture.peers.size);
  expect(sum(zones.flatMap(({ health }) => Object.values(health)))).toBe(picture.peers.size);
  const inner = sum(zones.map(({ innerLinks }) => innerLinks));
  expect(sum([...bundles.values()].map(({ links }) => links)) + inner).toBe(picture.edges.size);
}

const nothingOpen = { open: new Set<string>(), selected: '', matches: null };

describe.each([
  [2_500, 3],
  [10_000, 12],
])('a picture of %i peers in %i zones, folded', (size, zoneCount) => {
  const picture = pictureOf(size, zoneCount);

  it('is one node per zone, and one line between two of them', () => {
    const condensed = condense(picture, drawnPeers(picture, nothingOpen));
    expect(condensed.zones.map(({ zone }) => zone).sort()).toEqual(
      Array.from({ length: zoneCount }, (_, i) => `zone-${i}`).sort(),
    );
    expect(condensed.peers.size).toBe(0);
    expect(condensed.bundles.size).toBe((zoneCount * (zoneCount - 1)) / 2);
    expectExact(picture, condensed);
  });

  it('draws an open zone peer by peer, and the rest still as zones', () => {
    const condensed = condense(picture, drawnPeers(picture, { ...nothingOpen, open: new Set(['zone-1']) }));
    const own = [...picture.peers.values()].filter(({ peer }) => peer.zone === 'zone-1');
    expect(condensed.peers).toEqual(new Set(own.map(({ peer }) => peer.id)));
    expect(condensed.zones.find(({ zone }) => zone === 'zone-1')).toMatchObject({ peers: own.length, folded: 0 });
    expectExact(picture, condensed);
  });

  it('draws the selected peer with its neighbours out of closed zones', () => {
    const condensed = condense(picture, drawnPeers(picture, { ...nothingOpen, selected: 'peer-7' }));
    expect(condensed.peers.has('peer-7')).toBe(true);
    expect(condensed.peers.size).toBe(1 + picture.edgesOf('peer-7').length);
    for (const edge of picture.edgesOf('peer-7')) expect(condensed.bundles.get(edge.key)?.links).toBe(1);
    expectExact(picture, condensed);
  });

  it('adds up what flows between zones, and takes the median of the round trips', () => {
    const { bundles } = condense(picture, () => false);
    const between = [...picture.edges.values()].filter(({ a, b }) => {
      const zones = [a, b].map((id) => picture.peers.get(id)?.peer.zone).sort();
      return zones[0] === 'zone-0' && zones[1] === 'zone-2';
    });
    const bundle = bundles.get(`${zoneKey('zone-0')}~${zoneKey('zone-2')}`);
    expect(bundle?.links).toBe(between.length);
    expect(bundle?.role).toBe('tree');
    expect(bundle?.messagesPerSecond).toBeCloseTo(
      between.reduce((total, edge) => total + edgeMessagesPerSecond(edge), 0),
      6,
    );
    expect(bundle?.rttP50Ms).toBeGreaterThan(1);
    expect(bundle?.rttP50Ms).toBeLessThan(4);
  });
});

describe('what is drawn out of closed zones', () => {
  it('are peers in trouble while they are few; a crowd stays a number', () => {
    const picture = pictureOf(2_500, 3);
    const drop = (count: number): void =>
      picture.apply(2_000, {
        reports: Array.from({ length: count }, (_, i) => {
          const held = picture.peers.get(`peer-${i}`)?.report;
          return { ...(held ?? reportFacts(`peer-${i}`)), droppedPerSecond: 1 };
        }),
        silentPeers: [],
        removedPeers: [],
      });
    drop(5);
    expect(condense(picture, drawnPeers(picture, nothingOpen)).peers.size).toBe(5);
    drop(defaultFoldingConfig.revealedPeersMax + 1);
    const crowd = condense(picture, drawnPeers(picture, nothingOpen));
    expect(crowd.peers.size).toBe(0);
    expect(crowd.zones.map(({ health }) => health.warning)).toEqual([67, 67, 67]);
    expectExact(picture, crowd);
  });

  it('are peers found, likewise', () => {
    const picture = pictureOf(2_500, 3);
    const matches = new Set(['peer-1', 'peer-2']);
    expect(condense(picture, drawnPeers(picture, { ...nothingOpen, matches })).peers).toEqual(matches);
    const all = new Set(picture.peers.keys());
    expect(condense(picture, drawnPeers(picture, { ...nothingOpen, matches: all })).peers.size).toBe(0);
  });
});

it('counts each peer and each link once, whatever is drawn', () => {
  const picture = pictureOf(60, 4, 5);
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (drawn) => {
      const ids = [...picture.peers.keys()];
      expectExact(
        picture,
        condense(picture, ({ peer }) => drawn[ids.indexOf(peer.id)] === true),
      );
    }),
    { numRuns: 60 },
  );
});

it('folds above the bound, and unfolds well below it', () => {
  const { drawnPeersMax } = defaultFoldingConfig;
  expect(isFoldedAt(drawnPeersMax, false)).toBe(false);
  expect(isFoldedAt(drawnPeersMax + 1, false)).toBe(true);
  expect(isFoldedAt(drawnPeersMax - 1, true)).toBe(true);
  expect(isFoldedAt(drawnPeersMax * 0.9, true)).toBe(false);
});

it('tells zones from peers by their keys', () => {
  expect(zoneOfKey(zoneKey('eu-west-1a'))).toBe('eu-west-1a');
  expect(zoneOfKey(zoneKey(''))).toBe('');
  expect(zoneOfKey('peer-1')).toBeNull();
});
