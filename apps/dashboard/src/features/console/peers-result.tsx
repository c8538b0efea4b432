'use client';

import type { PeersAnswer, PeersCoverage } from '@starling/client';
import { lostReasonText, peersValueText } from '@starling/query';
import type { ReactNode } from 'react';
import { formatBytes, formatMs, shortId } from '../../ui/format.ts';
import type { Asked } from '../../ui/use-asked.ts';
import styles from './console.module.css';

/** The answer to a question about the mesh: whom it speaks for, and the table. */
export function PeersResult(properties: {
  readonly asked: Asked<PeersAnswer>;
  readonly nameOf: (peer: string) => string;
}): ReactNode {
  const { asked, nameOf } = properties;
  return (
    <section
      className={styles.result}
      aria-label="What the peers say"
      data-testid="peers-answer"
      aria-busy={asked.state === 'busy'}
    >
      {asked.state === 'idle' && (
        <p className={styles.hint}>
          Every peer answers about itself, and the mesh adds it up on the way: one message there and one back for each.
          Try an example.
        </p>
      )}
      {asked.state === 'busy' && (
        <p className={styles.hint} role="status">
          Asking every peer…
        </p>
      )}
      {asked.state === 'refused' && <p className={styles.hint}>Nobody was asked.</p>}
      {asked.state === 'answered' && (
        <>
          <Coverage answer={asked.answer} nameOf={nameOf} />
          {asked.answer.rows.length === 0 ? (
            <p className={styles.hint}>It is true of no peer.</p>
          ) : (
            <AnswerTable answer={asked.answer} />
          )}
        </>
      )}
    </section>
  );
}

function Coverage(properties: { readonly answer: PeersAnswer; readonly nameOf: (peer: string) => string }): ReactNode {
  const { answer, nameOf } = properties;
  const { coverage, rowsCut } = answer;
  return (
    <div className={styles.outcome} data-complete={coverage.complete} role="status" data-testid="coverage">
      <b>
        {coverage.peersAnswered} of {coverage.peersKnown} peers answered.
      </b>{' '}
      {coverage.complete ? 'Complete' : <em>Not complete: {missingText(coverage)}</em>}, in{' '}
      {formatMs(coverage.elapsedMs)} by {coverage.messagesSpent} messages, {formatBytes(coverage.bytesSpent)}
      {coverage.waves > 1 ? '; asked twice, because somebody was missing' : ''}.
      {rowsCut > 0 && ` ${rowsCut} rows beyond the limit.`}
      {coverage.lost.length > 0 && (
        <ul>
          {coverage.lost.map(({ peerId, reason }) => (
            <li key={peerId}>
              missing from {nameOf(peerId)} on: {lostReasonText(reason)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function missingText({ peersKnown, peersAnswered, branchesMissing }: PeersCoverage): string {
  const peers = peersKnown - peersAnswered;
  if (peers > 0) return peers === 1 ? 'one peer is missing' : `${peers} peers are missing`;
  return branchesMissing === 1 ? 'a part of the mesh is missing' : `${branchesMissing} parts of the mesh are missing`;
}

function AnswerTable({ answer }: { readonly answer: PeersAnswer }): ReactNode {
  const { columns, rows } = answer;
  const isNumber = (at: number): boolean => !['text', 'version'].includes(columns[at]?.type ?? 'text');
  return (
    // It scrolls sideways, so keys must reach it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: WCAG 2.1.1, a region that scrolls is one to be reached by keys.
    <section className={styles.tableFrame} tabIndex={0} aria-label="Answer">
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map(({ name }, at) => (
              // Two columns may have one name.
              // biome-ignore lint/suspicious/noArrayIndexKey: columns do not change places
              <th key={at} scope="col" className={isNumber(at) ? 'num' : ''}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ values, isOther }, number) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
            <tr key={number}>
              {columns.map(({ name, type }, at) => {
                const value = values[at] ?? null;
                const text = peersValueText(value, type);
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
                  <td key={at} className={isNumber(at) ? 'num' : ''}>
                    {isOther && at === 0 ? (
                      '(other groups)'
                    ) : name === 'id' ? (
                      <code title={text}>{shortId(text)}</code>
                    ) : (
                      text
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
