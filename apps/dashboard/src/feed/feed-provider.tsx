'use client';

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { type FeedState, FeedStore } from './feed-store.ts';

/** The past that is shown in place of now; null: now is. */
export const PastContext = createContext<FeedState | null>(null);

const FeedContext = createContext<FeedStore | null>(null);

/** Opens the feed once for all pages below. */
export function FeedProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [store] = useState(() => new FeedStore());
  useEffect(() => store.start(), [store]);
  return <FeedContext value={store}>{children}</FeedContext>;
}

/** What is shown: the feed's state, or the past that somebody looks at. The component renders again when it changes. */
export function useFeed(): FeedState {
  const live = useLiveFeed();
  return useContext(PastContext) ?? live;
}

/** The feed's state as it is now, whatever is shown. */
export function useLiveFeed(): FeedState {
  const store = useContext(FeedContext);
  if (store === null) throw new Error('useFeed outside of FeedProvider');
  return useSyncExternalStore(store.subscribe, store.state, () => FeedStore.serverState);
}
