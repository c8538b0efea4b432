import type { Millis, PeerId } from '@starling/kernel';
import type { TermStatistics } from '@starling/query';

/** One document that matched, as it travels. */
export interface Hit {
  /** The peer that holds the document. */
  readonly peer: PeerId;
  /** Names the document in the whole mesh: of two hits with one id the newer is the document. */
  readonly documentId: string;
  /** The higher is the newer. Left out: 0. */
  readonly version?: number;
  /** As the peer that holds it could tell: the origin, which knows the whole mesh's statistics at the end, ranks anew. */
  readonly score: number;
  /** What it takes to do so: words of the document, … */
  readonly length?: number;
  /** … and how often each ranked term is in it. */
  readonly terms?: readonly number[];
  /** The stored document as JSON text; at most `hitBytesMax`. */
  readonly document: string;
  /** The engine of one's own that gave it, attached to `peer`; unset: the peer's index. */
  readonly responder?: string;
}

/** What engines of one's own, attached to peers, did for a query. The rest of `asked` were busy, failed or went. */
export interface ResponderTally {
  readonly asked: number;
  readonly answered: number;
  readonly late: number;
}

/**
 * How a query looks for its answers. `exhaustive`: every peer, along the broadcast tree. `walk`: random walks. `ring`: everybody
 * within one link, then two, and so on. `guided`: walks that go where the neighbours' digests say that the terms are.
 */
export type Strategy = 'exhaustive' | SeekStrategy;

/** The strategies that ask a part of the mesh, within a budget of messages. */
export type SeekStrategy = 'walk' | 'ring' | 'guided';

/** Fingerprints (`TermHash.high`) of words: an answer has all of one of the lists. Empty, or with an empty list: digests do not help. */
export type QuestionTerms = readonly (readonly number[])[];

/** A part of what a neighbour says about terms. */
export interface TermsPart {
  /** The bits that differ from what it said before, rather than all. */
  readonly isDelta: boolean;
  /** `Bloom.toBytes`; empty: it cannot tell. */
  readonly filter: Uint8Array;
}

/** What a query cost and reached, whatever the strategy. */
export interface QueryCost {
  /** Peers that the query was handed to, this one included. */
  readonly asked: number;
  readonly answered: number;
  /** Messages between peers; where one of them died, at most so many. */
  readonly messages: number;
  /** What `SearchOptions.sizeOf` makes of them. */
  readonly bytes: number;
  /** Branches and walkers that broke, were shed or ran out of time, each hiding at least one peer. */
  readonly missing: number;
  /** Of the documents of those that answered, where that is counted. */
  readonly statistics?: TermStatistics;
  /** Unset: no engine was asked. */
  readonly responders?: ResponderTally;
}

/** Why a query ended. `limit`: enough hits. `budget`: no further step could be paid. */
export type FinishReason = 'done' | 'limit' | 'budget' | 'deadline' | 'cancelled' | 'overloaded';

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
  /** Of those, the ones whose link broke. Unset: none. */
  readonly broken?: number;
  /** What `SearchOptions.sizeOf` makes of those messages. */
  readonly bytes: number;
  /** Of the documents of those peers whose own answer is in, by the query's ranked terms. Left out: nothing is known. */
  readonly statistics?: TermStatistics;
  /** Unset: no engine was asked. */
  readonly responders?: ResponderTally;
}

/** What a branch of a seek did in one round, summed on the way back, and what it could still do. */
export interface SeekTally {
  /** The sender has this query from another neighbour: it is no branch of the receiver's, and did nothing. */
  readonly declined: boolean;
  /** Peers that the query was handed to for the first time in this round, the branch's root included. */
  readonly asked: number;
  readonly answered: number;
  /** `seek`, `found` and `cancel` messages between the peers of the branch, in this round. Those between the branch and the receiver are the receiver's to count. */
  readonly messages: number;
  readonly bytes: number;
  /** Walkers that were lost in this round, each hiding at least one peer. */
  readonly missing: number;
  /** Walkers that wait in the branch to go on. */
  readonly walkers: number;
  /** Links inside the branch that lead to them: what a next round has to cross before it sees anything new. */
  readonly edges: number;
}

