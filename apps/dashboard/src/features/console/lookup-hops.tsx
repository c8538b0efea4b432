'use client';

import type { ReactNode } from 'react';
import { formatMs } from '../../ui/format.ts';
import styles from './console.module.css';
import { hopWords, inOrderOfAsking } from './hop-words.ts';
import type { LookupCost } from './lookup-answer.ts';

/** The way of a lookup: who was asked, in which round, and what each answered. Nothing when it was not asked for. */
export function LookupHops(properties: {
  readonly cost: LookupCost | undefined;
  readonly nameOf: (peer: string) => string;
}): ReactNode {
  const { cost, nameOf } = properties;
  if (cost === undefined || cost.hops.length === 0) return null;
  const hops = inOrderOfAsking(cost.hops);
  const hasPaths = hops.some(({ path }) => path > 0);
  // Of an error no more fit than a trailer holds.
  const cut = Math.max(cost.hopsCut, cost.calls - hops.length);
  return (
    <div className={styles.way} data-testid="lookup-hops">
      <h3>The way it took</h3>
      {/* It scrolls sideways, so keys must reach it. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: WCAG 2.1.1, a region that scrolls is one to be reached by keys. */}
      <section className={styles.tableFrame} tabIndex={0} aria-label="Calls of the lookup">
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col" className="num">
                Round
              </th>
              <th scope="col">Asked</th>
              <th scope="col">Answer</th>
              <th scope="col" className="num" title="Since the lookup began">
                At
              </th>
              <th scope="col" className="num">
                Took
              </th>
              {hasPaths && (
                <th scope="col" className="num" title="Which of the disjoint paths">
                  Path
                </th>
              )}
              <th scope="col">Zone</th>
              <th
                scope="col"
                className="num"
                title="Leading bits that its position shares with the key’s: more is nearer"
              >
                Bits
              </th>
            </tr>
          </thead>
          <tbody>
            {hops.map((hop, number) => {
              const { text, isTrouble } = hopWords(hop);
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
                <tr key={number}>
                  <td className="num">{hop.round}</td>
                  <th scope="row" title={hop.peer}>
                    {hop.name || nameOf(hop.peer)}
                  </th>
                  <td className={isTrouble ? 'warning-text' : ''}>{text}</td>
                  <td className="num">{formatMs(hop.startMs)}</td>
                  <td className="num">{formatMs(hop.elapsedMs)}</td>
                  {hasPaths && <td className="num">{hop.path + 1}</td>}
                  <td>{hop.zone || '–'}</td>
                  <td className="num">{hop.sharedBits}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {cut > 0 && (
        <p className={styles.quiet}>… and {cut === 1 ? '1 further call' : `${cut} further calls`}, left out</p>
      )}
    </div>
  );
}
