'use client';

import type { MeshPicture } from '@starling/topology';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useUrlState } from '../ui/use-url-state.ts';
import { PastContext, useLiveFeed } from './feed-provider.tsx';
import { pictureThen, unpacked } from './past-picture.ts';

interface Shown {
  readonly at: number;
  readonly known: number;
  readonly picture: MeshPicture;
}

/** Shows the moment that the address names in place of now, to all below. What is drawn stays until the next one has come. */
export function PastProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const live = useLiveFeed();
  const [{ past: moment }, change] = useUrlState();
  const [shown, setShown] = useState<Shown | null>(null);
  const { picture: now, hasPicture } = live;
  useEffect(() => {
    // Changes come with the live picture: without it, those of then are not known yet.
    if (moment === '' || !hasPicture) {
      setShown(null);
      return;
    }
    const abort = new AbortController();
    fetch(`/api/past?at=${moment}`, { signal: abort.signal })
      .then(async (response) => {
        const past = await unpacked(response);
        if (abort.signal.aborted) return;
        setShown({ at: past.at, known: past.known, picture: pictureThen(past, now.changes) });
      })
      .catch(() => {
        if (!abort.signal.aborted) change({ past: '' });
      });
    return () => abort.abort();
  }, [moment, hasPicture, now, change]);
  const state = useMemo(() => {
    if (shown === null) return null;
    const { at, known, picture } = shown;
    const history = live.history.filter((totals) => totals.at <= at);
    return { ...live, picture, known, history, pastAt: at, revision: at };
  }, [shown, live]);
  return <PastContext value={state}>{children}</PastContext>;
}