/**
 * What became of a query at a peer: `late` when its time was up, `missing` and `broken` as its asker saw it. `stopped`: it was at
 * work when it was last heard of, and then enough had been found, or its asker was gone.
 */
export type SpanState = 'done' | 'late' | 'missing' | 'broken' | 'shed' | 'stopped';

/** One peer on the way of a query. Times are differences by one peer's clock: no two clocks are compared. */
export interface Span {
  readonly peer: PeerId;
  /** Who asked; '' at the origin. */
  readonly parent: PeerId | '';
  readonly state: SpanState;
  /** By the asker's clock: from when it had the query until it asked, and from then to the end of the answer. */
  readonly askedAfterMs: Millis;
  readonly roundTripMs: Millis;
  /** By the peer's own clock: from the query to the end of its answer, and until its own index and engines had answered. */
  readonly elapsedMs: Millis;
  readonly localMs: Millis;
  /** Of the peer itself. */
  readonly hits: number;
  /** Link messages from here downward. */
  readonly messages: number;
  /** Neighbours that it asked and that had heard the query from others. */
  readonly declined: number;
}

/** The way of one wave, or one round of a seek, through a subtree: each peer before those that it asked. */
export interface SpanList {
  readonly spans: readonly Span[];
  /** Peers that are left out, because there were too many. */
  readonly cut: number;
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
      /** What the origin knows of the whole mesh, so that all peers score alike and each hop keeps the best. */
      readonly statistics?: TermStatistics;
      /** Answers are to say which way they came. */
      readonly trace?: boolean;
    }
  /** Hits of the sender's subtree as they are found; `done` with the tally when the subtree is finished. */
  | {
      readonly kind: 'answer';
      readonly queryId: string;
      readonly wave: number;
      readonly hits: readonly Hit[];
      readonly done: QueryTally | null;
      /** With `done`, when a trace is asked for. */
      readonly trace?: SpanList;
    }
  /** The receiver knew this wave already: the link is no branch of its tree. */
  | { readonly kind: 'decline'; readonly queryId: string; readonly wave: number }
  /** From the asker: stop working on it; passed on to every branch. */
  | { readonly kind: 'cancel'; readonly queryId: string }
  /**
   * A round of a seek. To a peer that does not know the query: you are a branch, ask your index, and let the walkers go on from
   * you. To a branch: the walkers that wait in you may take `steps` more. Answered by one `found` with `done`.
   */
  | {
      readonly kind: 'seek';
      /** Unique: `<origin>/<number>`. */
      readonly queryId: string;
      readonly strategy: SeekStrategy;
      /** Counted from 1 by the origin. */
      readonly round: number;
      readonly text: string;
      /** Hits wanted in this round at most. */
      readonly limit: number;
      /** What is left of the query's time: how long the receiver keeps its part in mind. */
      readonly timeoutMs: number;
      /** What is left of the round's time: then the receiver answers with what it has. A hop passes on less. */
      readonly roundMs: number;
      readonly hops: number;
      /** Links that each walker may still cross in this round. */
      readonly steps: number;
      /** Walkers that come with it, or that wait in the branch. */
      readonly walkers: number;
      /** Messages that the branch may spend in this round, those to the sender of this included. */
      readonly budget: number;
      /** What an answer must have, as far as digests can tell: all of one of the lists. Empty: nobody can tell. */
      readonly terms: QuestionTerms;
      /** The receiver is a branch already. One that has had to forget it says that its walkers are lost. */
      readonly resume: boolean;
      /** Answers are to say which way they came. */
      readonly trace?: boolean;
    }
  /** Hits of the sender's branch; with `done` its round is over. Only to who sent the `seek`. */
  | {
      readonly kind: 'found';
      readonly queryId: string;
      readonly round: number;
      readonly hits: readonly Hit[];
      readonly done: SeekTally | null;
      /** When it is asked for: the way of this round below the sender; without `done`, so far. */
      readonly trace?: SpanList;
    }
  /**
   * What is where, to a neighbour, when it changed: an attenuated Bloom filter of depth 2. The receiver steers guided walks by it,
   * and unites the near parts of all its links to the beyond part that it tells others.
   */
  | {
      readonly kind: 'linkTerms';
      /** Counts what was said over this link. Deltas are to the one before. */
      readonly version: number;
      /** The sender's own terms; null: as before. */
      readonly near: TermsPart | null;
      /** Those of its other neighbours; null: as before. */
      readonly beyond: TermsPart | null;
      /** How many neighbours the sender has. */
      readonly degree: number;
      /** The sender lost track of what the receiver said: tell all of it. */
      readonly again: boolean;
    };

