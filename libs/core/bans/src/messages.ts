import type { Millis, PeerId } from '@starling/kernel';

/**
 * What an operator says about one peer. Of two about the same peer the higher number counts, so a ban is lifted, made longer
 * or shorter by saying something newer.
 */
export interface Ban {
  readonly subject: PeerId;
  /** Higher than that of every earlier record about this peer. A whole number. */
  readonly number: number;
  readonly issuedAt: Millis;
  /** Infinity: for good, which revokes the peer's key. Not after `issuedAt`: a ban is lifted. */
  readonly bannedUntil: Millis;
  /** Until then the record is kept and handed on. Not before the end of anything that it replaces, or that would count again. */
  readonly expiresAt: Millis;
  /** For people. */
  readonly reason: string;
  /** The operator, as the statement names them. */
  readonly by: string;
}

/** A record as it travels: bytes that nobody but the holder of an operator's key can make, and that every peer hands on as they are. */
export interface SignedBan {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  /** Names the operator's key. */
  readonly key: string;
}

/** Reads records: the codec and the cryptography, which no core has. */
export interface BanReader {
  /** What a record says, whoever signed it. Null for bytes that say nothing, or are for another mesh. Never throws. */
  parse(record: SignedBan): Ban | null;
  /** Whether an operator of this mesh signed it. Never throws. */
  verify(record: SignedBan): 'valid' | 'forged' | 'unknownKey';
}

/** One record of a list: enough to tell whose is newer. */
export interface ListedBan {
  readonly subject: PeerId;
  readonly number: number;
  /** 32 bits of the statement: two operators may use a number twice, and all peers must keep the same one. */
  readonly hash: number;
}

export type BansMessage =
  /**
   * All records as one hash. On becoming neighbours, when a neighbour taught something, and now and then. Who has the same says
   * nothing; else it answers with its list.
   */
  | { readonly kind: 'bansDigest'; readonly hash: number }
  /** What the sender holds. The receiver sends what is newer or missing there, and, unless this is a `reply`, its own list when it lacks something. */
  | { readonly kind: 'bansList'; readonly bans: readonly ListedBan[]; readonly reply: boolean }
  /** Records: asked for by a list, or new to the sender, which has checked each. The receiver checks them again, and hands on what is news. */
  | { readonly kind: 'bansRecords'; readonly records: readonly SignedBan[] };

export type BansCommand =
  | { readonly kind: 'neighborUp'; readonly peer: PeerId }
  | { readonly kind: 'neighborDown'; readonly peer: PeerId }
  /** A client brings a record. Answered by `submitted` in the same `handle`. */
  | { readonly kind: 'submit'; readonly requestId: number; readonly record: SignedBan }
  /** Records that were kept since an earlier life. Refused ones are counted, and nobody is blamed. */
  | { readonly kind: 'restore'; readonly records: readonly SignedBan[] }
  /** Other operators' keys count from now on: what they did not sign goes. */
  | { readonly kind: 'keysChanged' };

export const banRefusals = ['malformed', 'forged', 'unknownKey', 'expired', 'stale', 'full'] as const;
/** Why a record is not taken. `stale`: a newer one about the same peer is held. `full`: so many are, and all of them last longer. */
export type BanRefusal = (typeof banRefusals)[number];

export type BansEvent =
  /** The terms of a peer's ban are these from now on. */
  | { readonly kind: 'banned'; readonly ban: Ban }
  /** A ban is over: by its time, or an operator lifted it. */
  | { readonly kind: 'lifted'; readonly subject: PeerId }
  /** The records are others than before: keep them. */
  | { readonly kind: 'recordsChanged' }
  /** `from` is null for a record of a client or of an earlier life. */
  | { readonly kind: 'refused'; readonly from: PeerId | null; readonly reason: BanRefusal }
  | {
      readonly kind: 'submitted';
      readonly requestId: number;
      readonly outcome: 'taken' | 'known' | BanRefusal;
      /** The record that counts for that peer now, if there is one. */
      readonly ban: Ban | null;
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
