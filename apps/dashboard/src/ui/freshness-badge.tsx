'use client';

import type { ReactNode } from 'react';
import { useFeed } from '../feed/feed-provider.tsx';
import { freshnessOf } from '../feed/freshness.ts';
import { formatAge, shortId } from './format.ts';
import { useNow } from './use-now.ts';

const words = { loading: 'Connecting', empty: 'No mesh', live: 'Live', stale: 'Stale', past: 'Then' } as const;

/** Whether what is on the page is now, and if not, how old and why. */
export function FreshnessBadge(): ReactNode {
  const feed = useFeed();
  const now = useNow();
  const { state, ageSeconds, reason } = freshnessOf(feed, now);
  const { status, picture } = feed;
  const server = status?.servedBy ? picture.peers.get(status.servedBy)?.peer.name || shortId(status.servedBy) : '';
  const note =
    state === 'stale' || state === 'past'
      ? `${formatAge(ageSeconds * 1_000)} old`
      : state === 'live' && server !== ''
        ? `by ${server}`
        : '';
  return (
    <span className="freshness" data-state={state} data-testid="freshness" title={reason || status?.address}>
      <i aria-hidden="true" />
      <span role="status">{words[state]}</span>
      {/* Not part of the status: it ticks, and would be said every second. */}
      {note !== '' && <small>{note}</small>}
    </span>
  );
}
