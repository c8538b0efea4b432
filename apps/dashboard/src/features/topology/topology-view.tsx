'use client';

import { totalsOf } from '@starling/topology';
import { type ReactNode, useMemo } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { Segments } from '../../ui/segments.tsx';
import { useMatches } from '../../ui/use-matches.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import { Legend } from './legend.tsx';
import { MeshCanvas } from './mesh-canvas.tsx';
import styles from './topology.module.css';

const layouts = [
  { value: 'zones', label: 'Zones', hint: 'One disc per zone' },
  { value: 'force', label: 'Tree', hint: 'Pulled together by the broadcast tree' },
  { value: 'ring', label: 'Ring', hint: 'By the hash of each id' },
  { value: 'hops', label: 'Hops', hint: 'Rings by distance from the selected peer' },
] as const;

const edgeModes = [
  { value: 'focus', label: 'Focus', hint: 'The broadcast tree, and faintly the rest' },
  { value: 'tree', label: 'Tree only', hint: 'Nothing but links that push payloads' },
  { value: 'all', label: 'All', hint: 'Every link alike' },
] as const;

/** The picture with its controls. */
export function TopologyView(): ReactNode {
  const feed = useFeed();
  const [url, change] = useUrlState();
  const matches = useMatches(feed, url.find);
  const { revision, picture } = feed;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const totals = useMemo(() => totalsOf(picture), [picture, revision]);
  const view = useMemo(
    () => ({ layout: url.layout, edges: url.edges, selected: url.peer, matches: matches?.ids ?? null }),
    [url.layout, url.edges, url.peer, matches],
  );
  return (
    <section className={styles.stage} aria-label="Topology">
      <MeshCanvas feed={feed} view={view} onSelect={(peer) => change({ peer })} />
      <div className={styles.controls}>
        <Segments label="Layout" options={layouts} value={url.layout} onChange={(layout) => change({ layout })} />
        <Segments label="Links" options={edgeModes} value={url.edges} onChange={(edges) => change({ edges })} />
      </div>
      <Legend totals={totals} />
    </section>
  );
}
