import { Rng } from '@starling/kernel';
import { describe, expect, test } from 'vitest';
import { info } from './bench.test-support.ts';
import { Places, sources } from './places.ts';
import { Rank } from './rank.ts';

const peers = Array.from({ length: 300 }, (_, i) => info(`p${i}`));

/** The number of the peer that ranks best at each place. */
function bestFor(self: number): number[] {
  const rank = new Rank(info(`p${self}`), 7);
  const best = new Array<number>(7).fill(-1);
  const least = new Array<number>(7).fill(Number.POSITIVE_INFINITY);
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

describe('ranks', () => {
  test('whoever is next on a circle has us next the other way round: everybody can have what it deserves at once', () => {
    const best = peers.map((_, i) => bestFor(i));
    for (const [i, mine] of best.entries()) {
      for (const place of [0, 2, 4]) {
        expect(best[mine[place] as number]?.[place + 1]).toBe(i);
        expect(best[mine[place + 1] as number]?.[place]).toBe(i);
      }
    }
  });

  test('the last place is a pair: both ends give it the same rank', () => {
    const [a, b] = [new Rank(info('p1'), 7), new Rank(info('p2'), 7)];
    expect(a.at(6, info('p2'))).toBe(b.at(6, info('p1')));
  });

  test('circles prefer the own zone and pairs another one; an unknown zone is between', () => {
    const rank = new Rank(info('self', { zone: 'z1' }), 7);
    const [near, unknown, far] = ['z1', '', 'z2'].map((zone) => rank.of(info('p1', { zone })).slice());
    for (let place = 0; place < 6; place++) {
      expect(near?.[place]).toBeLessThan(unknown?.[place] as number);
      expect(unknown?.[place]).toBeLessThan(far?.[place] as number);
    }
    expect(far?.[6]).toBeLessThan(unknown?.[6] as number);
    expect(unknown?.[6]).toBeLessThan(near?.[6] as number);
  });

  test('two places are one circle over all zones: pairs alone would make many small meshes', () => {
    const rank = new Rank(info('self', { zone: 'z1' }), 2);
    const [near, far] = ['z1', 'z2'].map((zone) => rank.of(info('p1', { zone })).slice());
    expect(rank.onCircles).toBe(2);
    expect(far).toEqual(near);
    expect([0, 1].map((place) => rank.at(place, info('p1', { zone: 'z2' })))).toEqual([...(near as Float64Array)]);
  });

  test.each([1, 3, 4, 5, 7, 8])('%i places: at most two of them are pairs, and at least one', (places) => {
    const pairs = places - new Rank(info('self'), places).onCircles;
    expect(pairs).toBeGreaterThanOrEqual(1);
    expect(pairs).toBeLessThanOrEqual(2);
  });
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
