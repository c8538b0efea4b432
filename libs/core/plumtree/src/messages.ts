import type { PeerId } from '@starling/kernel';
import type { Entry, TreeLabel } from './tree-label.ts';

/**
 * One publisher's life: `<peer id>~<start incarnation>`. Its messages are numbered 1, 2, 3 … without holes. Opaque here,
 * but for one thing: an id that ends in `!` names an ephemeral stream, and one that ends in `!!` a patient one.
 */
export type StreamId = string;

/**
 * The stream of a publisher's ephemeral messages (canaries, directory, reports). They spread and are grafted like all
 * others but are kept only as long as a graft may need them: no digest names them and nobody who comes later gets them.
 * A stream of their own, so that they leave no holes in the numbers that subscribers see.
 */
export function ephemeralStream(stream: StreamId): StreamId {
  return `${stream}!`;
}

/**
 * The stream of a publisher's patient messages: ephemeral ones of which it matters little when a hole is repaired (canaries,
 * refreshes). They are announced to a lazy neighbour when something else is sent to it anyway, after some seconds at the latest.
 */
export function patientStream(stream: StreamId): StreamId {
  return `${stream}!!`;
}

/** Is this the id of a patient stream, which is ephemeral as well? */
export function isPatient(stream: StreamId): boolean {
  return stream.endsWith('!!');
}

/** Is this the id of an ephemeral stream? */
export function isEphemeral(stream: StreamId): boolean {
  return stream.endsWith('!');
}

/** What `originOf` was asked last: a message passes many times, and all that it touches then share one text. */
let lastStream: StreamId = '';
let lastOrigin: PeerId = '';

/** Who publishes a stream. Of text that is no stream: the text itself. */
export function originOf(stream: StreamId): PeerId {
  if (stream !== lastStream) {
    const at = stream.lastIndexOf('~');
    lastOrigin = at < 0 ? stream : stream.slice(0, at);
    lastStream = stream;
  }
  return lastOrigin;
}

/**
 * What an origin signed: digests of a run of its messages, with one signature over all of them. Each of these messages
 * carries the same one, and each can be checked alone. One that this peer itself makes is open, and grows, until
 * somebody looks at it.
 */
export interface BatchSignature {
  /** The origin's public key, of which its id is the hash. */
  readonly key: Uint8Array;
  /** The number of the first message. */
  readonly first: number;
  /** `digestBytes` for each message, in order. */
  readonly digests: Uint8Array;
  readonly signature: Uint8Array;
}

/** Bytes of one message's digest: as hard to meet as AES-128 is to break. Who could choose both messages would be the origin itself. */
export const digestBytes = 16;

/** Messages under one signature at the most. Measured: beyond it the signature is the smaller part of what a message costs. */
export const batchMessagesMax = 64;

/** A whole, inclusive range of one stream's sequence numbers. */
export interface SeqRange {
  readonly stream: StreamId;
  readonly from: number;
  readonly to: number;
}

/** A payload on its way. `B` is opaque: bytes in a pod, any value in the simulator. */
export interface Gossip<B> {
  readonly kind: 'gossip';
  readonly stream: StreamId;
  readonly seq: number;
  /** Links that it has crossed, this one included. */
  readonly round: number;
  /** The origin's `now` at publication. A message older than the accepted window is refused as a replay. */
  readonly publishedAt: number;
  /** The receiver is to answer `held`. Only set by the origin, never relayed. */
  readonly wantHeld: boolean;
  /** Travels outside the tree (graft, pull, a copy for `held`, or passed on after one): a duplicate is no reason to prune. */
  readonly repair: boolean;
  /** The tree that it travels in, chosen by the origin. */
  readonly tree: TreeLabel;
  /** How it entered the zone of the sender. It tells copies of different far links apart, so that a zone can do with one of them. */
  readonly entry: Entry;
  /** The origin's; null when it signs nothing. Relays pass it on as it came. */
  readonly signature: BatchSignature | null;
  readonly body: B;
}

/** One announcement: a range of a stream, the round that it would arrive with, its tree, and how it entered the sender's zone. */
export type IHaveItem = SeqRange & { readonly round: number; readonly tree: TreeLabel; readonly entry: Entry };

/**
 * One run of messages that a peer holds: it can serve `from` … `seen`, all of them. A stream with holes is listed once per
 * run, ascending, at most `digestRunsMax` times. `from` = `seen` + 1 says: seen up to there, and nothing held any more.
 */
export interface StreamDigest {
  readonly stream: StreamId;
  readonly from: number;
  readonly seen: number;
}

