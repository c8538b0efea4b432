import { create, type JsonObject } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { StarlingError } from '@starling/client';
import type { Hit } from '@starling/core-search';
import { type QueryRequest, type QueryResponse, QueryResponseSchema } from '@starling/wire';
import type { Logger } from 'pino';
import type { Queries, QueryEnd, QueryListener } from '../overlay/queries.ts';
import { budgetOf, failStream } from './calls.ts';
import { toTrace } from './query-trace.ts';
import { StreamWriter } from './stream-writer.ts';
import { apiLimits, checkQuery, queryStrategies } from './validate.ts';

type Call = ServerWritableStream<QueryRequest, QueryResponse>;

/** Serves Query: hits as they are found, then the summary. A client that gives up ends the query everywhere. */
export function serveQuery(call: Call, queries: Queries, log: Logger): void {
  // A few hits for each one wanted, traces up to their bound and one summary: what a slow client may make us keep is bounded by its question.
  const waiting: QueryResponse[] = [];
  let isFinished = false;
  let cancel = (): void => {};
  const writer = new StreamWriter<QueryResponse>(
    call,
    () => {
      while (writer.hasRoom) {
        const next = waiting.shift();
        if (next === undefined) break;
        writer.write(next);
      }
      if (isFinished && waiting.length === 0) writer.end();
    },
    () => cancel(),
  );
  try {
    const { question, timeoutMs } = checkQuery(call.request);
    const budgetMs = Math.min(timeoutMs, budgetOf(call, timeoutMs, apiLimits.queryTimeoutMaxMs));
    if (!writer.isOpen) return;
    const listener: QueryListener = {
      hits: (hits) => {
        for (const hit of hits) waiting.push(toHit(hit));
        writer.wake();
      },
      trace: (path) => waiting.push(toTrace(path)),
      finished: (end) => {
        if (end.reason === 'overloaded') {
          failStream(call, overloaded(end), log);
          return;
        }
        waiting.push(toSummary(end));
        isFinished = true;
        writer.wake();
      },
    };
    cancel = queries.start(question, budgetMs, listener);
  } catch (error) {
    failStream(call, error, log);
  }
}

/** This peer is asked more than it takes up: nothing was asked of anybody. */
function overloaded({ retryAfterMs = 1_000 }: QueryEnd): StarlingError {
  return new StarlingError('this peer is asked more than it can take up', {
    reason: 'TOO_MANY_QUERIES',
    retryAfterMs: Math.ceil(retryAfterMs),
  });
}

function toHit(hit: Hit): QueryResponse {
  return create(QueryResponseSchema, {
    event: {
      case: 'hit',
      value: {
        peerId: hit.peer,
        document: { id: hit.documentId, fields: fieldsOf(hit.document), version: BigInt(hit.version ?? 0) },
        score: hit.score,
        responder: hit.responder ?? '',
      },
    },
  });
}

/** Another peer's bytes: what is no JSON object is shown as it came rather than breaking the stream. */
function fieldsOf(json: string): JsonObject {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Falls through.
  }
  return { unreadable: json };
}

function toSummary({
  strategy,
  tally,
  complete,
  reason,
  budget,
  why,
  holdersEmpty,
  hits,
  elapsedMs,
  ranking,
  isRankingExact,
  cacheAgeMs,
}: QueryEnd): QueryResponse {
  return create(QueryResponseSchema, {
    event: {
      case: 'summary',
      value: {
        peersAsked: tally.asked,
        peersAnswered: tally.answered,
        messagesSpent: tally.messages,
        branchesMissing: tally.missing,
        complete,
        reason,
        hitCount: hits,
        elapsed: durationFromMs(Math.round(elapsedMs)),
        strategy: queryStrategies[strategy],
        bytesSpent: BigInt(tally.bytes),
        messageBudget: budget,
        choiceReason: why,
        holdersEmpty,
        ranking: ranking.map(({ peer, documentId, version, score }) => ({
          peerId: peer,
          documentId,
          version: BigInt(version),
          score,
        })),
        documentsSearched: BigInt(tally.statistics?.documents ?? 0),
        rankingExact: isRankingExact,
        ...(cacheAgeMs === undefined ? {} : { cacheAge: durationFromMs(Math.round(cacheAgeMs)) }),
        respondersAsked: tally.responders?.asked ?? 0,
        respondersAnswered: tally.responders?.answered ?? 0,
        respondersLate: tally.responders?.late ?? 0,
      },
    },
  });
}
