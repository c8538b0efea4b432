'use client';

import { type Edge, edgeRole, edgeRttMs, flowFrom, type MeshPicture, otherEnd } from '@starling/topology';
import type { ReactNode } from 'react';
import { formatBytes, formatMs, formatNumber, shortId } from '../../ui/format.ts';
import styles from './peers.module.css';

const roleLabels = { tree: 'tree', half: 'half', spare: 'spare' } as const;

/** The links of one peer with both directions, the tree's first. */
export function PeerLinks(properties: {
  readonly peer: string;
  readonly picture: MeshPicture;
  readonly onSelect: (peer: string) => void;
}): ReactNode {
  const { peer, picture, onSelect } = properties;
  const edges = [...picture.edgesOf(peer)].sort(byRoleThenRtt);
  return (
    <>
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
              <LinkRow key={edge.key} edge={edge} self={peer} picture={picture} onSelect={onSelect} />
            ))}
          </tbody>
        </table>
      )}
    </>
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

const roleOrder = { tree: 0, half: 1, spare: 2 } as const;

function byRoleThenRtt(one: Edge, other: Edge): number {
  const byRole = roleOrder[edgeRole(one)] - roleOrder[edgeRole(other)];
  return byRole || (edgeRttMs(one) ?? 0) - (edgeRttMs(other) ?? 0) || (one.key < other.key ? -1 : 1);
}
