'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import type { MeshProblem } from '../../server/mesh-client.ts';
import { getJson } from '../../ui/post.ts';
import type { BanList } from './ban-list.ts';

/** What is known of bans: the last answer stays while it is asked again, and when that comes to nothing. */
export interface Bans {
  readonly list: BanList | null;
  readonly isBusy: boolean;
  /** Why the last round came to nothing; null: it did not. */
  readonly problem: MeshProblem | null;
  /** When it last was tried in vain, ms since 1970; 0: it was not. */
  readonly failedAt: number;
}

/** Asked again so long after an answer, while the page is seen. Guess: a ban lasts a minute at the least. */
const againMs = 15_000;
/** Asking takes at most this share of the time, however many peers there are. Guess. */
const dutyMax = 0.1;

/** Asks all peers of bans: at once, whenever `cue` changes, every now and then while the page is seen, and when told to. */
export function useBans(cue: string): [Bans, () => void] {
  const [bans, setBans] = useState<Bans>({ list: null, isBusy: true, problem: null, failedAt: 0 });
  const abort = useRef<AbortController | null>(null);
  const ask = useCallback(async (): Promise<void> => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setBans((before) => ({ ...before, isBusy: true }));
    const answer = await getJson<BanList>('/api/bans', controller.signal);
    if (controller.signal.aborted) return;
    setBans(({ list }) =>
      'problem' in answer
        ? { list, isBusy: false, problem: answer.problem, failedAt: Date.now() }
        : { list: answer.value, isBusy: false, problem: null, failedAt: 0 },
    );
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the cue says that something changed
  useEffect(() => {
    void ask();
    return () => abort.current?.abort();
  }, [ask, cue]);
  useEffect(() => {
    if (bans.isBusy) return;
    const pauseMs = Math.max(againMs, (bans.list?.tookMs ?? 0) / dutyMax);
    const timer = setInterval(() => document.hidden || void ask(), pauseMs);
    return () => clearInterval(timer);
  }, [ask, bans]);
  return [bans, () => void ask()];
}
