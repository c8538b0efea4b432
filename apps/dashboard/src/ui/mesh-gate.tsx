'use client';

import type { ReactNode } from 'react';
import { useFeed } from '../feed/feed-provider.tsx';
import { freshnessOf } from '../feed/freshness.ts';
import { Notice } from './notice.tsx';
import { useNow } from './use-now.ts';

/** Shows a page once there is a mesh to show, and before that says what is missing; over old data it hangs a sign. */
export function MeshGate({ children }: { readonly children: ReactNode }): ReactNode {
  const feed = useFeed();
  const { state, ageSeconds, reason } = freshnessOf(feed, useNow());
  if (state === 'loading') return <Notice tone="busy" title="Looking for the mesh" />;
  if (state === 'empty') {
    return (
      <Notice tone="calm" title="No peer answers yet">
        <p>
          {feed.status?.addresses === 1 ? 'One address is' : `${feed.status?.addresses ?? 0} addresses are`} being
          tried, again and again; this page fills itself as soon as one answers.
        </p>
        <p className="notice-detail">
          Last try: <code>{reason}</code>
        </p>
        <p>
          Start a mesh with <code>npm start</code>, or name its peers in <code>STARLING_PEERS</code>.
        </p>
      </Notice>
    );
  }
  if (feed.picture.peers.size === 0) {
    return (
      <Notice tone="calm" title="The mesh is empty">
        <p>A peer answers but knows of none, not even itself. It is probably starting.</p>
      </Notice>
    );
  }
  return (
    <div className="gate" data-state={state}>
      {state === 'stale' && (
        <p className="stale-banner" role="alert">
          <b>This is {ageSeconds} s old.</b> {reason}
        </p>
      )}
      {children}
    </div>
  );
}
