import type { Millis, PeerId } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import type { PartialData } from './partial.ts';

/** Why nothing is known of a peer and of what is below it. */
export type LostReason =
  /** Its link broke. */
  | 'broken'
  /** It did not answer in time. */
  | 'late'
  /** It had too much to do. */
  | 'shed'
  /** It cannot read the question: it is of another version. */
  | 'unread'
  /** What it answered cannot be. */
  | 'unsound';

export interface Lost {
  readonly peer: PeerId;
  readonly reason: LostReason;
}

/** What a branch did, its root included. */
export interface AggregateTally {
  /** Peers whose own row is in, each once; also those for which the condition does not hold. */
  readonly answered: number;
  /** Branches that were lost, each hiding at least one peer, and peers that could not say their own row. */
  readonly missing: number;
  readonly messages: number;
  /** Estimated. */
  readonly bytes: number;
  /** Roots of lost branches, some of them. */
  readonly lost: readonly Lost[];
}

export type AggregateMessage =
  /**
   * From a peer to its neighbours of a tree (wave 0) or to all (wave 1): answer for yourself and for whom you ask. The receiver
   * answers once, within `timeoutMs`, or declines because it has heard of this wave from another.
   */
  | {
      readonly kind: 'aggregateQuery';
      /** Begins with the origin's id. */
      readonly queryId: string;
      readonly wave: number;
      readonly text: string;
      readonly timeoutMs: number;
      /** Links that it crossed, this one included. */
      readonly hops: number;
      /** The broadcast tree of the first wave. */
      readonly tree: number;
    }
  /** The one answer of a branch. `partial` is null when there is nothing of it, and the tally says why. */
  | {
      readonly kind: 'aggregateAnswer';
      readonly queryId: string;
      readonly wave: number;
      readonly partial: PartialData | null;
      readonly tally: AggregateTally;
    }
  | { readonly kind: 'aggregateDecline'; readonly queryId: string; readonly wave: number }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'aggregateCancel'; readonly queryId: string };

export type AggregateCommand =
  /** Answered by one `finished`. `queryId` is unique at this peer. */
  | {
      readonly kind: 'start';
      readonly queryId: string;
      /** A question that `parsePeersQuery` understands. */
      readonly text: string;
      readonly timeoutMs: number;
      /** Messages that it may be expected to cost; 0: as many as it takes. */
      readonly messagesMax: number;
    }
  | { readonly kind: 'cancel'; readonly queryId: string }
  /** The answer to `measure`. */
  | { readonly kind: 'row'; readonly queryId: string; readonly row: PeerRow }
  /** The links of a tree as they are now: to be said before each query that comes or starts. */
  | {
      readonly kind: 'links';
      readonly tree: number;
      readonly eager: readonly PeerId[];
      readonly lazy: readonly PeerId[];
    }
  /** Peers that are believed to be up, this one included. */
  | { readonly kind: 'meshSize'; readonly peers: number };

export type AggregateReason =
  /** Everybody who could be asked was. */
  | 'done'
  | 'deadline'
  | 'cancelled'
  /** Too many are under way here. */
  | 'overloaded'
  /** It would cost more messages than it may. */
  | 'budget';

/** What an own question came to. */
export interface AggregateResult {
  /** Null: nobody was asked. */
  readonly partial: PartialData | null;
  /** Of the wave that the partial is from; messages and bytes are those of all waves. */
  readonly tally: AggregateTally;
  /** Peers believed to be up when it ended. */
  readonly known: number;
  /** All of them answered, and no branch is missing. */
  readonly complete: boolean;
  readonly reason: AggregateReason;
  /** How often the mesh was asked. */
  readonly waves: number;
  /** When refused for the budget: messages that it would be expected to cost. */
  readonly messagesNeeded: number;
  /** When overloaded: there may be room again after so long. */
  readonly retryAfterMs: Millis;
}

export type AggregateEvent =
  /** Answer with `row`, soon. */
  | { readonly kind: 'measure'; readonly queryId: string }
  | { readonly kind: 'finished'; readonly queryId: string; readonly result: AggregateResult }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };
