import { MeshPicture } from '@starling/topology';
import { describe, expect, it } from 'vitest';
import type { FeedState } from './feed-store.ts';
import { freshnessOf } from './freshness.ts';

const status = { phase: 'live', servedBy: 'a', address: 'a:1', tries: [], addresses: 1 } as const;
const live: FeedState = {
  picture: new MeshPicture(),
  revision: 1,
  known: 1,
  status,
  isConnected: true,
  isLost: false,
  isUnreadable: false,
  hasPicture: true,
  heardAt: 100_000,
  history: [],
  pastAt: null,
};

describe('freshness', () => {
  it.each<[string, Partial<FeedState>, number]>([
    ['live', {}, 101_000],
    ['live', {}, 110_000],
    ['stale', {}, 112_000],
    ['stale', { isConnected: false }, 101_000],
    ['stale', { isUnreadable: true }, 101_000],
    ['stale', { status: { ...status, phase: 'lost' } }, 101_000],
    ['loading', { hasPicture: false, status: null }, 101_000],
    ['loading', { hasPicture: false, status: { ...status, phase: 'connecting' } }, 101_000],
    [
      'empty',
      {
        hasPicture: false,
        status: {
          ...status,
          phase: 'connecting',
          tries: [{ address: 'a:1', trouble: 'unreachable', message: 'does not answer' }],
        },
      },
      101_000,
    ],
    ['empty', { hasPicture: false, status: null, isConnected: false, isLost: true }, 101_000],
    ['loading', { hasPicture: false, status: null, isConnected: false }, 101_000],
  ])('is %s with %o at %i', (state, difference, now) => {
    expect(freshnessOf({ ...live, ...difference }, now).state).toBe(state);
  });

  it('is “past” while the past is shown, as old as that is', () => {
    const picture = new MeshPicture();
    picture.reset(40_000, { reports: [], silentPeers: [] });
    expect(freshnessOf({ ...live, picture, pastAt: 40_000 }, 100_500)).toMatchObject({ state: 'past', ageSeconds: 60 });
  });

  it('says how old what is shown is', () => {
    expect(freshnessOf(live, 130_400).ageSeconds).toBe(30);
  });
});
