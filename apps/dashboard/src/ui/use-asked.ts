'use client';

import { useEffect, useRef, useState } from 'react';
import type { MeshProblem } from '../server/mesh-client.ts';
import { post } from './post.ts';

/** How a question to our own server stands. */
export type Asked<A> =
  | { readonly state: 'idle' }
  | { readonly state: 'busy' }
  | { readonly state: 'answered'; readonly answer: A }
  | { readonly state: 'refused'; readonly problem: MeshProblem };

/** One question at a time: a new one supersedes the one that is under way, and so does going away. */
export function useAsked<A>(path: string): [Asked<A>, (body: unknown, token: string) => Promise<Asked<A> | null>] {
  const [asked, setAsked] = useState<Asked<A>>({ state: 'idle' });
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  /** What came of it; null when it was superseded. */
  const ask = async (body: unknown, token: string): Promise<Asked<A> | null> => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setAsked({ state: 'busy' });
    const answer = await post(path, body, token, controller.signal);
    const result: Asked<A> =
      answer instanceof Response
        ? { state: 'answered', answer: (await answer.json()) as A }
        : { state: 'refused', problem: answer };
    if (abort.current !== controller || controller.signal.aborted) return null;
    setAsked(result);
    return result;
  };
  return [asked, ask];
}
