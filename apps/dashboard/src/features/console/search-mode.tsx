'use client';

import { type FormEvent, type ReactNode, useState } from 'react';
import { formatBytes, formatMs } from '../../ui/format.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import styles from './console.module.css';
import { Mode } from './mode.tsx';
import type { QueryLine, TracePart } from './query-line.ts';
import { type QueryRun, useQuery } from './use-query.ts';

const strategies = [
  ['auto', 'as the mesh chooses'],
  ['exhaustive', 'every peer'],
  ['summary', 'those who may have it'],
  ['guided', 'guided walks'],
  ['walk', 'random walks'],
  ['ring', 'the nearest first'],
] as const;

/** Searches the documents of the whole mesh; `traced` stands in place of the hits while the way of a query is shown. */
export function SearchMode(properties: {
  readonly isShown: boolean;
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
  readonly onTrace: (parts: readonly TracePart[] | null) => void;
  readonly traced: ReactNode;
}): ReactNode {
  const { isShown, peer, nameOf, onTrace, traced } = properties;
  const run = useQuery(onTrace);
  return (
    <Mode isShown={isShown} form={<QueryForm peer={peer} run={run} />}>
      {traced ?? <Hits run={run} nameOf={nameOf} />}
    </Mode>
  );
}

function QueryForm({ peer, run }: { readonly peer: string; readonly run: QueryRun }): ReactNode {
  const [strategy, setStrategy] = useState('auto');
  const [trace, setTrace] = useState(false);
  const [text, setText] = useState('');
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void run.ask({ text, peer, strategy, trace });
  };
  return (
    <form className={styles.card} onSubmit={onSubmit} aria-label="Query">
      <h2>Search documents</h2>
      <div className={styles.ask}>
        <input
          name="text"
          aria-label="Words to search for in the whole mesh"
          placeholder="words to look for"
          value={text}
          onChange={(event) => setText(event.target.value)}
          required
        />
        <button type="submit" className="button button-primary" disabled={run.isBusy}>
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
          <input type="checkbox" name="trace" checked={trace} onChange={(event) => setTrace(event.target.checked)} />
          show the way
        </label>
      </div>
      {run.lines.map((line) => (line.kind === 'summary' ? <Summary key="summary" line={line} /> : null))}
    </form>
  );
}

const ends: Readonly<Record<string, string>> = {
  done: 'somebody was missing, or not asked',
  limit: 'enough was found',
  budget: 'the budget is spent',
  deadline: 'the time is over',
};

function Summary({ line }: { readonly line: Extract<QueryLine, { kind: 'summary' }> }): ReactNode {
  return (
    <p className={styles.outcome} data-complete={line.isComplete} role="status" data-testid="query-summary">
      <b>
        {line.hits === 1 ? '1 hit' : `${line.hits} hits`} in {formatMs(line.elapsedMs)}.
      </b>{' '}
      {line.peersAnswered} of {line.peersAsked} peers answered; {line.messagesSpent} messages,{' '}
      {formatBytes(line.bytesSpent)}.{' '}
      {line.isComplete ? 'Complete.' : <em>Not complete ({ends[line.reason] ?? line.reason}).</em>}
      {line.choiceReason !== '' && ` Asked by ${line.strategy}, because ${line.choiceReason}.`}
    </p>
  );
}

function Hits({ run, nameOf }: { readonly run: QueryRun; readonly nameOf: (peer: string) => string }): ReactNode {
  const { lines, isBusy, hasAsked } = run;
  const hits = lines.flatMap((line) => (line.kind === 'hit' ? [line] : []));
  const problem = lines.find((line) => line.kind === 'problem')?.problem ?? null;
  return (
    <section className={styles.result} aria-label="Hits" data-testid="hits" aria-busy={isBusy}>
      {problem !== null && <ProblemLine problem={problem} />}
      {hits.length === 0 && problem === null && (
        <p className={styles.hint} role="status">
          {isBusy
            ? 'Asking the mesh…'
            : hasAsked
              ? 'Nobody who was asked has it.'
              : 'Documents that are found appear here, each with the peer that has it.'}
        </p>
      )}
      <ul className={styles.hits}>
        {hits.map((hit, number) => (
          // Hits are only ever added at the end.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={number}>
            <b>{hit.id}</b> <span>at {nameOf(hit.peerId)}</span>
            <pre>{JSON.stringify(hit.fields)}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}
