import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { StarlingError } from '@starling/client';
import type { Millis } from '@starling/kernel';
import { type RespondRequest, type RespondResponse, RespondResponseSchema } from '@starling/wire';
import type { Logger } from 'pino';
import type { Attachment, Outgoing } from '../responders/attachment.ts';
import type { Responders } from '../responders/responders.ts';
import { failStream } from './calls.ts';
import { ensureReadable } from './malformed.ts';
import { StreamWriter } from './stream-writer.ts';
import { checkAttach } from './validate.ts';

type Call = ServerDuplexStream<RespondRequest, RespondResponse>;

export interface RespondStreamsOptions {
  readonly responders: Responders;
  readonly respondersMax: number;
  readonly selfId: string;
  /** How long a stream may take to say who it is. */
  readonly attachMaxMs: Millis;
  now(): Millis;
  readonly log: Logger;
}

/**
 * Serves Respond: questions are written as the engine takes them and has places for them, answers are read as they come. An
 * engine that breaks the rules, or says nothing, is cut off with a status that says why.
 */
export class RespondStreams {
  readonly #options: RespondStreamsOptions;
  readonly #open = new Set<StreamWriter<RespondResponse>>();

  constructor(options: RespondStreamsOptions) {
    this.#options = options;
  }

  /** Ends every stream, so that engines go to another peer. */
  close(): void {
    for (const writer of [...this.#open]) writer.end();
  }

  serve(call: Call): void {
    const { responders, respondersMax, attachMaxMs, log } = this.#options;
    if (this.#open.size >= respondersMax) {
      responders.refused++;
      const error = new StarlingError(`${this.#open.size} engines are attached to this peer already`, {
        reason: 'TOO_MANY_RESPONDERS',
        retryAfterMs: 5_000,
        metadata: { limit: String(respondersMax) },
      });
      failStream(call, error, log);
      return;
    }
    let attachment: Attachment | null = null;
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      this.#open.delete(writer);
      if (attachment !== null) responders.detach(attachment);
    };
    const fail = (error: unknown): void => {
      if (!writer.isOpen) return;
      end();
      writer.close();
      failStream(call, error, log);
    };
    const writer = new StreamWriter<RespondResponse>(
      call,
      () => {
        while (writer.hasRoom) {
          const next = attachment?.next();
          if (next === undefined) break;
          writer.write(this.#toResponse(next));
        }
      },
      end,
    );
    if (!writer.isOpen) return;
    this.#open.add(writer);
    timer = setTimeout(
      () =>
        fail(new StarlingError(`the engine did not attach within ${attachMaxMs} ms`, { reason: 'REQUEST_STALLED' })),
      attachMaxMs,
    );
    call.on('data', (request: RespondRequest) => {
      if (!writer.isOpen) return;
      try {
        ensureReadable(request);
        const { event } = request;
        if (attachment === null) {
          attachment = responders.attach(checkAttach(event.case === 'attach' ? event.value : undefined), {
            wake: () => writer.wake(),
            cutOff: ({ error }) => fail(error),
          });
          clearTimeout(timer);
          writer.write(this.#attached(attachment));
          log.info({ responder: attachment.spec.name, topics: attachment.spec.topics }, 'an engine is attached');
        } else if (event.case === 'answer') {
          const cut = attachment.answered(event.value);
          if (cut !== null) responders.cutOff(attachment, cut);
          else if (event.value.error !== '') {
            log.warn({ responder: attachment.spec.name, error: attachment.lastError }, 'an engine could not answer');
          }
        } else if (event.case === 'attach') {
          throw new StarlingError('the engine is attached already', { reason: 'INVALID_REQUEST' });
        }
      } catch (error) {
        fail(error);
      }
    });
    // It answers no more.
    call.on('end', () => {
      if (!writer.isOpen) return;
      end();
      writer.end();
    });
  }

  #attached({ spec }: Attachment): RespondResponse {
    const { selfId } = this.#options;
    return create(RespondResponseSchema, {
      event: { case: 'attached', value: { peerId: selfId, concurrency: spec.concurrency } },
    });
  }

  #toResponse(next: Outgoing): RespondResponse {
    if (next.kind === 'withdrawal') {
      const { id, reason } = next;
      return create(RespondResponseSchema, {
        event: { case: 'withdrawal', value: { questionId: BigInt(id), reason } },
      });
    }
    const { topic, text, limit } = next.asked.question;
    const timeout = durationFromMs(Math.max(1, Math.round(next.asked.deadline - this.#options.now())));
    return create(RespondResponseSchema, {
      event: { case: 'question', value: { id: BigInt(next.id), text, topic, limit, timeout } },
    });
  }
}
