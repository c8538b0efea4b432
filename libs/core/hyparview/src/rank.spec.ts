import { type PeerInfo, Rng } from '@starling/kernel';
import { describe, expect, test } from 'vitest';
import { info } from './bench.test-support.ts';
import { Places, sources } from './places.ts';
import { placesOf, Rank } from './rank.ts';

const peers = Array.from({ length: 300 }, (_, i) => info(`p${i}`));

/** The number of the peer that ranks best at each place. */
function bestFor(self: number, capacity: number): number[] {
  const rank = new Rank(info(`p${self}`), capacity);
  const best = new Array<number>(rank.places).fill(-1);
  const least = new Array<number>(rank.places).fill(Number.POSITIVE_INFINITY);
  for (const [i, peer] of peers.entries()) {
    if (i === self) continue;
    for (const [place, value] of rank.of(peer).entries()) {
      if (value >= (least[place] as number)) continue;
      least[place] = value;
      best[place] = i;
    }
  }
  return best;
}

/** Ids of which one has six places of seven, one eight. */
const [six = '', eight = ''] = [6, 8].map((places) => peers.find(({ id }) => placesOf(id, 7) === places)?.id);

describe('ranks', () => {
  // Whoever accepts everybody wins twice its share of places that are not mutual.
  test.each([2, 3, 7, 8])('%i places: whoever is best at one has us best the other way round', (capacity) => {
    const best = peers.map((_, i) => bestFor(i, capacity));
    for (const [i, mine] of best.entries()) {
      for (const [place, next] of mine.entries()) {
        const back = best[next]?.filter((peer, its) => peer === i && its % 2 !== place % 2) ?? [];
        expect(back.length, `place ${place} of p${i}`).toBeGreaterThan(0);
      }
    }
  });

  test.each([2, 3, 4, 7, 8, 20])('%i places on average, for each peer a whole number of circles', (capacity) => {
    const counts = peers.map((peer) => new Rank(peer, capacity).places);
    for (const count of counts) {
      expect(count % 2).toBe(0);
      expect(Math.abs(count - capacity)).toBe(capacity % 2);
    }
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(Math.abs(mean - capacity)).toBeLessThan(0.1);
  });

  test('who is not on a circle ranks nowhere on it', () => {
    const rank = new Rank(info(eight), 7);
    const missing = [...rank.of(info(six))].flatMap((value, place) =>
      value === Number.POSITIVE_INFINITY ? place : [],
    );
    expect(missing).toEqual([4, 5]);
    expect(missing.map((place) => rank.at(place, info(six)))).toEqual([rank.at(4, info(six)), rank.at(4, info(six))]);
    expect(rank.at(4, info(six))).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([six, eight])(
    'circles prefer the own zone, an unknown one is between; the last joins all zones (%s)',
    (id) => {
      const rank = new Rank(info(id, { zone: 'z1' }), 7);
      const asker = peers.find((peer) => peer.id !== id && placesOf(peer.id, 7) === 8) as PeerInfo;
      const [near, unknown, far] = ['z1', '', 'z2'].map((zone) => rank.of({ ...asker, zone }).slice());
      for (let place = 0; place < rank.places - 2; place++) {
        expect(near?.[place]).toBeLessThan(unknown?.[place] as number);
        expect(unknown?.[place]).toBeLessThan(far?.[place] as number);
      }
      const last = rank.places - 2;
      expect(far?.slice(last)).toEqual(near?.slice(last));
      expect([last, last + 1].map((place) => rank.at(place, { ...asker, zone: 'z2' }))).toEqual([
        ...(near as Float64Array).slice(last),
      ]);
    },
  );
});

describe('places', () => {
  const rng = new Rng(1);
  const making = () => new Places(info('self'), 7, 4, 1_000);
  const anybody = () => true;

  test('a claimant is better than the neighbour it would replace; who is worse than all is none', () => {
    const places = making();
    for (const peer of peers.slice(0, 20)) places.add(peer);
    for (const peer of peers) places.heard(0, peer, sources.trusted);
    for (let claimant = places.claimant(rng, anybody); claimant; claimant = places.claimant(rng, anybody)) {
      expect(places.deserves(claimant)).toBe(true);
      places.add(claimant);
    }
    expect(peers.filter((peer) => places.deserves(peer))).toEqual([]);
  });

  test('only those that are best at no place are expendable', () => {
    const places = making();
    const seven = peers.slice(0, 7);
    for (const peer of seven) places.add(peer);
    for (let peer = places.expendable(rng); peer; peer = places.expendable(rng)) {
      places.remove(peer.id);
      expect(places.deserves(peer)).toBe(false);
    }
  });

  test('one neighbour cannot crowd out what another one tells, however often and however well it lies', () => {
    const places = making();
    const [liar, honest] = [info('liar'), info('honest')];
    places.add(liar);
    places.add(honest);
    const truth = peers.find((peer) => places.deserves(peer)) ?? info('none');
    places.heard(0, truth, 'honest');
    for (let i = 0; i < 5_000; i++) places.heard(0, info(`forged-${i}`), 'liar');
    expect(places.claimant(rng, ({ id }) => id === truth.id)).toBe(truth);
  });

  test('who was asked in vain is not asked again for a while, whoever names it', () => {
    const places = making();
    places.heard(0, info('a'), sources.self);
    places.askedInVain(0, 'a');
    places.heard(999, info('a'), sources.stranger);
    expect(places.claimant(rng, anybody)).toBeUndefined();
    places.heard(1_000, info('a'), sources.stranger);
    expect(places.claimant(rng, anybody)?.id).toBe('a');
  });

  test('what a neighbour told is forgotten with it', () => {
    const places = making();
    places.add(info('teller'));
    for (const peer of peers) places.heard(0, peer, 'teller');
    expect(places.claimant(rng, anybody)).toBeDefined();
    places.remove('teller');
    expect(places.claimant(rng, anybody)).toBeUndefined();
  });
});
