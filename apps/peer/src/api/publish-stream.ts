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
import { type AcknowledgedStream, serveAcknowledged } from './acknowledged-stream.ts';

type Call = ServerDuplexStream<PublishStreamRequest, PublishStreamResponse>;
type Stream = AcknowledgedStream<PublishStreamRequest, PublishStreamResponse>;

/** Requests of one stream that are read but not answered. The peer reads no more until some are. */
const outstandingMax = 256;

/** What a stream needs of its peer. */
export interface PublishStreamPort extends Pick<Stream, 'pace' | 'log'> {
  readonly publish: (request: PublishRequest) => Promise<PublishResponse>;
}

/** Serves PublishStream: each message is published as it comes, and answered in order; a refusal is an answer like another. */
export function servePublishStream(call: Call, { publish, pace, log }: PublishStreamPort): void {
  const answer: Stream['answer'] = (number, { message }) =>
    publish(message ?? create(PublishRequestSchema)).then(
      (accepted) => response(number, { case: 'accepted', value: accepted }),
      (error: unknown) => response(number, refusal(error)),
    );
  serveAcknowledged(call, { name: 'a publish stream', outstandingMax, isOneByOne: false, pace, answer, log });
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
