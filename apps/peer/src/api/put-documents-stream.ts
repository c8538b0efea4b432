import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { PutDocumentsStreamRequest, PutDocumentsStreamResponse } from '@starling/wire';
import type { IndexLimits, LocalIndex } from '../search/local-index.ts';
import { putError } from '../search/put-error.ts';
import { type AcknowledgedStream, serveAcknowledged } from './acknowledged-stream.ts';
import { checkDocuments } from './validate.ts';

type Call = ServerDuplexStream<PutDocumentsStreamRequest, PutDocumentsStreamResponse>;
type Stream = AcknowledgedStream<PutDocumentsStreamRequest, PutDocumentsStreamResponse>;

/** Requests of one stream that are read but not stored. The peer reads no more until some are. */
const outstandingMax = 4;

/** What a stream needs of its peer. */
export interface PutDocumentsPort extends Pick<Stream, 'pace' | 'log'> {
  readonly index: LocalIndex;
  readonly limits: IndexLimits;
}

/** Serves PutDocumentsStream: requests are stored one after the other and answered when they are; one that cannot be ends it. */
export function servePutDocumentsStream(call: Call, { index, limits, pace, log }: PutDocumentsPort): void {
  const answer: Stream['answer'] = async (number, request) => {
    const documents = checkDocuments(request.documents, Date.now());
    const { stored, stale, refusal } = await index.put(documents);
    const dealtWith = stored + stale;
    if (refusal !== null) throw putError(refusal, dealtWith, documents[dealtWith], index, limits);
    return {
      $typeName: 'starling.v1.PutDocumentsStreamResponse',
      number,
      storedCount: stored,
      staleCount: stale,
      totalCount: BigInt(index.size),
    };
  };
  serveAcknowledged(call, { name: 'a stream of documents', outstandingMax, isOneByOne: true, pace, answer, log });
}
