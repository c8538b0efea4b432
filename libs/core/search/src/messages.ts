import type { PeerId } from '@starling/kernel';

/** One document that matched, as it travels. */
export interface Hit {
  /** The peer that holds the document. */
  readonly peer: PeerId;
  readonly documentId: string;
  readonly score: number;
  /** The stored document as JSON text; at most `hitBytesMax`. */
  readonly document: string;
}

/** What a subtree did for one wave of a query, summed on the way back. */
export interface QueryTally {
  /** Peers that the query was handed to, the subtree's root included; those that declined are not counted. */
  readonly asked: number;
  /** Peers whose own answer is in. */
  readonly answered: number;
  /**
   * Link messages that the query cost: each `query` counted by who sends it, each `answer` and `decline` by who receives
   * it in time. A clean tree of N peers costs N−1 queries and at least N−1 answers. `cancel` is not counted, nor what a missing branch spent.
   */
  readonly messages: number;
  /** Branches that broke, were shed or ran out of time, each hiding at least one peer. */
  readonly missing: number;
}

/**
 * Exhaustive search along the broadcast tree: N−1 queries out, answers merged hop by hop on the way back. When this first
 * wave (0) did not reach everybody the origin asks once more (1), over every link: whoever hears a wave first answers it,
 * once, so a wave's tally counts each peer at most once however broken the tree is.
 */
export type SearchMessage =
  | {
      readonly kind: 'query';
      /** Unique: `<origin>/<number>`. */
      readonly queryId: string;
      readonly wave: number;
      readonly text: string;
      /** Hits wanted at most; each hop passes on only the best so many. */
      readonly limit: number;
      /** What is left of the deadline when it is sent, in ms. A hop passes on less. */
      readonly timeoutMs: number;
      readonly hops: number;
      /** The broadcast tree that its first wave goes along: the origin's, at every hop. */
      readonly tree: number;
    }
  /** Hits of the sender's subtree as they are found; `done` with the tally when the subtree is finished. */
  | {
      readonly kind: 'answer';
      readonly queryId: string;
      readonly wave: number;
      readonly hits: readonly Hit[];
      readonly done: QueryTally | null;
    }
  /** The receiver knew this wave already: the link is no branch of its tree. */
  | { readonly kind: 'decline'; readonly queryId: string; readonly wave: number }
  /** From the asker: stop working on it; passed on to every branch. */
  | { readonly kind: 'cancel'; readonly queryId: string };

export type SearchCommand =
  /** Ask the whole mesh, this peer included. */
  | {
      readonly kind: 'start';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'cancel'; readonly queryId: string }
  /** The local index has answered `ask`. */
  | { readonly kind: 'localHits'; readonly queryId: string; readonly hits: readonly Hit[] }
  /**
   * The links that the next query goes out on: those of the broadcast tree with this label, and the others as a second choice.
   * To be said before a `start`, and before a `query` of a neighbour for the tree that it names.
   */
  | {
      readonly kind: 'links';
      readonly tree: number;
      readonly eager: readonly PeerId[];
      readonly lazy: readonly PeerId[];
    }
  /** How many peers the directory knows to be up, this one included: what completeness is judged by. */
  | { readonly kind: 'meshSize'; readonly peers: number };

export type SearchEvent =
  /** Search the local index and answer with `localHits`. */
  | { readonly kind: 'ask'; readonly queryId: string; readonly text: string; readonly limit: number }
  /** For a query of this peer: more hits, best first; `limit` in all at most. */
  | { readonly kind: 'hits'; readonly queryId: string; readonly hits: readonly Hit[] }
  /**
   * For a query of this peer: the end. The tally is the last wave's, but `messages` counts all waves. `complete`: everyone
   * asked answered, no branch is missing, and they are at least as many as the directory knows.
   */
  | {
      readonly kind: 'finished';
      readonly queryId: string;
      readonly tally: QueryTally;
      readonly complete: boolean;
      readonly reason: 'done' | 'deadline' | 'cancelled' | 'overloaded';
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
