import { create } from '@bufbuild/protobuf';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { toAnswer } from '@starling/client';
import {
  type PublishRequest,
  PublishRequestSchema,
  type PublishResponse,
  type PublishStreamRequest,
  type PublishStreamResponse,
} from '@starling/wire';
import type { Logger } from 'pino';
import { failStream } from './calls.ts';

type Call = ServerDuplexStream<PublishStreamRequest, PublishStreamResponse>;

/** Requests of one stream that are read but not answered. The peer reads no more until some are. */
const outstandingMax = 256;

/** What a stream needs of its peer. */
export interface PublishStreamPort {
  readonly publish: (request: PublishRequest) => Promise<PublishResponse>;
  /** Charges the caller for a message. Says for how many ms to read no further, for the caller's sake or the mesh's. */
  readonly pace: () => number;
  readonly log: Logger;
}

/**
 * Serves PublishStream: each message is published as it comes, and answered in order. A client that does not read its
 * answers, or sends faster than neighbours can hold or than it may, is read no further: its own window fills and it waits.
 */
export function servePublishStream(call: Call, { publish, pace, log }: PublishStreamPort): void {
  let number = 0n;
  let outstanding = 0;
  let isOpen = true;
  let hasEnded = false;
  let isFull = false;
  /** Runs while the caller may publish no more. */
  let resting: NodeJS.Timeout | undefined;
  let answered: Promise<void> = Promise.resolve();

  const regulate = (): void => {
    if (!isOpen) return;
    if (isFull || resting !== undefined || outstanding >= outstandingMax) call.pause();
    else if (call.isPaused()) call.resume();
  };
  const answer = (response: PublishStreamResponse): void => {
    outstanding--;
    if (!isOpen) return;
    if (!call.write(response)) isFull = true;
    if (hasEnded && outstanding === 0) call.end();
    else regulate();
  };
  const close = (): void => {
    isOpen = false;
    clearTimeout(resting);
  };
  const rest = (ms: number): void => {
    if (ms <= 0) return;
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = undefined;
      regulate();
    }, ms);
  };

  call.on('data', (request: PublishStreamRequest) => {
    number++;
    outstanding++;
    rest(pace());
    const mine = number;
    const result = publish(request.message ?? create(PublishRequestSchema)).then(
      (accepted) => response(mine, { case: 'accepted', value: accepted }),
      (error: unknown) => response(mine, refusal(error)),
    );
    // In order: an answer waits for the ones before it.
    answered = answered.then(async () => answer(await result));
    regulate();
  });
  call.on('drain', () => {
    isFull = false;
    regulate();
  });
  call.on('end', () => {
    hasEnded = true;
    if (outstanding === 0 && isOpen) call.end();
  });
  call.on('cancelled', close);
  call.on('close', close);
  call.on('error', (error: unknown) => {
    if (isOpen) {
      close();
      log.debug({ err: error }, 'a publish stream broke');
    }
  });
  void answered.catch((error: unknown) => failStream(call, error, log));
}

function response(number: bigint, result: PublishStreamResponse['result']): PublishStreamResponse {
  // A plain object: `create` looks at every field, and this one is made for each message.
  return { $typeName: 'starling.v1.PublishStreamResponse', number, result };
}

function refusal(error: unknown): PublishStreamResponse['result'] {
  const { code, message, reason } = toAnswer(error);
  return {
    case: 'error',
    value: { $typeName: 'starling.v1.PublishError', code: status[code], message, reason },
  };
}
