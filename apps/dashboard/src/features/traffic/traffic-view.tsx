'use client';

import type { Totals } from '@starling/topology';
import { type ReactNode, useMemo } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatBytes, formatMs, formatNumber } from '../../ui/format.ts';
import { LineChart } from './line-chart.tsx';
import styles from './traffic.module.css';

/** Traffic and failures of the whole mesh over the last ten minutes, second by second. */
export function TrafficView(): ReactNode {
  const { history } = useFeed();
  const times = useMemo(() => history.map(({ at }) => at), [history]);
  const line = (label: string, color: string, read: (totals: Totals) => number | null, isDashed = false) => ({
    label,
    color,
    isDashed,
    values: history.map(read),
  });
  return (
    // It scrolls, so keys must reach it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: WCAG 2.1.1, a region that scrolls is one to be reached by keys.
    <section className={styles.page} aria-label="Traffic and failures" tabIndex={0}>
      <h2>
        Traffic and failures <span>last 10 minutes, as long as somebody watches</span>
      </h2>
      <div className={styles.grid}>
        <LineChart
          title="Messages of applications"
          times={times}
          format={perSecond}
          series={[
            line('delivered', '--tree', ({ delivered }) => delivered),
            line('published', '--half', ({ published }) => published, true),
          ]}
        />
        <LineChart
          title="Over the links"
          times={times}
          format={perSecond}
          series={[
            line('messages', '--tree', ({ messages }) => messages),
            line('came twice', '--warning', ({ duplicates }) => duplicates, true),
          ]}
        />
        <LineChart
          title="Peers"
          times={times}
          format={formatNumber}
          steps="whole"
          series={[
            line('known', '--faint', ({ peers }) => peers, true),
            line('heard', '--healthy', ({ heard }) => heard),
          ]}
        />
        <LineChart
          title="Failures"
          times={times}
          format={formatNumber}
          steps="whole"
          series={[
            line('dropped/s', '--critical', ({ dropped }) => dropped),
            line('peers in trouble', '--warning', ({ health }) => health.warning + health.critical, true),
            // One mesh is no failure: what is counted are the islands beside the largest.
            line('islands', '--half', ({ parts }) => Math.max(0, parts - 1)),
          ]}
        />
        <LineChart
          title="Round trip of the links"
          times={times}
          format={formatMs}
          series={[
            line('p50', '--tree', ({ rttP50Ms }) => rttP50Ms),
            line('p99', '--half', ({ rttP99Ms }) => rttP99Ms, true),
          ]}
        />
        <LineChart
          title="Bytes over the links"
          times={times}
          format={bytesPerSecond}
          steps="binary"
          series={[line('both ways', '--tree', ({ bytes }) => bytes)]}
        />
      </div>
    </section>
  );
}

function perSecond(value: number): string {
  return `${formatNumber(value)}/s`;
}

function bytesPerSecond(value: number): string {
  return `${formatBytes(value)}/s`;
}
