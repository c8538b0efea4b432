'use client';

import type { ReactNode } from 'react';
import { formatAge, formatMoment } from '../../ui/format.ts';
import { useNow } from '../../ui/use-now.ts';
import { type BanRow, unbanCommand, whereWords } from './ban-list.ts';
import styles from './bans.module.css';

/** One ban: who, where, by whom, why, until when, and how it is lifted. */
export function BanItem(properties: {
  readonly ban: BanRow;
  /** Peers that said whom they ban. */
  readonly answered: number;
  readonly nameOf: (peer: string) => string;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
  readonly onLift: () => void;
}): ReactNode {
  const { ban, answered, nameOf, isSelected, onSelect, onLift } = properties;
  const { peer, scope, isAutomatic, by, reason, since, at, count } = ban;
  const now = useNow();
  const name = nameOf(peer);
  return (
    <>
      <div className={styles.who}>
        <button type="button" className="link-button" title={peer} aria-pressed={isSelected} onClick={onSelect}>
          {name}
        </button>
        <span className="tag" data-role={isAutomatic ? 'odd' : 'half'}>
          {isAutomatic ? 'own verdict' : scope === 'mesh' ? 'mesh' : 'operator'}
        </span>
        <span className={styles.where}>{whereWords(ban, answered)}</span>
      </div>
      <p className={styles.reason}>
        {isAutomatic ? 'For what it did: ' : `By ${by || 'an operator'}: `}
        <b>{reason || 'no reason given'}</b>
      </p>
      <p className={styles.when}>
        {since > 0 && <>Since {formatMoment(since, now)}, until </>}
        {since === 0 && 'Until '}
        {untilText(ban, now)}
      </p>
      {scope === 'mesh' ? (
        <p className={styles.lift}>
          Lifted by who has the operator’s key: <code>{unbanCommand(name)}</code>
        </p>
      ) : (
        <button
          type="button"
          className={`button ${styles.action}`}
          aria-label={`Lift the ban of ${name}…`}
          onClick={onLift}
        >
          Lift…
        </button>
      )}
      {scope === 'peer' && (
        <details className={styles.at}>
          <summary>{count === 1 ? 'Which peer' : `Which ${count} peers`}</summary>
          <ul>
            {at.map((each) => (
              <li key={each.peer}>
                {nameOf(each.peer)}
                {each.until === null ? '' : ` until ${formatMoment(each.until, now)}`}
              </li>
            ))}
            {count > at.length && <li>and {count - at.length} more</li>}
          </ul>
        </details>
      )}
    </>
  );
}

/** `now` 0: not known yet. */
function untilText({ untilFirst, untilLast }: BanRow, now: number): string {
  if (untilLast === null)
    return untilFirst === null ? 'it is lifted' : `it is lifted, at some from ${formatMoment(untilFirst, now)} on not`;
  const left = now === 0 ? '' : untilLast <= now ? ', which is over' : `, ${formatAge(untilLast - now)} from now`;
  // Told one after another, all of one decision end within moments.
  const isSpread = untilFirst !== null && untilLast - untilFirst > 5_000;
  return `${formatMoment(untilLast, now)}${isSpread ? ` at the latest, from ${formatMoment(untilFirst, now)}` : ''}${left}`;
}
