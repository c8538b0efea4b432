import type { PeerId } from '@starling/kernel';

/** One publisher's life: `<peer id>~<start incarnation>`. Its messages are numbered 1, 2, 3 … without holes. Opaque here. */
export type StreamId = string;

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
  /** The origin's `now` at publication: what expiry and the replay window go by. */
  readonly publishedAt: number;
  /** The receiver is to answer `held`. Only set by the origin, never relayed. */
  readonly wantHeld: boolean;
  /** Sent on request (graft, pull): says nothing about the tree, so a duplicate is no reason to prune. */
  readonly repair: boolean;
  readonly body: B;
}

/** One peer's knowledge of a stream: it has seen everything up to `seen` and can still serve `from` … `seen` (and maybe more beyond a hole). */
export interface StreamDigest {
  readonly stream: StreamId;
  readonly from: number;
  readonly seen: number;
}

/** Plumtree, Leitão et al., SRDS 2007, algorithms 1 to 3, and the digests that make up for links made later. */
export type PlumtreeMessage<B> =
  | Gossip<B>
  /** Lazy push: the sender has these. Batched, at most `iHaveBatchMs` old. */
  | { readonly kind: 'iHave'; readonly items: readonly (SeqRange & { readonly round: number })[] }
  /** Send me these, and make our link eager (tree repair). */
  | { readonly kind: 'graft'; readonly ranges: readonly SeqRange[] }
  /** Make our link lazy: you sent me what I had. */
  | { readonly kind: 'prune' }
  /** What the sender holds, said whenever two peers become neighbours, in pages of at most `digestStreamsMax`. */
  | { readonly kind: 'digest'; readonly streams: readonly StreamDigest[]; readonly last: boolean }
  /** Send me these; the tree stays as it is. */
  | { readonly kind: 'pull'; readonly ranges: readonly SeqRange[] }
  /** To the origin, from a direct neighbour: stored. */
  | { readonly kind: 'held'; readonly stream: StreamId; readonly seq: number };

export type PlumtreeCommand<B> =
  /** Publish `body` as this peer's next message; `delivered` with round 0 comes out in the same `handle`. */
  | { readonly kind: 'broadcast'; readonly body: B; readonly wantHeld: boolean }
  | { readonly kind: 'neighborUp'; readonly peer: PeerId }
  | { readonly kind: 'neighborDown'; readonly peer: PeerId };

export type PlumtreeEvent<B> =
  /** First sight of a message (own ones too, with round 0). Not in order: see the pubsub core. `from` is null for own ones. */
  | { readonly kind: 'delivered'; readonly message: Gossip<B>; readonly from: PeerId | null }
  /** A direct neighbour holds this peer's own message. */
  | { readonly kind: 'held'; readonly seq: number; readonly by: PeerId }
  /** Everything that this neighbour said to hold in its first digest is here, or will not come: a restarted peer may be ready. */
  | { readonly kind: 'caughtUp'; readonly peer: PeerId }
  /** These can no longer be had from anybody asked: evicted everywhere. Said once. */
  | { readonly kind: 'lost'; readonly range: SeqRange }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
