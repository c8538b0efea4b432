import { edgeMessagesPerSecond, edgeRole, edgeRttMs } from './edge.ts';
import type { MeshPicture } from './mesh-picture.ts';

/** A picture as one JSON document, for a ticket or another program. Its `format` changes when a field changes its meaning. */
export function exportedPicture(picture: MeshPicture): Readonly<Record<string, unknown>> {
  return {
    format: 'starling-topology/1',
    at: new Date(picture.now).toISOString(),
    parts: picture.parts.map((part) => part.length),
    peers: [...picture.peers.values()].map(({ peer, report, degree, verdict }) => ({
      ...peer,
      health: verdict.health,
      reasons: verdict.reasons,
      degree,
      deliveredPerSecond: report?.deliveredPerSecond ?? null,
      publishedPerSecond: report?.publishedPerSecond ?? null,
      droppedPerSecond: report?.droppedPerSecond ?? null,
    })),
    links: [...picture.edges.values()].map((edge) => ({
      a: edge.a,
      b: edge.b,
      role: edgeRole(edge),
      rttMs: edgeRttMs(edge),
      messagesPerSecond: edgeMessagesPerSecond(edge),
      isOneSided: picture.isHalf(edge),
    })),
    changes: picture.changes,
  };
}
