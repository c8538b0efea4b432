'use client';

import type { ReactNode } from 'react';
import { useLiveFeed } from '../../feed/feed-provider.tsx';
import { formatTime, shortId } from '../../ui/format.ts';
import { ProblemLine } from '../../ui/problem-line.tsx';
import { useUrlState } from '../../ui/use-url-state.ts';
import { BanItem } from './ban-item.tsx';
import type { BanList, BanRow } from './ban-list.ts';
import styles from './bans.module.css';
import { type Bans, useBans } from './use-bans.ts';

/** Rows in the document at most; the rest is counted. Guess: more than a person reads. */
const shownMax = 100;

/** Who is banned, where, by whom, why and until when: by operators, and by what peers decided for themselves. */
export function BansView(properties: {
  /** Whenever it changes they are asked again. */
  readonly cue: number;
  readonly onLift: (peer: string) => void;
}): ReactNode {
  const { picture } = useLiveFeed();
  const [url, change] = useUrlState();
  const [bans, again] = useBans(`${properties.cue} ${bannedOf(picture.peers.values())}`);
  const nameOf = (peer: string): string => picture.peers.get(peer)?.peer.name || shortId(peer);
  const { list, isBusy, problem, failedAt } = bans;
  return (
    <section className={styles.page} aria-label="Bans" aria-busy={isBusy} data-testid="bans">
      <div className={styles.head}>
        <h2>Bans</h2>
        <p role="status">{list === null ? '' : summaryOf(list)}</p>
        {list !== null && (
          <span className={styles.asOf}>
            {url.past === '' ? '' : 'not of then, but '}as of {formatTime(list.at)}
          </span>
        )}
        {/* Never disabled: it would lose the focus every now and then. */}
        <button type="button" className="button" onClick={again}>
          Ask again
        </button>
      </div>
      {problem !== null && (
        <div className={styles.failed}>
          {list !== null && <p>It was asked again at {formatTime(failedAt)}, in vain. What you see is older.</p>}
          <ProblemLine problem={problem} />
        </div>
      )}
      {list === null ? (
        problem === null && (
          <p className={styles.quiet}>Asking {picture.peers.size.toLocaleString('en')} peers whom they ban…</p>
        )
      ) : (
        <>
          <Missing bans={bans} nameOf={nameOf} />
          <List
            list={list}
            nameOf={nameOf}
            selected={url.peer}
            onSelect={(peer) => change({ peer })}
            onLift={properties.onLift}
          />
        </>
      )}
    </section>
  );
}

function List(properties: {
  readonly list: BanList;
  readonly nameOf: (peer: string) => string;
  readonly selected: string;
  readonly onSelect: (peer: string) => void;
  readonly onLift: (peer: string) => void;
}): ReactNode {
  const { list, nameOf, selected, onSelect, onLift } = properties;
  const { bans, more } = list;
  if (bans.length === 0) {
    return (
      <p className={styles.quiet}>
        Nobody is banned. A peer bans by itself who breaks the protocol, for a minute first, then longer; an operator
        bans at a peer’s detail, or by <code>starling ban</code> for good and for all.
      </p>
    );
  }
  const left = bans.length - Math.min(bans.length, shownMax) + more;
  return (
    <>
      <ul className={styles.list}>
        {bans.slice(0, shownMax).map((ban) => (
          <li key={keyOf(ban)} data-selected={ban.peer === selected}>
            <BanItem
              ban={ban}
              answered={list.answered}
              nameOf={nameOf}
              onSelect={() => onSelect(ban.peer === selected ? '' : ban.peer)}
              isSelected={ban.peer === selected}
              onLift={() => onLift(ban.peer)}
            />
          </li>
        ))}
      </ul>
      {left > 0 && <p className={styles.quiet}>… and {more >= 500 ? `more than ${left}` : left} more.</p>}
    </>
  );
}

/** Who did not say, and who cannot know. An answer that lacks somebody must not look whole. */
function Missing({ bans, nameOf }: { readonly bans: Bans; readonly nameOf: (peer: string) => string }): ReactNode {
  if (bans.list === null) return null;
  const { asked, answered, left, failed, keyless } = bans.list;
  const silent = asked - answered - left;
  const hasRecords = bans.list.bans.some(({ scope }) => scope === 'mesh');
  return (
    <>
      {silent + left > 0 && (
        <details className={styles.missing}>
          <summary>
            {silent + left === 1 ? '1 peer did' : `${(silent + left).toLocaleString('en')} peers did`} not say whom{' '}
            {silent + left === 1 ? 'it bans' : 'they ban'}
          </summary>
          <ul>
            {failed.map(({ peer, problem }) => (
              <li key={peer}>
                {nameOf(peer)}: {problem.message}
              </li>
            ))}
            {silent > failed.length && <li>and {silent - failed.length} more</li>}
            {left > 0 && <li>{left.toLocaleString('en')} were not asked: the time was over</li>}
          </ul>
        </details>
      )}
      {hasRecords && keyless > 0 && (
        <p className={styles.warning}>
          {keyless === 1 ? '1 peer knows' : `${keyless} peers know`} no operator’s key: bans of the mesh do not count
          there (<code>STARLING_OPERATOR_KEYS_FILE</code>).
        </p>
      )}
    </>
  );
}

function summaryOf({ bans, more, answered, asked }: BanList): string {
  const peers = new Set(bans.map(({ peer }) => peer)).size + more;
  const who = peers === 0 ? 'Nobody' : peers === 1 ? '1 peer' : `${peers.toLocaleString('en')} peers`;
  return `${who} ${peers < 2 ? 'is' : 'are'} banned, say ${answered.toLocaleString('en')} of ${asked.toLocaleString('en')} peers.`;
}

/** Changes whenever the serving peer's own marks do: then the others are asked at once. */
function bannedOf(
  views: Iterable<{ readonly peer: { readonly id: string; readonly ban?: { readonly scope: string } } }>,
): string {
  const marks: string[] = [];
  for (const { peer } of views) if (peer.ban !== undefined) marks.push(`${peer.id} ${peer.ban.scope}`);
  return marks.sort().join();
}

function keyOf({ peer, scope, by, reason }: BanRow): string {
  return JSON.stringify([peer, scope, by, reason]);
}
