'use client';

import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { formatBytes, formatTime } from '../../ui/format.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import styles from './console.module.css';
import type { SubscriptionEvent } from './subscription-event.ts';
import { openSubscription } from './subscription-stream.ts';

type Entry = SubscriptionEvent & { readonly number: number };

/** Entries on the page; older ones scroll out for good. */
const entriesMax = 200;

/** Listens to topics through the peer that is given, or any, and goes on at another when that one goes. */
export function SubscribePane(properties: {
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
}): ReactNode {
  const { peer, nameOf } = properties;
  const [topics, setTopics] = useState('>');
  const [isReplay, setReplay] = useState(false);
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const [state, setState] = useState<'idle' | 'connecting' | 'live'>('idle');
  const [count, setCount] = useState(0);
  const close = useRef<(() => void) | null>(null);
  const numbers = useRef(0);

  useEffect(() => () => close.current?.(), []);

  const stop = (): void => {
    close.current?.();
    close.current = null;
    setState('idle');
  };
  const start = (event: FormEvent): void => {
    event.preventDefault();
    if (close.current !== null) {
      stop();
      return;
    }
    setEntries([]);
    setCount(0);
    close.current = openSubscription(
      { topics, peer, replay: isReplay },
      {
        onState: (now) => (now === 'ended' ? stop() : setState(now)),
        onEvent: (heard) => {
          const entry = { ...heard, number: numbers.current++ };
          if (entry.kind === 'message') setCount((before) => before + 1);
          if (entry.kind !== 'live') setEntries((before) => [entry, ...before].slice(0, entriesMax));
        },
      },
    );
  };
  return (
    <section className={styles.stream} aria-label="Subscribe">
      <form className={styles.streamBar} onSubmit={start}>
        <h2>Subscribe</h2>
        <label className={styles.inline}>
          Topics
          <input
            name="topics"
            value={topics}
            onChange={(event) => setTopics(event.target.value)}
            disabled={state !== 'idle'}
            spellCheck={false}
            required
            title="Separate by commas. * stands for one word, > at the end for one or more."
          />
        </label>
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={isReplay}
            onChange={(event) => setReplay(event.target.checked)}
            disabled={state !== 'idle'}
          />
          with what is held
        </label>
        <button type="submit" className={`button ${state === 'idle' ? 'button-primary' : ''}`}>
          {state === 'idle' ? 'Subscribe' : 'Stop'}
        </button>
        <span className={styles.streamState} data-state={state} data-testid="subscription" role="status">
          {state === 'idle' ? 'not listening' : state === 'connecting' ? 'connecting…' : `listening · ${count} heard`}
        </span>
      </form>
      <ol className={styles.entries} data-testid="messages">
        {entries.map((entry) => (
          <li key={entry.number}>
            <EntryLine entry={entry} nameOf={nameOf} />
          </li>
        ))}
        {entries.length === 0 && (
          <li className={styles.quiet}>
            {state === 'idle'
              ? 'Messages appear here, the newest first.'
              : 'Nothing yet. Publish something on a topic that matches.'}
          </li>
        )}
      </ol>
    </section>
  );
}

function EntryLine(properties: { readonly entry: Entry; readonly nameOf: (peer: string) => string }): ReactNode {
  const { entry, nameOf } = properties;
  switch (entry.kind) {
    case 'message':
      return (
        <>
          <div className={styles.meta}>
            <time>{formatTime(entry.publishTime)}</time>
            <b>{entry.topic}</b>
            <span>
              from {nameOf(entry.origin)} · {entry.hops === 1 ? '1 hop' : `${entry.hops} hops`} ·{' '}
              {formatBytes(entry.bytes)}
              {entry.isReplayed ? ' · held' : ''}
            </span>
          </div>
          <pre data-binary={!entry.isText}>{entry.preview}</pre>
        </>
      );
    case 'gap':
      return (
        <p className="warning-text">
          Gap: messages {entry.first} to {entry.last} of {nameOf(entry.origin)} cannot be had any more ({entry.reason}).
        </p>
      );
    case 'problem':
      return <ProblemLine problem={entry.problem} />;
    case 'live':
      return null;
  }
}
