import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { StarlingError } from '@starling/client';
import {
  type Cursor,
  decodeCursor,
  type OpenOptions,
  type Pattern,
  parsePattern,
  type Subscription,
  type SubscriptionEvent,
} from '@starling/core-pubsub';
import { type Body, parseStream } from '@starling/mesh';
import { type SubscribeRequest, type SubscribeResponse, SubscribeResponseSchema } from '@starling/wire';
import type { Logger } from 'pino';
import { failStream } from './calls.ts';
import { StreamWriter } from './stream-writer.ts';
import { checkSubscribe } from './validate.ts';

type Call = ServerWritableStream<SubscribeRequest, SubscribeResponse>;

/** Events read from the log at a time. What is read must be written, so this is what a full connection may be over by. */
const readAtOnce = 16;
/** A subscriber hears something at least so often, so that it knows that its peer is alive. */
const heartbeatMs = 5_000;

export interface SubscriptionsOptions {
  readonly subscriptionsMax: number;
  /** How long a message stays readable at the most. */
  readonly holdTimeMs: number;
  /** Opens a reader of the delivery log; null when the log's own bound is reached. */
  open(options: OpenOptions): Subscription<Uint8Array> | null;
  decode(body: Uint8Array): Body | null;
  readonly log: Logger;
}

interface Reader {
  readonly writer: StreamWriter<SubscribeResponse>;
  readonly subscription: Subscription<Uint8Array>;
  /** The latest checkpoint, as long as it stands for everything written; '' when it does not. */
  checkpoint: string;
  /** Written to since the last heartbeat. */
  isFresh: boolean;
}

/** Counters since the start. */
export interface SubscriptionsStats {
  messages: number;
  readonly gaps: Record<'evicted' | 'lost' | 'slow', number>;
  refused: number;
}

/**
 * Serves Subscribe. Every subscriber reads the one delivery log at its own pace; nothing is queued for it beyond what its
 * connection takes, so one that stops reading costs nothing and is told by a gap what it missed.
 */
