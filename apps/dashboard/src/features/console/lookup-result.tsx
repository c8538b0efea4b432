'use client';

import type { ReactNode } from 'react';
import { formatAge, formatBytes, formatMs, shortId } from '../../ui/format.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import type { Asked } from '../../ui/use-asked.ts';
import styles from './console.module.css';
import type { LookupAnswer, LookupCost, ProviderLine, RecordLine } from './lookup-answer.ts';
import { LookupHops } from './lookup-hops.tsx';

/** What the answer is to: the form may say something else by now. */
export interface LookedFor {
  readonly what: LookupAnswer['what'];
  readonly key: string;
}

type NameOf = (peer: string) => string;

const busy = { get: 'Looking for', find: 'Looking for peers that offer', put: 'Putting' } as const;

/** What came of a lookup, or that nothing did. */
export function LookupResult(properties: {
  readonly asked: Asked<LookupAnswer>;
  readonly lookedFor: LookedFor;
  readonly nameOf: NameOf;
}): ReactNode {
  const { asked, lookedFor, nameOf } = properties;
  return (
    <section
      className={styles.result}
      aria-label="What was looked up"
      data-testid="lookup"
      aria-busy={asked.state === 'busy'}
    >
      <Content asked={asked} lookedFor={lookedFor} nameOf={nameOf} />
    </section>
  );
}

function Content(properties: {
  readonly asked: Asked<LookupAnswer>;
  readonly lookedFor: LookedFor;
  readonly nameOf: NameOf;
}): ReactNode {
  const { asked, lookedFor, nameOf } = properties;
  const { what, key } = lookedFor;
  switch (asked.state) {
    case 'idle':
      return (
        <p className={styles.hint}>
          A record is held by the peers nearest to its key, and found from any. What is found appears here, with what it
          took.
        </p>
      );
    case 'busy':
      return (
        <p className={styles.hint} role="status">
          {busy[what]} “{key}”…
        </p>
      );
    case 'refused':
      if (asked.problem.reason !== 'RECORD_NOT_FOUND') {
        return (
          <>
            <ProblemLine problem={asked.problem} />
            <LookupHops cost={asked.problem.lookupCost} nameOf={nameOf} />
          </>
        );
      }
      return (
        <>
          <p className={styles.hint} role="status">
            No record of “{key}”. Nobody put one, or it has expired.
          </p>
          <LookupHops cost={asked.problem.lookupCost} nameOf={nameOf} />
        </>
      );
    case 'answered':
      return (
        <>
          <Answer answer={asked.answer} lookedFor={key} nameOf={nameOf} />
          <LookupHops cost={asked.answer.cost} nameOf={nameOf} />
        </>
      );
  }
}

function Answer(properties: {
  readonly answer: LookupAnswer;
  readonly lookedFor: string;
  readonly nameOf: NameOf;
}): ReactNode {
  const { answer, lookedFor, nameOf } = properties;
  switch (answer.what) {
    case 'get':
      return (
        <>
          <p className={styles.outcome} role="status">
            <b>
              {answer.records.length === 1 ? 'One record' : `${answer.records.length} records`} of “{lookedFor}”.
            </b>{' '}
            <CostText cost={answer.cost} />
          </p>
          <ul className={styles.hits}>
            {answer.records.map((record) => (
              <li key={record.publisher}>
                <RecordText record={record} nameOf={nameOf} />
              </li>
            ))}
          </ul>
        </>
      );
    case 'find':
      return (
        <>
          <p className={styles.outcome} role="status">
            <b>
              {answer.providers.length === 0
                ? `Nobody offers “${lookedFor}”.`
                : `${answer.providers.length === 1 ? 'One peer offers' : `${answer.providers.length} peers offer`} “${lookedFor}”.`}
            </b>{' '}
            <CostText cost={answer.cost} />
          </p>
          {answer.providers.length > 0 && <Providers providers={answer.providers} />}
        </>
      );
    case 'put':
      return (
        <p className={styles.outcome} role="status">
          <b>
            “{lookedFor}” is held by {answer.holders} of {answer.wanted === 1 ? '1 peer' : `${answer.wanted} peers`}.
          </b>{' '}
          Version {answer.version}, gone in {formatAge(answer.expiresAt - Date.now())} unless it is put again.{' '}
          <CostText cost={answer.cost} />
        </p>
      );
  }
}

function RecordText({ record, nameOf }: { readonly record: RecordLine; readonly nameOf: NameOf }): ReactNode {
  const { preview, isText, bytes, version, expiresAt, publisher } = record;
  return (
    <>
      <span>
        by <b title={publisher}>{nameOf(publisher)}</b> · version {version} · {formatBytes(bytes)} · gone in{' '}
        {formatAge(expiresAt - Date.now())}
      </span>
      <pre data-binary={!isText}>{bytes === 0 ? '(empty)' : preview}</pre>
    </>
  );
}

function Providers({ providers }: { readonly providers: readonly ProviderLine[] }): ReactNode {
  return (
    <div className={styles.tableFrame}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">Zone</th>
            <th scope="col">API at</th>
            <th scope="col" className="num">
              Says so for
            </th>
          </tr>
        </thead>
        <tbody>
          {providers.map(({ id, name, zone, apiAddress, expiresAt }) => (
            <tr key={id}>
              <th scope="row" title={id}>
                {name || shortId(id)}
              </th>
              <td>{zone || '–'}</td>
              <td>{apiAddress === '' ? 'not known here: it may be gone' : <code>{apiAddress}</code>}</td>
              <td className="num">{formatAge(expiresAt - Date.now())}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CostText({ cost }: { readonly cost: LookupCost }): string {
  const { calls, failures, rounds, elapsedMs, isFullTable } = cost;
  if (calls === 0) return `The peer that was asked had it: ${formatMs(elapsedMs)}.`;
  const failed = failures === 0 ? '' : `, ${failures} of them failed`;
  const way = isFullTable ? ' All peers are known: nobody was asked the way.' : '';
  return `${calls === 1 ? '1 call' : `${calls} calls`}${failed}, in ${rounds === 1 ? 'one round' : `${rounds} rounds`}, ${formatMs(elapsedMs)}.${way}`;
}
