import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { Position } from './position.ts';
import type { LookupRecord, RecordKind } from './record.ts';

/** What became of a record that somebody was asked to hold. */
export type StoreOutcome =
  | 'stored'
  /** The same one is held. */
  | 'held'
  /** One of a higher version is held. */
  | 'newer'
  /** No room, neither in the store nor for one more publisher of the key. */
  | 'full'
  /** Too many stores at once: try another peer, or later. */
  | 'busy'
  /** The receiver knows too many peers that are nearer to the key. */
  | 'far'
  /** Expired, too big, or its signature is not its publisher's. */
  | 'invalid';
export const storeOutcomes = [
  'stored',
  'held',
  'newer',
  'full',
  'busy',
  'far',
  'invalid',
] as const satisfies readonly StoreOutcome[];

/** Kademlia's calls (§2.3), between any two peers; the answer has the number of its question. PING is missing: links are watched. */
export type KademliaMessage =
  /** Asks for the peers nearest to a point that the receiver knows. */
  | { readonly kind: 'findNode'; readonly rpcId: number; readonly target: Position }
  | { readonly kind: 'findNodeReply'; readonly rpcId: number; readonly peers: readonly PeerInfo[] }
  /** Asks for up to `limit` records of a key, of any publisher when it is ''. */
  | {
      readonly kind: 'findValue';
      readonly rpcId: number;
      readonly recordKind: RecordKind;
      readonly key: Uint8Array;
      readonly publisher: PeerId;
      readonly limit: number;
    }
  /** What the receiver holds, and when that is nothing the peers nearest to the key that it knows. */
  | {
      readonly kind: 'findValueReply';
      readonly rpcId: number;
      readonly records: readonly LookupRecord[];
      readonly peers: readonly PeerInfo[];
    }
  /** Asks to hold a record until it expires. */
  | { readonly kind: 'store'; readonly rpcId: number; readonly record: LookupRecord }
  | { readonly kind: 'storeReply'; readonly rpcId: number; readonly outcome: StoreOutcome };

export type KademliaCommand =
  /** Members that the directory knows, in pages of any size; this peer may be among them. */
  | { readonly kind: 'membersUp'; readonly peers: readonly PeerInfo[] }
  | { readonly kind: 'memberDown'; readonly id: PeerId }
  /** Answered by one `finished`. `lookupId` is unique at this peer. */
  | {
      readonly kind: 'get';
      readonly lookupId: string;
      readonly recordKind: RecordKind;
      readonly key: Uint8Array;
      /** '' for the records of all publishers. */
      readonly publisher: PeerId;
      /** Holders whose word is waited for. 1: the first valid record is the answer. */
      readonly answers: number;
      /** Publishers that may be in the answer. */
      readonly limit: number;
      /** Disjoint paths. */
      readonly paths: number;
      readonly timeoutMs: Millis;
    }
  | {
      readonly kind: 'put';
      readonly lookupId: string;
      readonly record: LookupRecord;
      readonly paths: number;
      readonly timeoutMs: Millis;
      /** This peer publishes it again and again until it expires. */
      readonly keep: boolean;
    }
  | { readonly kind: 'cancel'; readonly lookupId: string };

/** One call of a lookup. */
export interface Hop {
  readonly peer: PeerInfo;
  /** Which of the disjoint paths, from 0. */
  readonly path: number;
  /** How many calls deep: 1 for peers that this one knew. */
  readonly round: number;
  /** Leading bits that the peer shares with the key. */
  readonly sharedBits: number;
  /** From the beginning of the lookup. */
  readonly atMs: Millis;
  /** Until the answer, or its absence. */
  readonly tookMs: Millis;
  readonly outcome: 'records' | 'peers' | StoreOutcome | 'timeout' | 'linkDown' | 'untrue' | 'unanswered';
  /** Records or peers in the answer. */
  readonly count: number;
}

export type LookupOutcome =
  | 'found'
  /** The nearest peers to the key that can be reached do not hold it. */
  | 'notFound'
  | 'stored'
  /** A holder has a higher version of the same publisher: this record counts for nothing. */
  | 'superseded'
  /** Fewer than half of those that should hold it took it. */
  | 'notStored'
  | 'deadline'
  | 'overloaded'
  | 'cancelled';

export interface LookupResult {
  readonly outcome: LookupOutcome;
  /** Of a get: the newest of each publisher, newest first. */
  readonly records: readonly LookupRecord[];
  /** Holders: of a get those that had a record, of a put those that took it; this peer counts. */
  readonly holders: number;
  /** Of a put: how many should hold it. */
  readonly wanted: number;
  readonly rpcs: number;
  /** … that were not answered. */
  readonly failures: number;
  /** Calls one after another until the answer. 0: this peer had it. */
  readonly rounds: number;
  readonly tookMs: Millis;
  /** Whether all members were known, so that nobody had to be asked for the way. */
  readonly isFullTable: boolean;
  readonly hops: readonly Hop[];
}

export type KademliaEvent =
  | { readonly kind: 'finished'; readonly lookupId: string; readonly result: LookupResult }
  /** The mesh has become small enough again for a table of all members: tell them by `membersUp`. */
  | { readonly kind: 'membersNeeded' }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
