import type { PeerId, PeerInfo } from '@starling/kernel';

/**
 * `high`: must not be refused; the asker has no neighbour at all, or builds a bridge to what may be another island. `low`:
 * it is short of neighbours. `near`: it offers to swap a costly link for this cheaper one.
 */
export type NeighborPriority = 'high' | 'low' | 'near';

/** What membership cores say to each other. HyParView, Leitão et al., DSN 2007, algorithms 1 and 2. */
export type HyParViewMessage =
  /** From a new peer to its contact. The receiver takes it as a neighbour, evicting one if full, starts forward joins and answers with `neighborReply`. */
  | { readonly kind: 'join'; readonly sender: PeerInfo }
  /** A random walk that carries a joiner through the mesh; ends in an active view, passes through passive views. */
  | { readonly kind: 'forwardJoin'; readonly joiner: PeerInfo; readonly ttl: number }
  /** Asks for a place in the receiver's active view. `dropping` names the sender's link that would go; null when it has room. */
  | {
      readonly kind: 'neighbor';
      readonly sender: PeerInfo;
      readonly priority: NeighborPriority;
      readonly dropping: PeerInfo | null;
    }
  /**
   * The answer to `join` and `neighbor`. `dropped` names the link that was given up for it, so that both losers can pair up;
   * in a refusal, somebody whom the asker may ask instead.
   */
  | { readonly kind: 'neighborReply'; readonly accepted: boolean; readonly dropped: PeerInfo | null }
  /**
   * The sender takes the receiver out of its active view. `leave`: for good (forget me, do not offer me to others).
   * `evicted`: to make room. `swapped`: for a cheaper link or a bridge. `alternative` probably has room: it lost its link in
   * the same swap or to the same leaver, or is the newcomer that room was made for. The receiver tries it first.
   */
  | {
      readonly kind: 'disconnect';
      readonly reason: 'leave' | 'evicted' | 'swapped';
      readonly alternative: PeerInfo | null;
    }
  /** A random walk that carries a sample of the origin's views; the last peer answers the origin directly. */
  | { readonly kind: 'shuffle'; readonly origin: PeerInfo; readonly ttl: number; readonly sample: readonly PeerInfo[] }
  /** As many passive entries as the shuffle carried. */
  | { readonly kind: 'shuffleReply'; readonly sample: readonly PeerInfo[] };

export type HyParViewCommand =
  /** Peers that discovery found: joined while there are no neighbours, else kept as spares in the passive view. */
  | { readonly kind: 'contacts'; readonly peers: readonly PeerInfo[] }
  /** Peers that the layer above knows of: ranked for the places, and nothing else. */
  | { readonly kind: 'heard'; readonly peers: readonly PeerInfo[] }
  /** Measured round-trip time to a neighbour, in ms: the cost that the optimisation lowers. */
  | { readonly kind: 'rtt'; readonly peer: PeerId; readonly rttMs: number }
  /** The failure detector says that this neighbour is dead though its link is open. */
  | { readonly kind: 'suspect'; readonly peer: PeerId }
  /** The layer above wants this peer neither as a neighbour nor as a spare. Its policy must refuse it, else it may come back. */
  | { readonly kind: 'expel'; readonly peer: PeerId }
  /** Leave for good: tell every neighbour, then take no further part. */
  | { readonly kind: 'leave' };

export type HyParViewEvent =
  | { readonly kind: 'neighborUp'; readonly peer: PeerInfo }
  | { readonly kind: 'neighborDown'; readonly peer: PeerInfo; readonly reason: NeighborDownReason }
  /** No neighbour and no candidate is left: ask every discovery source again. Repeated, with back-off, until one is found. */
  | { readonly kind: 'contactsNeeded' }
  /** A neighbour sent what the protocol forbids; nothing changed. `rule` is a short constant. */
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };

/** `failed`: the link broke. `suspected`: the failure detector. `left`: it said so. `evicted`, `swapped`: by either side. */
export type NeighborDownReason = 'failed' | 'suspected' | 'left' | 'evicted' | 'swapped';

/** Who may be a neighbour: a decision of the layer above, so that a defence never needs a change here. Pure and fast. */
export interface AdmissionPolicy {
  /** May `candidate` be dialled or accepted as a neighbour, given the neighbours there are? */
  admit(candidate: PeerInfo, neighbors: readonly PeerInfo[]): boolean;
  /** May `peer` enter the passive view? */
  remember(peer: PeerInfo): boolean;
  /** Is `peer` said to be dead? Then it is asked after all others. Absent: nobody is. */
  isDoubted?(peer: PeerId): boolean;
}