export type SearchCommand =
  /** Ask the mesh, this peer included. `auto` asks everybody, or walks when a budget is given. */
  | {
      readonly kind: 'start';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly timeoutMs: number;
      readonly strategy?: Strategy | 'auto';
      /** Messages that a seek may cost, all of them; 0 or left out: the default. Asking everybody knows no budget. */
      readonly budget?: number;
      readonly statistics?: TermStatistics;
      /** For guided walks; left out: digests do not help. */
      readonly terms?: QuestionTerms;
      readonly trace?: boolean;
    }
  | { readonly kind: 'cancel'; readonly queryId: string }
  /**
   * The local index and the engines that are attached here have answered `ask`; `more`: only in part, the rest comes later;
   * `failed`: the index could not, and this peer's answer is missing.
   */
  | {
      readonly kind: 'localHits';
      readonly queryId: string;
      readonly hits: readonly Hit[];
      readonly statistics?: TermStatistics;
      readonly failed?: boolean;
      readonly more?: boolean;
      /** With the last part. */
      readonly responders?: ResponderTally;
    }
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
  | { readonly kind: 'neighborUp'; readonly peer: PeerId }
  | { readonly kind: 'neighborDown'; readonly peer: PeerId }
  /** Fingerprints of all terms of the local index; null: too many to tell. Until it is said neighbours are told nothing. */
  | { readonly kind: 'ownTerms'; readonly fingerprints: Uint32Array | null }
  /** How many peers the directory knows to be up, this one included: what completeness is judged by. */
  | { readonly kind: 'meshSize'; readonly peers: number };

export type SearchEvent =
  /**
   * Answer with `localHits` within `timeoutMs`: a part that comes later counts as missing. Without a time the answer is to be
   * given at once and as a whole, by the index alone. Said again for the same query when
   * a second wave comes while the first answer is given in part: it is then to be given from the beginning.
   */
  | {
      readonly kind: 'ask';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly statistics?: TermStatistics;
      readonly timeoutMs?: number;
    }
  /** Nobody waits any more for the answer to `ask`. */
  | { readonly kind: 'askOver'; readonly queryId: string }
  /**
   * For a query of this peer: more hits, best first, each among the best `limit` of those that came before it. A newer version of
   * a document is said again.
   */
  | { readonly kind: 'hits'; readonly queryId: string; readonly hits: readonly Hit[] }
  /** For a query of this peer that asked for it: the way that a wave took, or, of a seek, a round (from 1); said at its end. */
  | {
      readonly kind: 'trace';
      readonly queryId: string;
      readonly strategy: Strategy;
      readonly wave: number;
      readonly trace: SpanList;
    }
  /**
   * For a query of this peer: the end. Of an exhaustive one the tally is the last wave's, but `messages` and `bytes` count all waves.
   * `complete`: everyone asked answered, no branch is missing, and they are at least as many as the directory knows.
   * For a query of this peer: the end. The tally is the last wave's, but `messages` counts all waves. `complete`: everyone
   * asked answered, engines too, no branch is missing, and they are at least as many as the directory knows.
   */
  | {
      readonly kind: 'finished';
      readonly queryId: string;
      readonly strategy: Strategy;
      readonly tally: QueryCost;
      readonly complete: boolean;
      readonly reason: FinishReason;
      /** The budget that was in force; 0: none. */
      readonly budget: number;
      /** Age of an answer that was remembered rather than asked for; left out: it was asked for. */
      readonly cacheAgeMs?: Millis;
      /** When overloaded: there may be room again after so long. */
      readonly retryAfterMs?: Millis;
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
