import type { PeerId, PeerInfo } from '@starling/kernel';

/** What the mesh knows of one peer. Of two records the higher incarnation wins; of equal ones `left` beats `dead` beats `up`. */
export interface MemberRecord {
  readonly info: PeerInfo;
  readonly state: 'up' | 'left' | 'dead';
}

/** Said to everybody by broadcast. */
export type DirectoryBroadcast =
  /** By the peer itself: at its start, when refuting, and every `refreshMs`. */
  | { readonly kind: 'announce'; readonly info: PeerInfo }
  /** By the peer itself, when it leaves: a tombstone that nobody resurrects. */
  | { readonly kind: 'leave'; readonly id: PeerId; readonly incarnation: number }
  /** By a former neighbour. Two different accusers of the same incarnation make it dead; the accused refutes with a higher one. */
  | { readonly kind: 'accuse'; readonly id: PeerId; readonly incarnation: number; readonly accuser: PeerId };

/** Said between neighbours, to repair what broadcast missed. */
export type DirectoryMessage =
  /** One hash per bucket of the whole directory; on becoming neighbours and every `digestIntervalMs` with one random neighbour. */
  | { readonly kind: 'directoryDigest'; readonly hashes: readonly number[] }
  /** The sender's records of the buckets that differ, in pages; `reply` asks for the receiver's in return. */
  | {
      readonly kind: 'directoryRecords';
      readonly buckets: readonly number[];
      readonly records: readonly MemberRecord[];
      readonly reply: boolean;
    };

export type DirectoryCommand =
  | { readonly kind: 'neighborUp'; readonly peer: PeerInfo }
  /** `failed` true: the neighbour broke rather than left or was swapped, so accuse it. */
  | { readonly kind: 'neighborDown'; readonly peer: PeerInfo; readonly failed: boolean }
  | { readonly kind: 'broadcast'; readonly from: PeerId; readonly message: DirectoryBroadcast }
  | { readonly kind: 'leave' };

export type DirectoryEvent =
  /** To be broadcast to everybody. */
  | { readonly kind: 'broadcast'; readonly message: DirectoryBroadcast }
  | { readonly kind: 'memberUp'; readonly info: PeerInfo }
  | { readonly kind: 'memberDown'; readonly info: PeerInfo; readonly state: 'left' | 'dead' | 'expired' }
  /** This peer refuted an accusation: its own info has this incarnation from now on. */
  | { readonly kind: 'incarnation'; readonly incarnation: number }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
