'use client';

import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { formatBytes, formatMs } from '../../ui/format.ts';
import styles from './console.module.css';
import { post } from './post.ts';
import { ProblemLine } from './problem-line.tsx';
import type { QueryLine, TracePart } from './query-line.ts';

const strategies = [
  ['auto', 'as the mesh chooses'],
  ['exhaustive', 'every peer'],
  ['summary', 'those who may have it'],
  ['guided', 'guided walks'],
  ['walk', 'random walks'],
  ['ring', 'the nearest first'],
] as const;

/** Asks the mesh, and shows hits as they are found; the way that the question took goes to `onTrace`, part by part. */
export function QueryForm(properties: {
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
  readonly onTrace: (parts: readonly TracePart[] | null) => void;
}): ReactNode {
  const { peer, nameOf, onTrace } = properties;
  const [strategy, setStrategy] = useState('auto');
  const [isTraced, setTraced] = useState(false);
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
    onTrace(null);
    const parts: TracePart[] = [];
    const answer = await post('/api/query', { text, peer, strategy, trace: isTraced }, controller.signal);
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
      <div className={styles.how}>
        <label className={styles.inline}>
          Whom
          <select name="strategy" value={strategy} onChange={(event) => setStrategy(event.target.value)}>
            {strategies.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label className={styles.check}>
          <input
            type="checkbox"
            name="trace"
            checked={isTraced}
            onChange={(event) => setTraced(event.target.checked)}
          />
          show the way
        </label>
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

const ends: Readonly<Record<string, string>> = {
  done: 'somebody was missing, or not asked',
  limit: 'enough was found',
  budget: 'the budget is spent',
  deadline: 'the time is over',
};

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
          {line.peersAsked} peers answered; {line.messagesSpent} messages, {formatBytes(line.bytesSpent)}.{' '}
          {line.isComplete ? 'Complete.' : `Not complete (${ends[line.reason] ?? line.reason}).`}
          {line.choiceReason !== '' && ` Asked by ${line.strategy}, because ${line.choiceReason}.`}
        </p>
      );
    case 'trace':
      return null;
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
