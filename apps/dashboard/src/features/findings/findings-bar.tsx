'use client';

import { findingsOf } from '@starling/topology';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useMemo, useState } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatAge, formatTime } from '../../ui/format.ts';
import { HealthGlyph } from '../../ui/health-glyph.tsx';
import { hrefWith, useUrlState } from '../../ui/use-url-state.ts';
import styles from './findings.module.css';

/** Findings that are seen at once; the rest on demand, so that the picture keeps its room. */
const shownMax = 2;

/**
 * What is wrong with the mesh, since when, and what to do. Not there when nothing is. `isOld`: nobody answers, so what the mesh did
 * about it since, and what to do, is not known.
 */
export function FindingsBar({ isOld }: { readonly isOld: boolean }): ReactNode {
  const { picture, revision, pastAt } = useFeed();
  const path = usePathname();
  const [url, change] = useUrlState();
  const [isOpen, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const findings = useMemo(() => findingsOf(picture), [picture, revision]);
  if (findings.length === 0) return null;
  const shown = isOpen ? findings : findings.slice(0, shownMax);
  return (
    <section className={styles.bar} aria-label="What is wrong" data-testid="findings">
      <ul>
        {shown.map(({ kind, severity, title, since, advice, find }) => (
          <li key={kind} data-severity={severity}>
            <HealthGlyph health={severity} />
            <p>
              <b>{title}</b>
              <span className={styles.since}>
                {since === null
                  ? pastAt === null
                    ? 'since before anybody watched'
                    : 'since then or before'
                  : `since ${formatTime(since)}, ${formatAge(picture.now - since)} ago`}
              </span>
              {!isOld && <span>{advice}</span>}
            </p>
            {kind === 'banned' && path !== '/bans' && (
              <Link className="button" href={hrefWith('/bans', url)}>
                See the bans
              </Link>
            )}
            {find !== '' && (
              <button type="button" className="button" onClick={() => change({ find, peer: '' })}>
                Show them
              </button>
            )}
          </li>
        ))}
      </ul>
      {findings.length > shownMax && (
        <button type="button" className={styles.more} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Less' : `${findings.length - shownMax} more`}
        </button>
      )}
    </section>
  );
}
