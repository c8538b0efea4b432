import { create, type JsonObject } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import {
  type QueryHit as QueryHitProto,
  type QueryRequest,
  QueryRequestSchema,
  type QuerySummary as QuerySummaryProto,
} from '@starling/wire';
import type { CallOptions } from './peer-calls.ts';
import { type QueryStrategyName, queryStrategies, strategyName } from './query-strategy.ts';
import type { QueryTrace } from './query-trace.ts';

export interface QueryOptions extends CallOptions {
  /** Hits wanted at most. Default 20. */
  readonly limit?: number;
  /** Default `auto`: the mesh chooses. */
  readonly strategy?: QueryStrategyName;
  /** Messages between peers that the query may cost at most. Default: the strategy's; not with `exhaustive`. */
  readonly messageBudget?: number;
  /** Hears the way that the query took, wave by wave or round by round, before the summary. */
  readonly onTrace?: (trace: QueryTrace) => void;
}

/** One document that matched. */
export interface QueryHit {
  readonly kind: 'hit';
  readonly peerId: string;
  readonly id: string;
  readonly fields: JsonObject;
  /** Of two hits with one id the higher is the document. */
  readonly version: number;
  /** By what was known of the mesh at the start; the summary has the final one. */
  readonly score: number;
  /** The engine that gave it, attached to that peer; '' for the peer's own index. */
  readonly responder: string;
}

/** One place in the final order. */
export interface RankedHit {
  readonly peerId: string;
  readonly id: string;
  readonly version: number;
  readonly score: number;
}

/** What the query did; comes last. */
export interface QuerySummary {
  readonly kind: 'summary';
  readonly peersAsked: number;
  readonly peersAnswered: number;
  readonly messagesSpent: number;
  readonly branchesMissing: number;
  readonly complete: boolean;
  readonly reason: string;
  readonly hits: number;
  /** How it was asked; `auto`: by a way that this version has no word for. */
  readonly strategy: QueryStrategyName;
  /** Bytes between peers, estimated. */
  readonly bytesSpent: number;
  /** The budget in force; 0: none. */
  readonly messageBudget: number;
  /** Age of an answer that was remembered; null: it was asked for now. */
  readonly cacheAgeMs: number | null;
  /** Why it was asked that way, when that was left open (`auto`, `summary`); empty: the strategy was asked for. */
  readonly choiceReason: string;
  /** Of the peers that summaries named, how many answered and had nothing. */
  readonly holdersEmpty: number;
  /** The best of the hits that came before, at most `limit`, best first. */
  readonly ranking: readonly RankedHit[];
  /** The ranking is by the term statistics of the whole mesh. */
  readonly rankingExact: boolean;
  readonly documentsSearched: number;
  /** Engines whose topics have the question; the rest of them were busy, failed or went. */
  readonly respondersAsked: number;
  readonly respondersAnswered: number;
  readonly respondersLate: number;
}

export function toQueryRequest(text: string, timeoutMs: number, options: QueryOptions): QueryRequest {
  return create(QueryRequestSchema, {
    text,
    limit: options.limit ?? 0,
    timeout: durationFromMs(timeoutMs),
    strategy: queryStrategies[options.strategy ?? 'auto'],
    messageBudget: options.messageBudget ?? 0,
    trace: options.onTrace !== undefined,
  });
}

export function toQueryHit({ peerId, document, score, responder }: QueryHitProto): QueryHit {
  const version = Number(document?.version ?? 0n);
  return { kind: 'hit', peerId, id: document?.id ?? '', fields: document?.fields ?? {}, version, score, responder };
}

export function toQuerySummary(summary: QuerySummaryProto): QuerySummary {
  const { peersAsked, peersAnswered, messagesSpent, branchesMissing, complete, reason, hitCount } = summary;
  return {
    kind: 'summary',
    peersAsked,
    peersAnswered,
    messagesSpent,
    branchesMissing,
    complete,
    reason,
    hits: hitCount,
    respondersAsked: summary.respondersAsked,
    respondersAnswered: summary.respondersAnswered,
    respondersLate: summary.respondersLate,
    strategy: strategyName(summary.strategy) ?? 'auto',
    bytesSpent: Number(summary.bytesSpent),
    messageBudget: summary.messageBudget,
    cacheAgeMs: summary.cacheAge === undefined ? null : durationMs(summary.cacheAge),
    choiceReason: summary.choiceReason,
    holdersEmpty: summary.holdersEmpty,
    ranking: summary.ranking.map(({ peerId, documentId, version, score }) => ({
      peerId,
      id: documentId,
      version: Number(version),
      score,
    })),
    rankingExact: summary.rankingExact,
    documentsSearched: Number(summary.documentsSearched),
  };
}
