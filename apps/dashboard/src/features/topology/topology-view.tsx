'use client';

import { condense, drawnPeers, isFoldedAt, totalsOf } from '@starling/topology';
import { type ReactNode, useMemo, useRef } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { Segments } from '../../ui/segments.tsx';
import { useMatches } from '../../ui/use-matches.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import { Legend } from './legend.tsx';
import { MeshCanvas } from './mesh-canvas.tsx';
import styles from './topology.module.css';
import { ZoneList } from './zone-list.tsx';

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
  const wasFolded = useRef(false);
  wasFolded.current = isFoldedAt(picture.peers.size, wasFolded.current);
  const isFolded = wasFolded.current;
  const open = useMemo(() => new Set(url.open), [url.open]);
  const ids = matches?.ids ?? null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const condensed = useMemo(
    () => (isFolded ? condense(picture, drawnPeers(picture, { open, selected: url.peer, matches: ids })) : null),
    [isFolded, picture, revision, open, url.peer, ids],
  );
  // Other layouts place peers, not zones.
  const layout = isFolded ? 'zones' : url.layout;
  const view = useMemo(
    () => ({ layout, edges: url.edges, selected: url.peer, matches: ids, condensed }),
    [layout, url.edges, url.peer, ids, condensed],
  );
  const toggle = (zone: string): void => {
    change({ open: open.has(zone) ? url.open.filter((name) => name !== zone) : [...url.open, zone] });
  };
  return (
    <section className={styles.stage} aria-label="Topology">
      <div className={styles.controls}>
        <Segments
          label="Layout"
          options={isFolded ? layouts.map(onlyZones) : layouts}
          value={layout}
          onChange={(name) => change({ layout: name })}
        />
        <Segments label="Links" options={edgeModes} value={url.edges} onChange={(edges) => change({ edges })} />
      </div>
      <div className={styles.picture}>
        <MeshCanvas feed={feed} view={view} onSelect={(peer) => change({ peer })} onOpenZone={toggle} />
        {condensed !== null && <ZoneList zones={condensed.zones} open={open} onToggle={toggle} />}
        <Legend totals={totals} />
      </div>
    </section>
  );
}

function onlyZones<T extends { readonly value: string; readonly hint: string }>(option: T): T {
  return option.value === 'zones' ? option : { ...option, isDisabled: true, hint: 'Too many peers: zones only' };
}
