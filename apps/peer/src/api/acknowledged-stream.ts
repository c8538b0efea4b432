import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { failStream } from './calls.ts';
import { ensureReadable } from './malformed.ts';

/** A stream of requests that are answered one by one, in their order. */
export interface AcknowledgedStream<Q, A> {
  /** For the log. */
  readonly name: string;
  /** Requests that are read and not answered. The peer reads no more until some are. */
  readonly outstandingMax: number;
  /** A request is begun when the one before it is answered; else as it comes. */
  readonly isOneByOne: boolean;
  /** Charges the caller for a request. Says for how many ms to read no further, for the caller's sake or the mesh's. */
  readonly pace: () => number;
  /** Does what is asked; `number` counts from 1. Rejects with what ends the stream. */
  readonly answer: (number: bigint, request: Q) => Promise<A>;
  readonly log: Logger;
}

/**
 * Serves such a stream with back-pressure: a client that is faster than its requests are answered, or than it may be, or that does
 * not read its answers, is read no further: its own window fills and it waits. Ends when the client has ended and all is answered.
 */
export function serveAcknowledged<Q, A>(call: ServerDuplexStream<Q, A>, stream: AcknowledgedStream<Q, A>): void {
  let number = 0n;
  let outstanding = 0;
  let isOpen = true;
  let hasEnded = false;
  let isFull = false;
  /** Runs while the caller may ask no more. */
  let resting: NodeJS.Timeout | undefined;
  let answered: Promise<void> = Promise.resolve();

  const regulate = (): void => {
    if (!isOpen) return;
    if (isFull || resting !== undefined || outstanding >= stream.outstandingMax) call.pause();
    else if (call.isPaused()) call.resume();
  };
  const rest = (ms: number): void => {
    if (ms <= 0) return;
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = undefined;
      regulate();
    }, ms);
  };
  const close = (): void => {
    isOpen = false;
    clearTimeout(resting);
  };
  const fail = (error: unknown): void => {
    if (!isOpen) return;
    close();
    failStream(call, error, stream.log);
  };
  const write = (answer: A): void => {
    outstanding--;
    if (!isOpen) return;
    if (!call.write(answer)) isFull = true;
    if (hasEnded && outstanding === 0) call.end();
    else regulate();
  };

  call.on('data', (request: Q) => {
    number++;
    outstanding++;
    rest(stream.pace());
    const mine = number;
    const begin = (): Promise<A> => {
      try {
        ensureReadable(request);
        return stream.answer(mine, request);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    // Of a stream that is over nothing more is begun.
    const begun = stream.isOneByOne ? answered.then(() => (isOpen ? begin() : undefined)) : begin();
    // It may fail before those before it are answered: then it ends the stream when its turn comes.
    begun.catch(() => undefined);
    answered = answered
      .then(() => begun)
      .then((answer) => {
        if (answer !== undefined) write(answer);
      })
      .catch(fail);
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
    if (!isOpen) return;
    close();
    stream.log.debug({ err: error }, `${stream.name} broke`);
  });
}
