import type { QuerySpan } from '@starling/client';
import type { MeshProblem } from '../../server/mesh-client.ts';

/** As `QueryTrace` of the API, in numbers and words. Times in ms; null: not known. */
export interface TracePart {
  readonly strategy: string;
  readonly wave: number;
  readonly round: number;
  readonly spans: readonly {
    readonly peer: string;
    readonly parent: string;
    readonly state: QuerySpan['state'];
    readonly askedAfterMs: number | null;
    readonly roundTripMs: number | null;
    readonly elapsedMs: number | null;
    readonly localMs: number | null;
    readonly hits: number;
  }[];
  readonly cut: number;
}

/** One line of an answer to a query. */
export type QueryLine =
  | {
      readonly kind: 'hit';
      readonly peerId: string;
      readonly id: string;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly score: number;
    }
  | {
      readonly kind: 'summary';
      readonly peersAsked: number;
      readonly peersAnswered: number;
      readonly messagesSpent: number;
      readonly branchesMissing: number;
      readonly isComplete: boolean;
      readonly reason: string;
      readonly strategy: string;
      /** Why it went that way; empty: it was asked to. */
      readonly choiceReason: string;
      readonly bytesSpent: number;
      readonly hits: number;
      readonly elapsedMs: number;
    }
  /** When it was asked for: the way that it took, or a part of it. */
  | { readonly kind: 'trace'; readonly part: TracePart }
  | { readonly kind: 'problem'; readonly problem: MeshProblem };