/** Plumtree, Leitão et al., SRDS 2007, algorithms 1 to 3, and the digests that make up for links made later. */
export type PlumtreeMessage<B> =
  | Gossip<B>
  /** Lazy push: the sender has these. Batched, at most `iHaveGapMs` old or twice `iHaveBatchMs`; `patientMs` for those of patient streams. */
  | { readonly kind: 'iHave'; readonly items: readonly IHaveItem[] }
  /** Send me these, and make our link eager in this tree (tree repair). Between two that are no neighbours: push to me what comes; and `prune`: no longer. */
  | { readonly kind: 'graft'; readonly ranges: readonly SeqRange[]; readonly tree: TreeLabel }
  /**
   * You sent me what I had: make our link lazy in this tree. With `yieldTo` the link stays: our zone was entered twice, and the
   * entry that is named is to be the one that is left. Goes from peer to parent up to the other entry, which prunes its far link.
   */
  | { readonly kind: 'prune'; readonly tree: TreeLabel; readonly yieldTo: Entry | null }
  /**
   * What the sender holds, in pages of at most `digestStreamsMax`. All of it whenever two peers become neighbours, `last`
   * on the last page of those alone; later, what changed; and at the end of every answer to `pull`, the streams asked for. Between two that are
   * no neighbours: a page of nothing that is not the last asks to compare, and a page of what was heard of lately follows.
   */
  | { readonly kind: 'digest'; readonly streams: readonly StreamDigest[]; readonly last: boolean }
  /** Send me these; the tree stays as it is. */
  | { readonly kind: 'pull'; readonly ranges: readonly SeqRange[] }
  /** To the origin, from a direct neighbour: stored. */
  | { readonly kind: 'held'; readonly stream: StreamId; readonly seq: number };

export type PlumtreeCommand<B> =
  /**
   * Publish `body` as this peer's next message; `delivered` with round 0 comes out in the same `handle`. An `ephemeral`
   * one is numbered in a stream of its own (`ephemeralStream`) and never `held`; of these a `patient` one again
   * (`patientStream`).
   */
  | {
      readonly kind: 'broadcast';
      readonly body: B;
      readonly wantHeld: boolean;
      readonly ephemeral: boolean;
      readonly patient?: boolean;
    }
  /** `zone` is the neighbour's; empty when it is not known, and then the link counts as near. */
  | { readonly kind: 'neighborUp'; readonly peer: PeerId; readonly zone: string }
  | { readonly kind: 'neighborDown'; readonly peer: PeerId }
  /** Its place went to another, and its link stays for a while: it counts as a neighbour until the trees do without it, `retireMs` at most. */
  | { readonly kind: 'neighborRetiring'; readonly peer: PeerId }
  /**
   * Compare what is held with this peer, which is no neighbour and which a link is up or being dialled to, until `compared` says that it is over.
   * `follow`: until then what comes to either is pushed to the other.
   */
  | { readonly kind: 'compare'; readonly peer: PeerId; readonly follow: boolean };

export type PlumtreeEvent<B> =
  /** First sight of a message (own ones too, with round 0). Not in order: see the pubsub core. `from` is null for own ones. */
  | { readonly kind: 'delivered'; readonly message: Gossip<B>; readonly from: PeerId | null }
  /** A direct neighbour holds this peer's own message. */
  | { readonly kind: 'held'; readonly seq: number; readonly by: PeerId }
  /** Everything that this neighbour said to hold in its first digest is here, or will not come: a restarted peer may be ready. */
  | { readonly kind: 'caughtUp'; readonly peer: PeerId }
  /** A hole between messages that did come, given up: nobody can hold these any more. Said once. History from before the first message seen of a stream is not said. */
  | { readonly kind: 'lost'; readonly range: SeqRange }
  /** A `broadcast` that is not ephemeral is refused, nothing was sent: this peer publishes more than neighbours take of it. */
  | { readonly kind: 'overpaced'; readonly retryAfterMs: number }
  /** This neighbour publishes more than its allowance: once for each second's worth of it that was shed, and for each quarter of one by its own dates. */
  | { readonly kind: 'flooded'; readonly peer: PeerId }
  /** This neighbour announced so many messages that it did not send when asked, and nobody else had. */
  | { readonly kind: 'brokenPromise'; readonly peer: PeerId; readonly messages: number }
  /**
   * Of a comparison with a peer that is no neighbour: it brought so many messages that no neighbour had, or lacked so many of this peer's own,
   * since this was last said. `isOver`: its link is not needed any more.
   */
  | {
      readonly kind: 'compared';
      readonly peer: PeerId;
      readonly brought: number;
      readonly lacked: number;
      readonly isOver: boolean;
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
