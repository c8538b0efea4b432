import type { PeerId, PeerInfo } from '@starling/kernel';

/** What a peer says of its index beside its terms. */
export interface IndexSize {
  readonly documents: number;
  /** Words in all documents together: with `documents` their mean length. */
  readonly words: number;
  /** It has more terms than it may tell: it may hold anything. */
  readonly mayHold: boolean;
}

/** A peer's summary as it travels between neighbours. */
export interface SummaryRecord extends IndexSize {
  readonly id: PeerId;
  readonly version: number;
  /** A `TermSet`, or empty when `mayHold`. */
  readonly terms: Uint8Array;
  /** Those of folded terms that several peers have, unfolded: a `TermSet` of 32 bits. */
  readonly exact?: Uint8Array;
}

/** What makes version `version` of a peer's summary of version `base`; of nothing when that is 0. Ascending, of 32 bits, coded. */
export interface SummaryDelta extends IndexSize {
  readonly version: number;
  readonly base: number;
  readonly added: Uint8Array;
  readonly removed: Uint8Array;
}

export interface VersionEntry {
  readonly id: PeerId;
  readonly version: number;
}

/** Between neighbours: what broadcast missed, and all of it for a joiner. */
export type SummariesMessage =
  /** One hash per bucket of what the sender holds. */
  | { readonly kind: 'summaryDigest'; readonly hashes: readonly number[] }
  /** What the sender holds of these buckets, or a part. `reply`: say what you have that is newer. */
  | {
      readonly kind: 'summaryVersions';
      readonly bucketCount: number;
      readonly buckets: readonly number[];
      readonly entries: readonly VersionEntry[];
      readonly reply: boolean;
    }
  | { readonly kind: 'summaryFetch'; readonly ids: readonly PeerId[] }
  /** The answer: as many of those asked for as fit. */
  | { readonly kind: 'summaryRecords'; readonly records: readonly SummaryRecord[] };

export type SummariesCommand =
  | { readonly kind: 'neighborUp'; readonly peer: PeerId }
  | { readonly kind: 'neighborDown'; readonly peer: PeerId }
  | { readonly kind: 'memberUp'; readonly info: PeerInfo }
  | { readonly kind: 'memberDown'; readonly id: PeerId }
  /** Peers that are up, this one included. */
  | { readonly kind: 'meshSize'; readonly peers: number }
  /** `from` is the peer that broadcast it: each speaks for itself only. */
  | { readonly kind: 'delta'; readonly from: PeerId; readonly delta: SummaryDelta }
  /** The own index is not what it was: `snapshot` will be asked for. */
  | { readonly kind: 'changed' }
  /** The answer to `snapshot`: fingerprints ascending, each once; null when there are more than `termsMax`. */
  | {
      readonly kind: 'terms';
      readonly fingerprints: Uint32Array | null;
      readonly documents: number;
      readonly words: number;
    };

/** Why a peer holds no summaries. */
export type OffReason = 'disabled' | 'mesh too large' | 'memory';

export type SummariesEvent =
  /** To be broadcast to everybody. */
  | { readonly kind: 'broadcast'; readonly delta: SummaryDelta }
  /** Say what terms the own index has, with `terms`. */
  | { readonly kind: 'snapshot' }
  /** Null: it holds them again. */
  | { readonly kind: 'switched'; readonly off: OffReason | null }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
