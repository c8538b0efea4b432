'use client';

import { coverageOf, totalsOf } from '@starling/topology';
import { type ReactNode, useMemo } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { freshnessOf } from '../../feed/freshness.ts';
import { formatMs, formatNumber, formatShare } from '../../ui/format.ts';
import { useNow } from '../../ui/use-now.ts';
import styles from './overview.module.css';

/** The mesh in one line of figures, all of the peers' last reports: one window for every number on the page. */
export function OverviewStrip(): ReactNode {
  const feed = useFeed();
  const { picture, revision, known, hasPicture } = feed;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const totals = useMemo(() => totalsOf(picture), [picture, revision]);
  const coverage = coverageOf(totals.heard, Math.max(known, totals.peers));
  const duplicateShare = totals.delivered > 0 ? totals.duplicates / (totals.duplicates + totals.delivered) : 0;
  const { state } = freshnessOf(feed, useNow());
  return (
    <section className={styles.strip} aria-label="The mesh in figures" data-blank={!hasPicture} data-state={state}>
      <Figure
        label="Peers"
        value={formatNumber(totals.peers)}
        note={coverage.text}
        tone={coverage.isComplete ? '' : 'warning'}
        testId="peers"
      />
      <Figure
        label="Mesh"
        value={totals.parts === 1 ? 'One mesh' : totals.parts === 0 ? '–' : `${totals.parts} islands`}
        note={totals.parts > 1 ? 'not connected' : 'all reach all'}
        tone={totals.parts > 1 ? 'critical' : ''}
        testId="parts"
      />
      <Figure label="Links" value={formatNumber(totals.links)} note={`${formatNumber(totals.treeLinks)} in the tree`} />
      <Figure label="Published" value={formatNumber(totals.published)} unit="/s" note="by all peers" />
      <Figure
        label="Delivered"
        value={formatNumber(totals.delivered)}
        unit="/s"
        note={`${formatShare(duplicateShare)} came twice`}
      />
      <Figure
        label="Dropped"
        value={formatNumber(totals.dropped)}
        unit="/s"
        note={totals.dropped > 0 ? 'a bound was reached' : 'nothing lost'}
        tone={totals.dropped > 0 ? 'warning' : ''}
      />
      <Figure label="Round trip" value={formatMs(totals.rttP50Ms)} note={`p99 ${formatMs(totals.rttP99Ms)}`} />
    </section>
  );
}

function Figure(properties: {
  readonly label: string;
  readonly value: string;
  readonly unit?: string;
  readonly note: string;
  readonly tone?: '' | 'warning' | 'critical';
  readonly testId?: string;
}): ReactNode {
  const { label, value, unit = '', note, tone = '', testId } = properties;
  // Zero is a figure too: without a picture there is none to show.
  const isKnown = useFeed().hasPicture;
  return (
    <div className={styles.figure} data-tone={isKnown ? tone : ''} data-testid={testId}>
      <span className={styles.label}>{label}</span>
      <span className={styles.value}>
        {isKnown ? value : '–'}
        {isKnown && unit !== '' && <small>{unit}</small>}
      </span>
      <span className={styles.note}>{isKnown ? note : '\u00a0'}</span>
    </div>
  );
}
