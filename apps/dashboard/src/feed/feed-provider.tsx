'use client';

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { type FeedState, FeedStore } from './feed-store.ts';

const FeedContext = createContext<FeedStore | null>(null);

/** Opens the feed once for all pages below. */
export function FeedProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [store] = useState(() => new FeedStore());
  useEffect(() => store.start(), [store]);
  return <FeedContext value={store}>{children}</FeedContext>;
}

/** The feed's state; the component renders again when it changes. */
export function useFeed(): FeedState {
  const store = useContext(FeedContext);
  if (store === null) throw new Error('useFeed outside of FeedProvider');
  return useSyncExternalStore(store.subscribe, store.state, () => FeedStore.serverState);
}
