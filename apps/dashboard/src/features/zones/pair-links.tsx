'use client';

import {
  type Edge,
  edgeMessagesPerSecond,
  edgeRole,
  edgeRttMs,
  linksBetween,
  type MatrixZone,
  type ZonePair,
} from '@starling/topology';
import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatMs, formatNumber, shortId } from '../../ui/format.ts';
import { zoneLabel } from './zone-label.ts';
import styles from './zones.module.css';

/** Links that are listed. Guess: the slowest are what somebody looks for. */
const shownMax = 50;

/** The links between two zones, or within one, the slowest first. */
export function PairLinks(properties: {
  readonly zones: readonly MatrixZone[];
  readonly one: number;
  readonly other: number;
  readonly pair: ZonePair | null;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { zones, one, other, pair, onSelect } = properties;
  const { picture } = useFeed();
  const [from, to] = [zones[one], zones[other]];
  if (from === undefined || to === undefined) return null;
  const title = one === other ? `Within ${zoneLabel(from)}` : `${zoneLabel(from)} – ${zoneLabel(to)}`;
  if (pair === null) {
    return (
      <section className={styles.links} aria-label="Links of the chosen zones">
        <h3>{title}</h3>
        <p>
          No link. {one === other ? 'Its peers reach each other' : 'They reach each other'} through other zones, if at
          all.
        </p>
      </section>
    );
  }
  const edges = linksBetween(picture, zones, one, other);
  return (
    <section className={styles.links} aria-label="Links of the chosen zones" data-testid="pair-links">
      <h3>{title}</h3>
      <p>
        {pair.links === 1 ? '1 link' : `${formatNumber(pair.links)} links`}, {formatNumber(pair.treeLinks)} in the tree;
        median {formatMs(pair.rttP50Ms)}, slowest {formatMs(pair.rttMaxMs)}; {formatNumber(pair.messagesPerSecond)}{' '}
        messages/s.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{zoneLabel(from)}</th>
            <th scope="col">{zoneLabel(to)}</th>
            <th scope="col">Role</th>
            <th scope="col" className="num">
              RTT
            </th>
            <th scope="col" className="num">
              Messages/s
            </th>
          </tr>
        </thead>
        <tbody>
          {edges.slice(0, shownMax).map((edge) => (
            <LinkRow key={edge.key} edge={edge} zone={from} onSelect={onSelect} />
          ))}
        </tbody>
      </table>
      {edges.length > shownMax && (
        <p>
          The slowest {shownMax} of {formatNumber(edges.length)}.
        </p>
      )}
    </section>
  );
}

function LinkRow(properties: {
  readonly edge: Edge;
  /** The zone of the first column. */
  readonly zone: MatrixZone;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { edge, zone, onSelect } = properties;
  const { picture } = useFeed();
  const isTurned = zone.zones === 1 && picture.peers.get(edge.a)?.peer.zone !== zone.zone;
  const role = edgeRole(edge);
  return (
    <tr>
      {(isTurned ? [edge.b, edge.a] : [edge.a, edge.b]).map((id) => (
        <td key={id}>
          <button type="button" className="link-button" onClick={() => onSelect(id)}>
            {picture.peers.get(id)?.peer.name || shortId(id)}
          </button>
        </td>
      ))}
      <td>
        <span className="tag" data-role={role}>
          {role}
        </span>
      </td>
      <td className="num">{formatMs(edgeRttMs(edge))}</td>
      <td className="num">{formatNumber(edgeMessagesPerSecond(edge))}</td>
    </tr>
  );
}
