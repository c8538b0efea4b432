import { create } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { type Message, SubscribeRequestSchema, type SubscribeResponse } from '@starling/wire';
import type { SubscriptionEvent } from '../../../features/console/subscription-event.ts';
import { millisOf } from '../../../server/facts-from-wire.ts';
import { mesh } from '../../../server/mesh.ts';
import { api, problemOf } from '../../../server/mesh-client.ts';
import { targetOf } from '../../../server/on-behalf.ts';
import { previewOf } from '../../../server/preview.ts';
import { badRequest, readJsonObject, stringField } from '../../../server/request-body.ts';
import { heartbeatMs, sseEvent, sseHeartbeat, sseResponse, sseRetry } from '../../../server/sse.ts';
import { metadataOf } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/**
 * Messages of `{ topics, replay?, cursor?, peer? }` as events: `replay` begins with what is held, `cursor`, the id of the
 * last event, goes on after it, at any peer. A POST and not an EventSource's GET, because a token belongs in no URL.
 */
export async function POST(request: Request): Promise<Response> {
  const body = await readJsonObject(request);
  if (typeof body === 'string') return badRequest(body);
  const list = stringField(body, 'topics');
  const peer = stringField(body, 'peer');
  const cursor = stringField(body, 'cursor');
  if (list === null || peer === null || cursor === null) return badRequest('topics, peer and cursor are texts.');
  const topics = list.split(',').map((topic) => topic.trim());
  if (topics.some((topic) => topic === '')) return badRequest('Name at least one topic.');
  const { client } = mesh();
  const target = targetOf(peer);
  if (target instanceof Response) return target;
  let call: grpc.ClientReadableStream<SubscribeResponse>;
  try {
    const subscribe = create(SubscribeRequestSchema, {
      topics,
      cursors: cursor === '' ? [] : [cursor],
      replayAll: cursor === '' && body.replay === true,
    });
    call = await client.stream(target.address, api.mesh.subscribe, subscribe, metadataOf(request));
  } catch (error) {
    // As an event, not a status: it is one more thing that the stream has to say.
    const problem: SubscriptionEvent = { kind: 'problem', problem: problemOf(error) };
    return sseResponse(new Blob([sseRetry, sseEvent(null, JSON.stringify(problem))]).stream());
  }
  request.signal.addEventListener('abort', () => call.cancel(), { once: true });
  return sseResponse(eventsOf(call));
}

function eventsOf(call: grpc.ClientReadableStream<SubscribeResponse>): ReadableStream<Uint8Array> {
  let heartbeat: NodeJS.Timeout | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(sseRetry);
        heartbeat = setInterval(() => controller.enqueue(sseHeartbeat), heartbeatMs);
        let isOver = false;
        const finish = (): void => {
          if (!isOver) controller.close();
          isOver = true;
          clearInterval(heartbeat);
        };
        call.on('data', (response: SubscribeResponse) => {
          if (isOver) return;
          const { cursor, event } = subscriptionEvent(response);
          if (event !== null) controller.enqueue(sseEvent(cursor, JSON.stringify(event)));
          // The mesh holds what a browser does not take: the peer says a gap when it could not.
          if ((controller.desiredSize ?? 0) <= 0) call.pause();
        });
        call.on('error', (error) => {
          const problem: SubscriptionEvent = { kind: 'problem', problem: problemOf(error) };
          if (!isOver) controller.enqueue(sseEvent(null, JSON.stringify(problem)));
          finish();
        });
        call.on('end', finish);
      },
      pull() {
        call.resume();
      },
      cancel() {
        clearInterval(heartbeat);
        call.cancel();
      },
    },
    { highWaterMark: 64 },
  );
}

function subscriptionEvent({ event }: SubscribeResponse): { cursor: string | null; event: SubscriptionEvent | null } {
  switch (event.case) {
    case 'message':
      return { cursor: event.value.cursor, event: messageEvent(event.value) };
    case 'gap': {
      const { origin, firstSequence, lastSequence, reason, cursor } = event.value;
      const range = { first: Number(firstSequence), last: Number(lastSequence) };
      return { cursor, event: { kind: 'gap', origin, ...range, reason } };
    }
    case 'checkpoint':
      return { cursor: event.value.cursor, event: event.value.live ? { kind: 'live' } : null };
    default:
      return { cursor: null, event: null };
  }
}

function messageEvent(message: Message): SubscriptionEvent {
  return {
    kind: 'message',
    messageId: message.messageId,
    topic: message.topic,
    origin: message.origin,
    sequence: Number(message.sequence),
    publishTime: millisOf(message.publishTime),
    hops: message.hops,
    isReplayed: message.replayed,
    headers: message.headers,
    ...previewOf(message.payload),
  };
}
