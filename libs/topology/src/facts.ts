import type { Millis, PeerId } from '@starling/kernel';

/** What a peer says it is doing; `unknown` when its version has a word that this one lacks. */
export type PeerState = 'starting' | 'ready' | 'draining' | 'unknown';

/** One peer of the mesh: `starling.v1.Peer` as a plain object, fit for JSON. */
export interface PeerFacts {
  readonly id: PeerId;
  /** For people; a pod's name. May be empty. */
  readonly name: string;
  /** Failure domain; empty when unknown. */
  readonly zone: string;
  readonly linkAddress: string;
  readonly apiAddress: string;
  /** When its process started, ms since 1970; 0 when unknown. */
  readonly incarnation: Millis;
  readonly state: PeerState;
  readonly version: string;
  /** Set while the peer is banned, as the serving peer knows it. */
  readonly ban?: BanFacts;
}

/** Why a peer is banned: `starling.v1.Ban` as a plain object. */
export interface BanFacts {
  /** The operator, as the record or the token names them; of an automatic ban the id of the peer that decided. */
  readonly by: string;
  readonly reason: string;
  /** `mesh`: at every peer, by a record that an operator signed. `peer`: at the serving peer, and maybe at others. */
  readonly scope: 'peer' | 'mesh';
  readonly isAutomatic: boolean;
  /** When it ends, ms since 1970; null: when it is lifted. */
  readonly until: Millis | null;
}

/** Whether payloads are pushed over a link (`eager`) or only announced (`lazy`). */
export type LinkRole = 'eager' | 'lazy';

/** One end's view of a link: `starling.v1.Link`. Rates are over the reporting peer's last interval. */
export interface LinkFacts {
  readonly peerId: PeerId;
  readonly role: LinkRole;
  /** Smoothed round trip; null when not yet measured. */
  readonly rttMs: number | null;
  readonly messagesInPerSecond: number;
  readonly messagesOutPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Payloads that came over this link and were already known. */
  readonly duplicatesPerSecond: number;
}

/** What a peer knows to be wrong with itself: `starling.v1.PeerCondition`; values of later versions are left out. */
export type PeerCondition =
  | 'certificateExpired'
  | 'authorityExpired'
  | 'neighborsBypassed'
  | 'certificateLate'
  | 'authorityLate'
  | 'cacheUnwritten';

/** What a peer reports of itself: `starling.v1.PeerReport`. */
export interface ReportFacts {
  readonly peer: PeerFacts;
  readonly links: readonly LinkFacts[];
  readonly deliveredPerSecond: number;
  readonly publishedPerSecond: number;
  readonly droppedPerSecond: number;
  readonly passiveViewSize: number;
  readonly documentCount: number;
  readonly heapBytes: number;
  /** Share of time that the event loop was busy, 0 to 1. */
  readonly loopUtilization: number;
  readonly conditions: readonly PeerCondition[];
  /** When the serving peer heard it, ms since 1970 by the serving peer's clock. */
  readonly reportTime: Millis;
}

/** Why a peer is no longer known: it said goodbye, its neighbours lost it, or nobody heard of it for too long. */
export type RemovalReason = 'left' | 'dead' | 'expired';

/** Everything held: peers that report, and peers known to be there that were not heard from. */
export interface TopologySnapshot {
  readonly reports: readonly ReportFacts[];
  readonly silentPeers: readonly PeerFacts[];
}

/** What changed since the version before. Reports are whole, not patches. */
export interface TopologyDelta extends TopologySnapshot {
  readonly removedPeers: readonly { readonly id: PeerId; readonly reason: RemovalReason }[];
}
