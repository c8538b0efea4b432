import type { LinkDownReason, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';

/** Link totals since the link came up. */
export interface LinkStats {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes waiting in this link's send queues now. */
  readonly queuedBytes: number;
}

/** What a transport tells its host. Called one at a time, never from inside a call of the host into the transport. */
export interface TransportHandler<B> {
  /** A link is up: both sides have said hello. Exactly one per peer at a time, whoever dialled. */
  linkUp(peer: PeerInfo): void;
  message(from: PeerId, message: MeshMessage<B>): void;
  /** Whether a link with this peer is refused, with the reason `banned`, by whichever side dials. Changes nothing. */
  isBanned?(peer: PeerId): boolean;
  /**
   * Calls `deliver` at once, which calls `message` for messages that came together: what is the same after one as after
   * many is done once, at the end. A transport that has no use for it leaves it.
   */
  batch(deliver: () => void): void;
  /** The link is gone, or (`refused`) the dial that `open` began came to nothing. */
  linkDown(peer: PeerId, reason: LinkDownReason): void;
}

/**
 * Moves messages between this peer and others: the port that `transport-grpc`, `transport-memory` and the tests of
 * libs/testing share. At most one link per peer; simultaneous dials end as one link and lose or repeat nothing.
 */
export interface Transport<B> {
  /** Begins to listen. Rejects with a StarlingError when it cannot. */
  start(self: PeerInfo, handler: TransportHandler<B>): Promise<void>;
  /** What later hellos say about this peer (a refutation raised its incarnation). */
  setSelf(self: PeerInfo): void;
  /** Dials unless a link is up or being dialled. Answered by `linkUp` or by `linkDown` within the connect deadline. */
  open(peer: PeerInfo): void;
  /** Dials an address whose peer is not known. Resolves with the peer that answered; the link stays up and `linkUp` was called. Rejects with the reason within the connect deadline. */
  contact(address: string): Promise<PeerInfo>;
  /** Queues a message for a link that is up or being dialled. False, and counted: there is none, or its queue is full. */
  send(to: PeerId, message: MeshMessage<B>): boolean;
  /** Flushes what is queued, for at most the close deadline, then ends the link. Answered by `linkDown` with `closed`. */
  close(peer: PeerId): void;
  stats(peer: PeerId): LinkStats | undefined;
  /** Closes every link and stops listening, within the close deadline. */
  stop(): Promise<void>;
}
