'use client';

import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { formatMs } from '../../ui/format.ts';
import styles from './console.module.css';
import { post } from './post.ts';
import { ProblemLine } from './problem-line.tsx';
import type { QueryLine } from './query-line.ts';

/** Asks the whole mesh, and shows hits as they are found. */
export function QueryForm(properties: { readonly peer: string; readonly nameOf: (peer: string) => string }): ReactNode {
  const { peer, nameOf } = properties;
  const [text, setText] = useState('');
  const [lines, setLines] = useState<readonly QueryLine[]>([]);
  const [isBusy, setBusy] = useState(false);
  const abort = useRef<AbortController | null>(null);

  const ask = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setBusy(true);
    setLines([]);
    const answer = await post('/api/query', { text, peer }, controller.signal);
    if (!(answer instanceof Response)) setLines([{ kind: 'problem', problem: answer }]);
    else {
      try {
        for await (const line of linesOf(answer)) setLines((before) => [...before, line]);
      } catch {
        // Superseded by the next question.
      }
    }
    if (abort.current === controller) setBusy(false);
  };
  return (
    <form className={styles.card} onSubmit={ask} aria-label="Query">
      <h2>Query</h2>
      <div className={styles.ask}>
        <input
          name="text"
          aria-label="Words to search for in the whole mesh"
          placeholder="words to look for"
          value={text}
          onChange={(event) => setText(event.target.value)}
          required
        />
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Ask
        </button>
      </div>
      <ul className={styles.hits} data-testid="hits" aria-live="polite">
        {lines.map((line, number) => (
          // Lines are only ever added at the end.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={number}>
            <QueryResult line={line} nameOf={nameOf} />
          </li>
        ))}
      </ul>
    </form>
  );
}

function QueryResult(properties: { readonly line: QueryLine; readonly nameOf: (peer: string) => string }): ReactNode {
  const { line, nameOf } = properties;
  switch (line.kind) {
    case 'hit':
      return (
        <>
          <b>{line.id}</b> <span>at {nameOf(line.peerId)}</span>
          <pre>{JSON.stringify(line.fields)}</pre>
        </>
      );
    case 'summary':
      return (
        <p data-complete={line.isComplete}>
          {line.hits === 1 ? '1 hit' : `${line.hits} hits`} in {formatMs(line.elapsedMs)}. {line.peersAnswered} of{' '}
          {line.peersAsked} peers answered, {line.messagesSpent} messages spent.{' '}
          {line.isComplete ? 'Complete.' : `Incomplete (${line.reason}).`}
        </p>
      );
    case 'problem':
      return <ProblemLine problem={line.problem} />;
  }
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