export class Subscriptions {
  readonly stats: SubscriptionsStats = { messages: 0, gaps: { evicted: 0, lost: 0, slow: 0 }, refused: 0 };
  readonly #options: SubscriptionsOptions;
  readonly #readers = new Set<Reader>();
  #heartbeat: NodeJS.Timeout | undefined;
  #pausesOfClosed = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#readers.size;
  }

  get pauses(): number {
    return [...this.#readers].reduce((sum, { writer }) => sum + writer.pauses, this.#pausesOfClosed);
  }

  /** There is something new to read. */
  wake(): void {
    for (const { writer } of this.#readers) writer.wake();
  }

  /** Writes what is there and ends every stream, so that clients go on at another peer. */
  close(): void {
    for (const { writer } of [...this.#readers]) {
      writer.wake();
      writer.end();
    }
  }

  serve(call: Call): void {
    let subscription: Subscription<Uint8Array>;
    try {
      subscription = this.#open(call.request);
    } catch (error) {
      failStream(call, error, this.#options.log);
      return;
    }
    const writer = new StreamWriter<SubscribeResponse>(
      call,
      () => this.#pump(reader),
      () => {
        subscription.close();
        this.#readers.delete(reader);
        this.#pausesOfClosed += writer.pauses;
        if (this.#readers.size === 0) this.#stopHeartbeat();
      },
    );
    const reader: Reader = { writer, subscription, checkpoint: '', isFresh: false };
    if (!writer.isOpen) {
      subscription.close();
      return;
    }
    this.#readers.add(reader);
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatMs);
    writer.wake();
  }

  #open(request: SubscribeRequest): Subscription<Uint8Array> {
    checkSubscribe(request);
    const subscription =
      this.#readers.size < this.#options.subscriptionsMax ? this.#options.open(toOpenOptions(request)) : null;
    if (subscription !== null) return subscription;
    this.stats.refused++;
    throw new StarlingError(`${this.#readers.size} subscriptions are open already`, {
      reason: 'TOO_MANY_SUBSCRIPTIONS',
      retryAfterMs: 5_000,
      metadata: { limit: String(this.#options.subscriptionsMax) },
    });
  }

  #pump(reader: Reader): void {
    const { writer, subscription } = reader;
    while (writer.hasRoom && subscription.hasMore()) {
      for (const event of subscription.read(readAtOnce)) this.#write(reader, event);
    }
  }

  #write(reader: Reader, event: SubscriptionEvent<Uint8Array>): void {
    const response = this.#toResponse(event);
    if (response === null) return;
    reader.checkpoint = event.kind === 'checkpoint' ? event.cursor : '';
    reader.isFresh = true;
    reader.writer.write(response);
  }

  #beat(): void {
    for (const reader of this.#readers) {
      // The same checkpoint again: true as long as nothing was written after it.
      if (!reader.isFresh && reader.writer.hasRoom && reader.checkpoint !== '') {
        reader.writer.write(this.#checkpoint(reader.checkpoint, true));
      }
      reader.isFresh = false;
    }
  }

  #stopHeartbeat(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  #toResponse(event: SubscriptionEvent<Uint8Array>): SubscribeResponse | null {
    switch (event.kind) {
      case 'message': {
        const { message, topic, replayed, cursor } = event;
        const body = this.#options.decode(message.body);
        // The mesh read it before it came into the log.
        if (body?.kind !== 'user') return null;
        this.stats.messages++;
        // A plain object: `create` looks at every field, and this one is made for each message and subscriber.
        return {
          $typeName: 'starling.v1.SubscribeResponse',
          event: {
            case: 'message',
            value: {
              $typeName: 'starling.v1.Message',
              messageId: messageIdOf(message.stream, message.seq),
              topic,
              payload: body.payload as Uint8Array<ArrayBuffer>,
              headers: body.headers,
              origin: parseStream(message.stream).origin,
              sequence: BigInt(message.seq),
              publishTime: timestampFromMs(Math.round(message.publishedAt)),
              hops: message.round,
              cursor,
              replayed,
            },
          },
        };
      }
      case 'gap':
        this.stats.gaps[event.reason]++;
        return create(SubscribeResponseSchema, {
          event: {
            case: 'gap',
            value: {
              origin: parseStream(event.stream).origin,
              firstSequence: BigInt(event.from),
              lastSequence: BigInt(event.to),
              reason: event.reason,
              cursor: event.cursor,
            },
          },
        });
      case 'checkpoint':
        return this.#checkpoint(event.cursor, event.live);
    }
  }

  #checkpoint(cursor: string, live: boolean): SubscribeResponse {
    return create(SubscribeResponseSchema, {
      event: { case: 'checkpoint', value: { cursor, live, holdTime: durationFromMs(this.#options.holdTimeMs) } },
    });
  }
}

/** A message's id: the same at every peer. */
export function messageIdOf(stream: string, sequence: number): string {
  return `${stream}/${sequence}`;
}

/** What a checked request asks for. Throws INVALID_CURSOR. */
function toOpenOptions({ topics, cursors, sinceTime, replayAll }: SubscribeRequest): OpenOptions {
  return {
    patterns: topics.map(toPattern),
    cursors: cursors.map(toCursor),
    since: sinceTime === undefined ? null : timestampMs(sinceTime),
    replayAll,
  };
}

function toPattern(text: string): Pattern {
  const pattern = parsePattern(text);
  if (!pattern.ok) throw new StarlingError(pattern.problem, { reason: 'INVALID_REQUEST' });
  return pattern.value;
}

function toCursor(text: string, i: number): Cursor {
  const cursor = decodeCursor(text);
  if (cursor.ok) return cursor.value;
  throw new StarlingError(`cursors[${i}] ${cursor.problem}`, {
    reason: 'INVALID_CURSOR',
    violations: [{ field: `cursors[${i}]`, description: cursor.problem }],
  });
}
