'use client';

import type { PeersAnswer } from '@starling/client';
import { peerAttributes } from '@starling/query';
import { type FormEvent, type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { ProblemLine } from '../../ui/problem-line.tsx';
import { useAsked } from '../../ui/use-asked.ts';
import { useDraft } from '../../ui/use-draft.ts';
import styles from './console.module.css';
import { consoleToken } from './console-token.ts';
import { Mode } from './mode.tsx';
import { PeersResult } from './peers-result.tsx';

const examples = [
  ['Peers by zone', 'zone, count(*), p99(rtt) group by zone'],
  ['Versions', 'version, count(*), max(uptime) group by version order by count(*) desc'],
  ['Heaviest', 'name, memory, loop order by memory desc limit 10'],
  ['Fewest links', 'name, zone, active order by active limit 10'],
  ['Is everybody known', 'count(*), min(known), max(known)'],
] as const;

/** Asks all peers about themselves, in the language of `starling query --peers`. */
export function MeshMode(properties: {
  readonly isShown: boolean;
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
  /** The question, which a link carries. */
  readonly text: string;
  readonly onText: (text: string) => void;
}): ReactNode {
  const { isShown, peer, nameOf, text, onText } = properties;
  const [asked, ask] = useAsked<PeersAnswer>('/api/query-peers');
  // What was asked: what is refused points into that, whatever is typed by now.
  const [question, setQuestion] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const draft = useDraft(text, onText);

  const submit = async (wanted: string): Promise<void> => {
    setQuestion(wanted);
    const result = await ask({ text: wanted, peer }, consoleToken());
    const place = result?.state === 'refused' ? result.problem.place : undefined;
    if (place === undefined || input.current?.value !== wanted) return;
    input.current.focus();
    input.current.setSelectionRange(place.at, place.end);
  };
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void submit(draft.value);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };
  const problem = asked.state === 'refused' ? asked.problem : null;
  const form = (
    <form className={styles.card} onSubmit={onSubmit} aria-label="Ask about the mesh">
      <h2>Ask about the mesh</h2>
      <label>
        Question
        <textarea
          ref={input}
          name="ask"
          rows={3}
          {...draft}
          onKeyDown={onKeyDown}
          placeholder="zone, count(*) group by zone"
          spellCheck={false}
          aria-invalid={problem?.place !== undefined}
          aria-describedby="ask-problem"
          maxLength={1_024}
          required
        />
      </label>
      <div id="ask-problem" className={styles.fault}>
        {problem !== null && <ProblemLine problem={{ ...problem, fields: [] }} />}
        {problem?.place !== undefined && <Pointed text={question} place={problem.place} />}
      </div>
      <div className={styles.actions}>
        <button type="submit" className="button button-primary" disabled={asked.state === 'busy'}>
          Ask all peers
        </button>
      </div>
      <ul className={styles.examples} aria-label="Examples">
        {examples.map(([label, example]) => (
          <li key={label}>
            <button
              type="button"
              className={styles.example}
              title={example}
              onClick={() => {
                onText(example);
                void submit(example);
              }}
            >
              {label}
            </button>
          </li>
        ))}
      </ul>
      <details className={styles.fields}>
        <summary>What can be asked</summary>
        <p>
          Columns, and <code>count(*)</code>, <code>sum</code>, <code>min</code>, <code>max</code>, <code>avg</code>,{' '}
          <code>p50</code> … of a field; then <code>where</code>, <code>group by</code>, <code>order by … desc</code>,{' '}
          <code>limit</code>.
        </p>
        <dl>
          {Object.entries(peerAttributes).map(([name, { about }]) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{about}</dd>
            </div>
          ))}
        </dl>
      </details>
    </form>
  );
  return (
    <Mode isShown={isShown} form={form}>
      <PeersResult asked={asked} nameOf={nameOf} />
    </Mode>
  );
}

/** The question with the place of its fault marked, as the command line does it by carets. */
function Pointed(properties: {
  readonly text: string;
  readonly place: { readonly at: number; readonly end: number };
}): ReactNode {
  const { text, place } = properties;
  return (
    <pre className={styles.pointed} data-testid="pointed">
      {text.slice(0, place.at)}
      {/* At the end there is nothing to mark but the end. */}
      <mark>{text.slice(place.at, Math.max(place.end, place.at + 1)) || ' '}</mark>
      {text.slice(Math.max(place.end, place.at + 1))}
    </pre>
  );
}
