import type { PeerId, PeerInfo } from '@starling/kernel';

/**
 * What the mesh knows of one peer. Of two records the higher incarnation wins; of equal ones `left` beats `dead` beats `up`;
 * of two that are up, the one that says a version.
 */
export interface MemberRecord {
  readonly info: PeerInfo;
  readonly state: 'up' | 'left' | 'dead';
  /**
   * How long the sender would still keep this record without news, in ms. Repair hands a record on with the life it has
   * left, so copying it about never makes it live longer: what expires, expires everywhere at about the same time.
   */
  readonly ttlMs: number;
}

/** Said to everybody by broadcast. */
export type DirectoryBroadcast =
  /** By the peer itself: with its first neighbour, when refuting, and again within every `refreshMs`, which is its own promise. */
  | { readonly kind: 'announce'; readonly info: PeerInfo; readonly refreshMs: number }
  /** By the peer itself, when it leaves: a tombstone that nobody resurrects. */
  | { readonly kind: 'leave'; readonly id: PeerId; readonly incarnation: number }
  /** By a former neighbour. Two different accusers of the same incarnation make it dead; the accused refutes with a higher one. */
  | { readonly kind: 'accuse'; readonly id: PeerId; readonly incarnation: number; readonly accuser: PeerId };

/** Said between neighbours, to repair what broadcast missed. */
export type DirectoryMessage =
  /**
   * The whole directory as 1, 2, 4 … 256 hashes, one per bucket; one hash alone stands for everything. On becoming
   * neighbours (by the one with the lower id), every `digestIntervalMs` with one random neighbour, and to all after a
   * repair taught something. The receiver says nothing when all agree, answers with a finer digest when it keeps finer
   * buckets, and else sends its records of those that differ. `versions`: the hashes count what the peers run, too; only
   * to a neighbour that says what it runs itself, as to one that does not know of versions the two would never agree.
   */
  | { readonly kind: 'directoryDigest'; readonly hashes: readonly number[]; readonly versions: boolean }
  /**
   * The sender's records of these buckets (of `bucketCount`), a page at a time. `reply`: they are all that it has there,
   * and it waits for what the receiver knows beyond them, before it sends its next page.
   */
  | {
      readonly kind: 'directoryRecords';
      readonly bucketCount: number;
      readonly buckets: readonly number[];
      readonly records: readonly MemberRecord[];
      readonly reply: boolean;
    };

export type DirectoryCommand =
  | { readonly kind: 'neighborUp'; readonly peer: PeerInfo }
  /** `failed` true: the neighbour broke, or left and its own farewell may have reached nobody, rather than was swapped: accuse it. */
  | { readonly kind: 'neighborDown'; readonly peer: PeerInfo; readonly failed: boolean }
  /** `from` is the peer that broadcast it: each speaks for itself only. */
  | { readonly kind: 'broadcast'; readonly from: PeerId; readonly message: DirectoryBroadcast }
  /** Something else that this peer broadcast says that it is there, with the promise `Directory.refreshMs`: no need for a refresh. */
  | { readonly kind: 'spoke' }
  /** The same of another peer. `incarnation`: the one that its life began with, or higher. */
  | { readonly kind: 'heard'; readonly id: PeerId; readonly incarnation: number; readonly refreshMs: number }
  /** This peer was not served in time: what it missed may be its own fault. */
  | { readonly kind: 'selfLate' }
  | { readonly kind: 'leave' };

export type DirectoryEvent =
  /** To be broadcast to everybody. */
  | { readonly kind: 'broadcast'; readonly message: DirectoryBroadcast }
  /** The same, but without news or haste. What else this peer broadcasts now may stand for it: see `heard`. */
  | { readonly kind: 'refresh'; readonly message: Extract<DirectoryBroadcast, { readonly kind: 'announce' }> }
  /** A peer is new, is back, or its info is of a higher incarnation. Never this peer itself. */
  | { readonly kind: 'memberUp'; readonly info: PeerInfo }
  /** More is known of a peer that is up: its version, which whoever told of it first had not. */
  | { readonly kind: 'memberChanged'; readonly info: PeerInfo }
  /** `dead`: two peers said so. `expired`: silent for three refreshes, or accused by one and silent since. */
  | { readonly kind: 'memberDown'; readonly info: PeerInfo; readonly state: 'left' | 'dead' | 'expired' }
  /** This peer refuted an accusation: its own info has this incarnation from now on. */
  | { readonly kind: 'incarnation'; readonly incarnation: number }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
