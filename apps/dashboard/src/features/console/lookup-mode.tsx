'use client';

import { type FormEvent, type ReactNode, useState } from 'react';
import { Segments } from '../../ui/segments.tsx';
import { useAsked } from '../../ui/use-asked.ts';
import styles from './console.module.css';
import { consoleToken } from './console-token.ts';
import type { LookupAnswer } from './lookup-answer.ts';
import { type LookedFor, LookupResult } from './lookup-result.tsx';
import { Mode } from './mode.tsx';

const kinds = [
  { value: 'get', label: 'Get', hint: 'The records of a key' },
  { value: 'find', label: 'Find peers', hint: 'Who offers something' },
  { value: 'put', label: 'Put', hint: 'Keep a value under a key' },
] as const;

const submits = { get: 'Get record', find: 'Find peers', put: 'Put record' } as const;

const hour = 3_600_000;
const lives = [
  [hour, 'an hour'],
  [24 * hour, 'a day'],
  [7 * 24 * hour, 'a week'],
] as const;

/** Keeps a value under a key and finds it again; finds the peers that offer something. */
export function LookupMode(properties: {
  readonly isShown: boolean;
  readonly peer: string;
  readonly nameOf: (peer: string) => string;
}): ReactNode {
  const { isShown, peer, nameOf } = properties;
  const [what, setWhat] = useState<LookupAnswer['what']>('get');
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const [lifeMs, setLifeMs] = useState<number>(24 * hour);
  const [trace, setTrace] = useState(false);
  const [asked, ask] = useAsked<LookupAnswer>('/api/lookup');
  const [lookedFor, setLookedFor] = useState<LookedFor>({ what, key: '' });

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    setLookedFor({ what, key });
    void ask({ what, key, peer, trace, ...(what === 'put' && { value, lifeMs }) }, consoleToken());
  };
  const form = (
    <form className={styles.card} onSubmit={onSubmit} aria-label="Lookup">
      <h2>Look up</h2>
      <Segments label="What to do" options={kinds} value={what} onChange={setWhat} />
      <label>
        {what === 'find' ? 'Name of the offer' : 'Key'}
        <input
          name="key"
          value={key}
          onChange={(event) => setKey(event.target.value)}
          spellCheck={false}
          autoComplete="off"
          required
        />
      </label>
      {what === 'put' && (
        <>
          <label>
            Value
            <textarea
              name="value"
              rows={3}
              value={value}
              onChange={(event) => setValue(event.target.value)}
              spellCheck={false}
            />
          </label>
          <label className={styles.inline}>
            Keep for
            <select name="life" value={lifeMs} onChange={(event) => setLifeMs(Number(event.target.value))}>
              {lives.map(([ms, words]) => (
                <option key={ms} value={ms}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        </>
      )}
      <div className={styles.actions}>
        <button type="submit" className="button button-primary" disabled={asked.state === 'busy'}>
          {submits[what]}
        </button>
        <label className={styles.check}>
          <input type="checkbox" name="trace" checked={trace} onChange={(event) => setTrace(event.target.checked)} />
          show the way
        </label>
      </div>
    </form>
  );
  return (
    <Mode isShown={isShown} form={form}>
      <LookupResult asked={asked} lookedFor={lookedFor} nameOf={nameOf} />
    </Mode>
  );
}
