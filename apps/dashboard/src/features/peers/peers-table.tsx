'use client';

import { edgeMessagesPerSecond, edgeRttMs, type MeshPicture, type PeerView, quantile } from '@starling/topology';
import { type ReactNode, useMemo, useState } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatBytes, formatMs, formatNumber, formatShare, shortId } from '../../ui/format.ts';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import { useMatches } from '../../ui/use-matches.ts';
import { useUrlState } from '../../ui/use-url-state.ts';
import styles from './peers.module.css';

interface Row {
  readonly view: PeerView;
  readonly rttMs: number | null;
  readonly messages: number;
}

interface Column {
  readonly key: string;
  readonly label: string;
  readonly isNumber: boolean;
  readonly value: (row: Row) => string | number | null;
  readonly show: (row: Row) => ReactNode;
}

const healthOrder = { critical: 0, warning: 1, unknown: 2, healthy: 3 } as const;

const columns: readonly Column[] = [
  {
    key: 'name',
    label: 'Peer',
    isNumber: false,
    value: ({ view }) => view.peer.name || view.peer.id,
    show: ({ view }) => view.peer.name || shortId(view.peer.id),
  },
  {
    key: 'health',
    label: 'Health',
    isNumber: false,
    value: ({ view }) => healthOrder[view.verdict.health],
    show: ({ view: { verdict } }) => (
      <span className={styles.health} title={verdict.reasons.join(' · ')}>
        <HealthGlyph health={verdict.health} />
        {verdict.reasons[0] ?? healthLabels[verdict.health]}
      </span>
    ),
  },
  text('zone', 'Zone', ({ view }) => view.peer.zone || '–'),
  text('state', 'State', ({ view }) => view.peer.state),
  number('degree', 'Links', ({ view }) => view.degree, formatNumber),
  number('rtt', 'RTT p50', ({ rttMs }) => rttMs, formatMs),
  number('messages', 'Messages/s', ({ messages }) => messages, formatNumber),
  number('delivered', 'Delivered/s', ({ view }) => view.report?.deliveredPerSecond ?? null, formatNumber),
  number('published', 'Published/s', ({ view }) => view.report?.publishedPerSecond ?? null, formatNumber),
  number('dropped', 'Dropped/s', ({ view }) => view.report?.droppedPerSecond ?? null, formatNumber),
  number('loop', 'Loop', ({ view }) => view.report?.loopUtilization ?? null, formatShare),
  number('heap', 'Heap', ({ view }) => view.report?.heapBytes ?? null, formatBytes),
  text('version', 'Version', ({ view }) => view.peer.version || '–'),
];

/** Rows in the document at once; more come on demand, so that ten thousand peers do not stall the page. */
const pageRows = 250;

/** Everything that the graph shows, as a table: same peers, same selection, same find expression. */
export function PeersTable(): ReactNode {
  const feed = useFeed();
  const [url, change] = useUrlState();
  const matches = useMatches(feed, url.find);
  const [shown, setShown] = useState(pageRows);
  const { picture, revision } = feed;
  const isDescending = url.sort.startsWith('-');
  const sortKey = isDescending ? url.sort.slice(1) : url.sort;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes inside, its revision says so
  const rows = useMemo(
    () =>
      sorted(
        rowsOf(picture).filter(({ view }) => matches?.ids.has(view.peer.id) ?? true),
        sortKey,
        isDescending,
      ),
    [picture, revision, matches, sortKey, isDescending],
  );
  return (
    <div className={styles.tableFrame}>
      <table className={styles.table}>
        <caption className="visually-hidden">
          Peers of the mesh: {rows.length} of {picture.peers.size} shown
        </caption>
        <thead>
          <tr>
            {columns.map(({ key, label, isNumber }) => (
              <th
                key={key}
                scope="col"
                className={isNumber ? 'num' : ''}
                aria-sort={key !== sortKey ? 'none' : isDescending ? 'descending' : 'ascending'}
              >
                <button
                  type="button"
                  onClick={() => change({ sort: key === sortKey && !isDescending ? `-${key}` : key })}
                >
                  {label}
                  <span aria-hidden="true">{key !== sortKey ? '' : isDescending ? ' ↓' : ' ↑'}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row) => (
            <PeerRow
              key={row.view.peer.id}
              row={row}
              isSelected={row.view.peer.id === url.peer}
              onSelect={(peer) => change({ peer })}
            />
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className={styles.absent}>No peer matches “{url.find}”.</p>}
      {rows.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + pageRows * 4)}>
          Show more: {shown} of {rows.length}
        </button>
      )}
    </div>
  );
}

function PeerRow(properties: {
  readonly row: Row;
  readonly isSelected: boolean;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { row, isSelected, onSelect } = properties;
  const { id } = row.view.peer;
  return (
    // The button in the first cell does the same for the keyboard.
    <tr data-selected={isSelected} onClick={() => onSelect(isSelected ? '' : id)}>
      {columns.map(({ key, isNumber, show }, i) =>
        i === 0 ? (
          <th key={key} scope="row">
            <button
              type="button"
              className="link-button"
              aria-pressed={isSelected}
              onClick={(event) => {
                event.stopPropagation();
                onSelect(isSelected ? '' : id);
              }}
            >
              {show(row)}
            </button>
          </th>
        ) : (
          <td key={key} className={isNumber ? 'num' : ''}>
            {show(row)}
          </td>
        ),
      )}
    </tr>
  );
}

function text(key: string, label: string, value: (row: Row) => string): Column {
  return { key, label, isNumber: false, value, show: value };
}

function number(
  key: string,
  label: string,
  value: (row: Row) => number | null,
  format: (value: number) => string,
): Column {
  const show = (row: Row): string => {
    const figure = value(row);
    return figure === null ? '–' : format(figure);
  };
  return { key, label, isNumber: true, value, show };
}

function rowsOf(picture: MeshPicture): Row[] {
  return [...picture.peers.values()].map((view) => {
    const edges = picture.edgesOf(view.peer.id);
    const trips = edges.flatMap((edge) => edgeRttMs(edge) ?? []).sort((one, other) => one - other);
    const messages = edges.reduce((sum, edge) => sum + edgeMessagesPerSecond(edge), 0);
    return { view, rttMs: quantile(trips, 0.5), messages };
  });
}

const byText = new Intl.Collator('en', { numeric: true });

function sorted(rows: Row[], key: string, isDescending: boolean): Row[] {
  const column = columns.find((candidate) => candidate.key === key) ?? columns[0];
  const sign = isDescending ? -1 : 1;
  return rows.sort((one, other) => {
    const [a, b] = [column?.value(one) ?? null, column?.value(other) ?? null];
    // What is not known comes last, whichever way the rest is sorted.
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : byText.compare(String(a), String(b));
    return sign * order || byText.compare(one.view.peer.name, other.view.peer.name);
  });
}
