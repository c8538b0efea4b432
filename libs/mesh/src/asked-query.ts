import type { Choice, ChoiceInputs } from '@starling/core-auto';
import type { FinishReason, Strategy } from '@starling/core-search';
import type { Millis, PeerId } from '@starling/kernel';
import type { MeshCommand } from './api.ts';

type Query = Extract<MeshCommand, { readonly kind: 'query' }>;

/** A question on its way through the search core: which way is settled. */
export type SearchQuery = Omit<Query, 'strategy'> & { readonly strategy: Strategy };

/** A question whose way was left to the router. */
export interface AskedQuery {
  readonly query: Query;
  /** What is learned is learned of this; empty: nothing. */
  readonly key: string;
  readonly fingerprints: readonly (readonly number[])[];
  /** Whom summaries name. */
  readonly named: readonly PeerId[];
  readonly inputs: ChoiceInputs;
  readonly deadline: Millis;
  /** Counted from 1; of the first one the id is the question's own. */
  readonly stage: number;
  readonly stageId: string;
  /** How it is asked now, and why, with what came before. */
  readonly choice: Choice;
  /** Documents that were given, with their versions. */
  readonly given: Map<string, number>;
  /** By all stages together. */
  spent: number;
  bytes: number;
  isCancelled: boolean;
}

export function begin(
  now: Millis,
  parts: Pick<AskedQuery, 'query' | 'inputs' | 'choice' | 'key' | 'fingerprints' | 'named'>,
): AskedQuery {
  const { queryId, timeoutMs } = parts.query;
  const fresh = { stage: 1, stageId: queryId, given: new Map(), spent: 0, bytes: 0, isCancelled: false };
  return { ...parts, ...fresh, deadline: now + timeoutMs };
}

/** Whether a question that ended so goes on nowhere. */
export function isOverFor(reason: FinishReason): boolean {
  return reason === 'cancelled' || reason === 'overloaded';
}
