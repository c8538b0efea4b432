'use client';

import { useRef, useState } from 'react';
import { post } from '../../ui/post.ts';
import { consoleToken } from './console-token.ts';
import type { QueryLine, TracePart } from './query-line.ts';

/** What is asked of the whole mesh. */
export interface Question {
  readonly text: string;
  readonly peer: string;
  readonly strategy: string;
  readonly trace: boolean;
}

/** A question under way, or answered: its lines as they come. */
export interface QueryRun {
  readonly lines: readonly QueryLine[];
  readonly isBusy: boolean;
  /** Whether anything was asked yet. */
  readonly hasAsked: boolean;
  readonly ask: (question: Question) => Promise<void>;
}

/** Asks the mesh, and collects hits as they are found; the way that the question took goes to `onTrace`, all parts at once. */
export function useQuery(onTrace: (parts: readonly TracePart[] | null) => void): QueryRun {
  const [lines, setLines] = useState<readonly QueryLine[]>([]);
  const [isBusy, setBusy] = useState(false);
  const [hasAsked, setAsked] = useState(false);
  const abort = useRef<AbortController | null>(null);

  const ask = async (question: Question): Promise<void> => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setBusy(true);
    setAsked(true);
    setLines([]);
    onTrace(null);
    const parts: TracePart[] = [];
    const answer = await post('/api/query', question, consoleToken(), controller.signal);
    if (abort.current !== controller) return;
    if (!(answer instanceof Response)) setLines([{ kind: 'problem', problem: answer }]);
    else {
      try {
        for await (const line of linesOf(answer)) {
          if (line.kind === 'trace') parts.push(line.part);
          else setLines((before) => [...before, line]);
        }
        if (parts.length > 0 && abort.current === controller) onTrace(parts);
      } catch {
        // Superseded by the next question.
      }
    }
    if (abort.current === controller) setBusy(false);
  };
  return { lines, isBusy, hasAsked, ask };
}

async function* linesOf(response: Response): AsyncGenerator<QueryLine> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as QueryLine;
  }
}
