import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { TermStatistics } from '@starling/query';
import type { HolderWay } from './holder-trace.ts';

/** What of a document that matched matters on its way; the layers above know more of it. */
export interface RankedHit {
  readonly score: number;
  readonly document: string;
}

/** Between the origin of a question and one peer that may answer it, linked for that if need be. */
export type HolderMessage<H extends RankedHit> =
  | {
      readonly kind: 'holderQuery';
      /** Unique: `<origin>/<number>`. */
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      /** What is left of the deadline when it is sent, in ms. */
      readonly timeoutMs: number;
      /** What the origin knows of the whole mesh, so that all holders score alike. */
      readonly statistics?: TermStatistics;
      /** The answer is to say how long it took. */
      readonly trace?: boolean;
    }
  /** `done`: the last part. `refused`: too busy, or the index failed, so nothing was looked up. */
  | {
      readonly kind: 'holderAnswer';
      readonly queryId: string;
      readonly hits: readonly H[];
      readonly done: boolean;
      readonly refused: boolean;
      /** In the last part: of the holder's documents. */
      readonly statistics?: TermStatistics;
      /** In the last part, when asked for: from the question to this, by the holder's clock. */
      readonly elapsedMs?: Millis;
    }
  /** From the origin: no answer is wanted any more. */
  | { readonly kind: 'holderCancel'; readonly queryId: string };

export type HolderCommand<H extends RankedHit> =
  /** Ask these peers; this peer itself may be among them. */
  | {
      readonly kind: 'start';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly timeoutMs: number;
      readonly holders: readonly PeerInfo[];
      readonly statistics?: TermStatistics;
      readonly trace?: boolean;
    }
  | { readonly kind: 'cancel'; readonly queryId: string }
  /** The local index has answered `ask`, or `failed`. */
  | {
      readonly kind: 'localHits';
      readonly queryId: string;
      readonly hits: readonly H[];
      readonly statistics?: TermStatistics;
      readonly failed?: boolean;
    };

/** What a question to holders cost and reached. */
export interface HolderCost {
  /** Peers that it was handed to, this one included. */
  readonly asked: number;
  readonly answered: number;
  /** `holderQuery` and `holderCancel` sent, `holderAnswer` received. What opening links took is not counted. */
  readonly messages: number;
  /** Estimated: texts and documents, and a little for what is around them. */
  readonly bytes: number;
  /** Holders that could not be reached, refused, broke, or did not answer in time, and those that there was no time to ask. */
  readonly missing: number;
  /** Holders that answered, and had nothing. */
  readonly empty: number;
  /** Of the documents of those who answered. Left out: nobody said. */
  readonly statistics?: TermStatistics;
}

export type HolderEvent<H extends RankedHit> =
  /** Search the local index and answer with `localHits`. */
  | {
      readonly kind: 'ask';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly statistics?: TermStatistics;
    }
  /** For a question of this peer: more hits, best first; `limit` in all at most. */
  | { readonly kind: 'hits'; readonly queryId: string; readonly hits: readonly H[] }
  /** For a question of this peer that asked for it: whom it asked, said before its end. */
  | { readonly kind: 'trace'; readonly queryId: string; readonly way: HolderWay }
  | {
      readonly kind: 'finished';
      readonly queryId: string;
      readonly cost: HolderCost;
      /** Every holder answered. */
      readonly complete: boolean;
      readonly reason: 'done' | 'deadline' | 'cancelled' | 'overloaded';
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
