import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { PublishResponse } from '@starling/wire';

/** A message was taken. */
export interface Receipt {
  /** The same at every peer. */
  readonly id: string;
  /** The peer that took it. */
  readonly origin: string;
  readonly sequence: bigint;
  readonly publishedAt: Date;
  /** Neighbours of that peer known to hold it too. */
  readonly heldBy: number;
  /** The peer has no neighbour: until one comes the message is held there alone. */
  readonly alone: boolean;
}

export function toReceipt(response: PublishResponse): Receipt {
  return {
    id: response.messageId,
    origin: response.origin,
    sequence: response.sequence,
    publishedAt: new Date(response.publishTime === undefined ? 0 : timestampMs(response.publishTime)),
    heldBy: response.heldBy,
    alone: response.alone,
  };
}
