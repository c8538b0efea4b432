import { create, type JsonObject } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { type QueryStrategyName, queryStrategies, strategyName, toQueryTrace } from '@starling/client';
import { QueryRequestSchema, type QueryResponse, type QueryStrategy } from '@starling/wire';
import type { QueryLine } from '../../../features/console/query-line.ts';
import { durationMs } from '../../../server/facts-from-wire.ts';
import { mesh } from '../../../server/mesh.ts';
import { api, httpStatusOf, problemOf } from '../../../server/mesh-client.ts';
import { targetOf } from '../../../server/on-behalf.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/**
 * Asks the mesh `{ text, limit?, peer?, strategy?, trace? }`; answers in lines of JSON as hits are found, the summary last, and
 * before it, with `trace`, the way that it took.
 */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const text = stringField(body, 'text');
  const peer = stringField(body, 'peer');
  const limit = body.limit ?? 50;
  if (text === null || peer === null) return badRequest('text and peer are texts.');
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1)
    return badRequest('limit is a number from 1.');
  const strategy = strategyOf(body.strategy ?? 'auto');
  if (strategy === null) return badRequest(`strategy is one of ${Object.keys(queryStrategies).join(', ')}.`);
  const trace = body.trace ?? false;
  if (typeof trace !== 'boolean') return badRequest('trace is true or false.');
  const target = targetOf(peer);
  if (target instanceof Response) return target;
  try {
    const call = await mesh().client.stream(
      target.address,
      api.search.query,
      create(QueryRequestSchema, { text, limit, strategy, trace }),
      metadataOf(request),
    );
    request.signal.addEventListener('abort', () => call.cancel(), { once: true });
    return new Response(linesOf(call), {
      headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
    });
  } catch (error) {
    const problem = problemOf(error);
    return Response.json({ error: problem }, { status: httpStatusOf(problem) });
  }
}

function linesOf(call: grpc.ClientReadableStream<QueryResponse>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (value: QueryLine): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      let isOver = false;
      const finish = (last?: Uint8Array): void => {
        if (isOver) return;
        isOver = true;
        if (last !== undefined) controller.enqueue(last);
        controller.close();
      };
      call.on('data', (response: QueryResponse) => {
        if (isOver) return;
        const value = queryLine(response);
        if (value !== null) controller.enqueue(line(value));
        if ((controller.desiredSize ?? 0) <= 0) call.pause();
      });
      call.on('error', (error) => finish(line({ kind: 'problem', problem: problemOf(error) })));
      call.on('end', () => finish());
    },
    pull() {
      call.resume();
    },
    cancel() {
      call.cancel();
    },
  });
}

function strategyOf(name: unknown): QueryStrategy | null {
  if (typeof name !== 'string' || !Object.hasOwn(queryStrategies, name)) return null;
  return queryStrategies[name as QueryStrategyName];
}

function queryLine({ event }: QueryResponse): QueryLine | null {
  if (event.case === 'hit') {
    const { peerId, document, score } = event.value;
    return { kind: 'hit', peerId, id: document?.id ?? '', fields: (document?.fields ?? {}) as JsonObject, score };
  }
  if (event.case === 'trace') {
    const { spans, spansCut: cut, ...part } = toQueryTrace(event.value);
    return {
      kind: 'trace',
      part: {
        ...part,
        cut,
        spans: spans.map(({ peerId: peer, parentId: parent, ...span }) => ({ peer, parent, ...span })),
      },
    };
  }
  if (event.case !== 'summary') return null;
  const { value } = event;
  return {
    kind: 'summary',
    peersAsked: value.peersAsked,
    peersAnswered: value.peersAnswered,
    messagesSpent: value.messagesSpent,
    branchesMissing: value.branchesMissing,
    isComplete: value.complete,
    reason: value.reason,
    strategy: strategyName(value.strategy) ?? '',
    choiceReason: value.choiceReason,
    bytesSpent: Number(value.bytesSpent),
    hits: value.hitCount,
    elapsedMs: durationMs(value.elapsed) ?? 0,
  };
}
