import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { PutDocumentsStreamRequest, PutDocumentsStreamResponse } from '@starling/wire';
import type { Logger } from 'pino';
import type { IndexLimits, LocalIndex } from '../search/local-index.ts';
import { putError } from '../search/put-error.ts';
import { failStream } from './calls.ts';
import { checkDocuments } from './validate.ts';

type Call = ServerDuplexStream<PutDocumentsStreamRequest, PutDocumentsStreamResponse>;

/** Requests of one stream that are read but not stored. The peer reads no more until some are. */
const outstandingMax = 4;

/** What a stream needs of its peer. */
export interface PutDocumentsPort {
  readonly index: LocalIndex;
  readonly limits: IndexLimits;
  /** Charges the caller for a request. Says for how many ms to read no further. */
  readonly pace: () => number;
  readonly log: Logger;
}

/**
 * Serves PutDocumentsStream: requests are stored one after the other and answered when they are. A client that is faster than
 * the index, or than it may be, or that does not read its answers, is read no further: its own window fills and it waits.
 */
export function servePutDocumentsStream(call: Call, { index, limits, pace, log }: PutDocumentsPort): void {
  let number = 0n;
  let outstanding = 0;
  let isOpen = true;
  let hasEnded = false;
  let isFull = false;
  /** Runs while the caller may put no more. */
  let resting: NodeJS.Timeout | undefined;
  let stored: Promise<void> = Promise.resolve();

  const regulate = (): void => {
    if (!isOpen) return;
    if (isFull || resting !== undefined || outstanding >= outstandingMax) call.pause();
    else if (call.isPaused()) call.resume();
  };
  const close = (): void => {
    isOpen = false;
    clearTimeout(resting);
  };
  const store = async (mine: bigint, request: PutDocumentsStreamRequest): Promise<void> => {
    if (!isOpen) return;
    const documents = checkDocuments(request.documents, Date.now());
    const result = await index.put(documents);
    const dealtWith = result.stored + result.stale;
    if (result.refusal !== null) throw putError(result.refusal, dealtWith, documents[dealtWith], index, limits);
    outstanding--;
    if (!isOpen) return;
    const hasRoom = call.write({
      $typeName: 'starling.v1.PutDocumentsStreamResponse',
      number: mine,
      storedCount: result.stored,
      staleCount: result.stale,
      totalCount: BigInt(index.size),
    });
    if (!hasRoom) isFull = true;
    if (hasEnded && outstanding === 0) call.end();
    else regulate();
  };

  call.on('data', (request: PutDocumentsStreamRequest) => {
    number++;
    outstanding++;
    const restMs = pace();
    if (restMs > 0) {
      clearTimeout(resting);
      resting = setTimeout(() => {
        resting = undefined;
        regulate();
      }, restMs);
    }
    const mine = number;
    stored = stored
      .then(() => store(mine, request))
      .catch((error: unknown) => {
        if (!isOpen) return;
        close();
        failStream(call, error, log);
      });
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
      log.debug({ err: error }, 'a stream of documents broke');
    }
  });
}
