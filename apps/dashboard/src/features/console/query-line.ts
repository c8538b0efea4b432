import type { MeshProblem } from '../../server/mesh-client.ts';

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
      readonly hits: number;
      readonly elapsedMs: number;
    }
  | { readonly kind: 'problem'; readonly problem: MeshProblem };
