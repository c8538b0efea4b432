import type { FeedState } from './feed-store.ts';

/** How far the pages can be believed. */
export interface Freshness {
  readonly state: 'loading' | 'empty' | 'live' | 'stale' | 'past';
  /** Age of what is shown in seconds; 0 while nothing is. */
  readonly ageSeconds: number;
  /** Why it is stale or missing, for people; empty when live. */
  readonly reason: string;
}

/** A peer sends something at least every 5 s; twice that and a little, and what is shown is old. */
const staleMs = 11_000;

/** Judges the feed at `now`, by this browser's clock. */
export function freshnessOf(feed: FeedState, now: number): Freshness {
  const { status, hasPicture, isConnected, heardAt } = feed;
  if (feed.pastAt !== null) {
    return {
      state: 'past',
      ageSeconds: Math.max(0, Math.floor((now - feed.pastAt) / 1000)),
      reason: 'This is the past',
    };
  }
  if (!hasPicture) {
    if (feed.isUnreadable) return { state: 'empty', ageSeconds: 0, reason: 'What the server says cannot be read' };
    // Nothing yet. Once a whole round of addresses failed it is no longer loading: say what is wrong.
    if (!isConnected && feed.isLost)
      return { state: 'empty', ageSeconds: 0, reason: 'The dashboard’s server does not answer' };
    const last = status?.tries.at(-1);
    if (last === undefined) return { state: 'loading', ageSeconds: 0, reason: '' };
    return { state: 'empty', ageSeconds: 0, reason: `${last.address} ${last.message}` };
  }
  const ageMs = Math.max(0, now - heardAt);
  const ageSeconds = Math.floor(ageMs / 1000);
  if (feed.isUnreadable) {
    return { state: 'stale', ageSeconds, reason: 'The dashboard’s server is of another version: reload this page' };
  }
  if (!isConnected) return { state: 'stale', ageSeconds, reason: 'The dashboard’s server does not answer' };
  if (status?.phase === 'lost') {
    const tried =
      status.tries.length === 1
        ? 'The peer that served this is gone'
        : `${status.tries.length} of ${status.addresses} peers do not answer`;
    return { state: 'stale', ageSeconds, reason: `${tried}; another one is looked for` };
  }
  if (ageMs > staleMs) return { state: 'stale', ageSeconds, reason: 'The peer that serves this has fallen silent' };
  return { state: 'live', ageSeconds, reason: '' };
}
