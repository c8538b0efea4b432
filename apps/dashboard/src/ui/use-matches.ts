'use client';

import { edgeRttMs, parseFind, quantile } from '@starling/topology';
import { useMemo } from 'react';
import type { FeedState } from '../feed/feed-store.ts';

/** The peers that a find expression matches, and what in it was not understood. */
export interface Matches {
  readonly ids: ReadonlySet<string>;
  readonly problem: string | null;
}

/** Evaluates the find expression; null when there is none, so that nothing fades. */
export function useMatches({ picture, revision }: FeedState, find: string): Matches | null {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  return useMemo(() => {
    const query = parseFind(find);
    if (query.isEmpty && query.problem === null) return null;
    const ids = new Set<string>();
    for (const [id, view] of picture.peers) {
      const trips = picture.edgesOf(id).flatMap((edge) => edgeRttMs(edge) ?? []);
      const rttMs = quantile(
        trips.sort((one, other) => one - other),
        0.5,
      );
      if (query.matches({ view, rttMs })) ids.add(id);
    }
    return { ids, problem: query.problem };
  }, [picture, revision, find]);
}
