'use client';

import {
  type Edge,
  edgeRole,
  edgeRttMs,
  flowFrom,
  type MeshPicture,
  otherEnd,
  type PeerView,
} from '@starling/topology';
import type { ReactNode } from 'react';
import { useFeed } from '../../feed/feed-provider.tsx';
import { formatAge, formatBytes, formatMs, formatNumber, formatShare, shortId } from '../../ui/format.ts';
import { HealthGlyph, healthLabels } from '../../ui/health-glyph.tsx';
import { Icon } from '../../ui/icons.tsx';
import { useNow } from '../../ui/use-now.ts';
import styles from './peers.module.css';

const roleLabels = { tree: 'tree', half: 'half', spare: 'spare' } as const;

/** All that is known of one peer, and its links with both directions. */
export function PeerPanel(properties: { readonly peer: string; readonly onSelect: (peer: string) => void }): ReactNode {
  const { peer: id, onSelect } = properties;
  const { picture } = useFeed();
  const view = picture.peers.get(id);
  const gone = picture.gone.find(({ peer }) => peer.id === id);
  return (
    <section className={styles.panel} aria-label="Selected peer" data-testid="peer-panel">
      <header>
        <h2>{view?.peer.name || gone?.peer.name || shortId(id)}</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => onSelect('')}
        >
          <Icon name="close" />
        </button>
      </header>
      {view === undefined ? (
        <p className={styles.absent}>
          {gone === undefined
            ? 'The mesh does not know this peer.'
            : 'This peer is gone. Its neighbours replace its links.'}
        </p>
      ) : (
        <PeerDetail view={view} picture={picture} onSelect={onSelect} />
      )}
    </section>
  );
}

function PeerDetail(properties: {
  readonly view: PeerView;
  readonly picture: MeshPicture;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { view, picture, onSelect } = properties;
  const { peer, report, verdict } = view;
  const now = useNow();
  const edges = [...picture.edgesOf(peer.id)].sort(byRoleThenRtt);
  return (
    <div className={styles.detail}>
      <div className={styles.verdict} data-health={verdict.health}>
        <HealthGlyph health={verdict.health} />
        <b>{healthLabels[verdict.health]}</b>
        <span>{verdict.reasons.join(' · ')}</span>
      </div>
      {report !== null && (
        <dl className={styles.rates}>
          <Rate label="Delivered" value={`${formatNumber(report.deliveredPerSecond)}/s`} />
          <Rate label="Published" value={`${formatNumber(report.publishedPerSecond)}/s`} />
          <Rate label="Dropped" value={`${formatNumber(report.droppedPerSecond)}/s`} />
          <Rate label="Event loop" value={formatShare(report.loopUtilization)} />
          <Rate label="Heap" value={formatBytes(report.heapBytes)} />
          <Rate label="Documents" value={formatNumber(report.documentCount)} />
        </dl>
      )}
      <h3>
        Links <span>{edges.length}</span>
      </h3>
      {edges.length > 0 && (
        <table className={styles.links}>
          <thead>
            <tr>
              <th scope="col">Peer</th>
              <th scope="col">Role</th>
              <th scope="col" className="num">
                RTT
              </th>
              <th scope="col" className="num" title="Messages per second to it">
                Out/s
              </th>
              <th scope="col" className="num" title="Messages per second from it">
                In/s
              </th>
            </tr>
          </thead>
          <tbody>
            {edges.map((edge) => (
              <LinkRow key={edge.key} edge={edge} self={peer.id} picture={picture} onSelect={onSelect} />
            ))}
          </tbody>
        </table>
      )}
      <h3>Identity</h3>
      <dl className={styles.facts}>
        <Fact label="Id" value={peer.id} isCode />
        <Fact label="Zone" value={peer.zone || 'none'} />
        <Fact label="State" value={peer.state} />
        <Fact label="Up" value={peer.incarnation > 0 && now > 0 ? formatAge(now - peer.incarnation) : '–'} />
        <Fact label="Spares" value={report === null ? '–' : `${report.passiveViewSize} in the passive view`} />
        <Fact label="Links at" value={peer.linkAddress || '–'} isCode />
        <Fact label="API at" value={peer.apiAddress || '–'} isCode />
        <Fact label="Version" value={peer.version || '–'} />
      </dl>
    </div>
  );
}

function LinkRow(properties: {
  readonly edge: Edge;
  readonly self: string;
  readonly picture: MeshPicture;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { edge, self, picture, onSelect } = properties;
  const other = otherEnd(edge, self);
  const role = edgeRole(edge);
  const isOneSided = picture.isHalf(edge);
  const [out, back] = [flowFrom(edge, self), flowFrom(edge, other)];
  return (
    <tr>
      <td>
        <button type="button" className="link-button" onClick={() => onSelect(other)}>
          {picture.peers.get(other)?.peer.name || shortId(other)}
        </button>
      </td>
      <td>
        <span className="tag" data-role={role}>
          {roleLabels[role]}
        </span>
        {isOneSided && (
          <span className="tag" data-role="odd" title="One end alone reports this link">
            1-sided
          </span>
        )}
      </td>
      <td className="num">{formatMs(edgeRttMs(edge))}</td>
      <td className="num" title={`${formatBytes(out.bytesPerSecond)}/s`}>
        {formatNumber(out.messagesPerSecond)}
      </td>
      <td
        className="num"
        title={`${formatBytes(back.bytesPerSecond)}/s, ${formatNumber(back.duplicatesPerSecond)}/s known already`}
      >
        {formatNumber(back.messagesPerSecond)}
      </td>
    </tr>
  );
}

function Rate({ label, value }: { readonly label: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Fact(properties: { readonly label: string; readonly value: string; readonly isCode?: boolean }): ReactNode {
  return (
    <div>
      <dt>{properties.label}</dt>
      <dd>{properties.isCode === true ? <code>{properties.value}</code> : properties.value}</dd>
    </div>
  );
}

const roleOrder = { tree: 0, half: 1, spare: 2 } as const;

function byRoleThenRtt(one: Edge, other: Edge): number {
  const byRole = roleOrder[edgeRole(one)] - roleOrder[edgeRole(other)];
  return byRole || (edgeRttMs(one) ?? 0) - (edgeRttMs(other) ?? 0) || (one.key < other.key ? -1 : 1);
}
