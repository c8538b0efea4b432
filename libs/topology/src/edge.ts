import type { Millis, PeerId } from '@starling/kernel';
import type { LinkFacts } from './facts.ts';

/** What flows one way over a link. */
export interface Flow {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of those messages, payloads that the receiver already had, per second. */
  readonly duplicatesPerSecond: number;
}

/** `tree`: both ends push payloads; `half`: one does; `spare`: neither, only announcements cross it. */
export type EdgeRole = 'tree' | 'half' | 'spare';

/** A link as one thing: the two ends' reports of it, merged. `a` sorts before `b`. */
export interface Edge {
  readonly key: string;
  readonly a: PeerId;
  readonly b: PeerId;
  /** `a`'s own view; null when it does not report this link. */
  readonly fromA: LinkFacts | null;
  /** `b`'s own view; null when it does not report this link. */
  readonly fromB: LinkFacts | null;
  /** Since when only one end has reported it; null when both do. */
  readonly halfSince: Millis | null;
}

/** The same key whichever end asks. */
export function edgeKey(one: PeerId, other: PeerId): string {
  return one < other ? `${one}~${other}` : `${other}~${one}`;
}

/** The other end. */
export function otherEnd(edge: Edge, peer: PeerId): PeerId {
  return edge.a === peer ? edge.b : edge.a;
}

/** One peer's own view of a link; null when it does not report it. */
export function viewFrom(edge: Edge, peer: PeerId): LinkFacts | null {
  return edge.a === peer ? edge.fromA : edge.fromB;
}

/** The link's part in the broadcast tree, by what its ends report. With one report, that one decides. */
export function edgeRole(edge: Edge): EdgeRole {
  const { fromA, fromB } = edge;
  if (fromA === null || fromB === null) return (fromA ?? fromB)?.role === 'eager' ? 'tree' : 'spare';
  if (fromA.role === fromB.role) return fromA.role === 'eager' ? 'tree' : 'spare';
  return 'half';
}

/** Mean of the two ends' round trips, or the one that is known; null when neither has measured it. */
export function edgeRttMs(edge: Edge): number | null {
  const a = edge.fromA?.rttMs ?? null;
  const b = edge.fromB?.rttMs ?? null;
  if (a === null) return b;
  return b === null ? a : (a + b) / 2;
}

/**
 * What flows from `peer` to the other end. The sender's count is taken where there is one: it is written before the
 * receiver's, and a message that is lost on the way still cost the link. Duplicates are known to the receiver alone.
 */
export function flowFrom(edge: Edge, peer: PeerId): Flow {
  const sender = viewFrom(edge, peer);
  const receiver = viewFrom(edge, otherEnd(edge, peer));
  return {
    messagesPerSecond: sender?.messagesOutPerSecond ?? receiver?.messagesInPerSecond ?? 0,
    bytesPerSecond: sender?.bytesOutPerSecond ?? receiver?.bytesInPerSecond ?? 0,
    duplicatesPerSecond: receiver?.duplicatesPerSecond ?? 0,
  };
}

/** Messages per second both ways. */
export function edgeMessagesPerSecond(edge: Edge): number {
  return flowFrom(edge, edge.a).messagesPerSecond + flowFrom(edge, edge.b).messagesPerSecond;
}
