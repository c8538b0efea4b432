import { create, type JsonObject } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  type Document,
  DocumentSchema,
  type GrpcMethod,
  type PutDocumentsStreamRequest,
  PutDocumentsStreamRequestSchema,
  type PutDocumentsStreamResponse,
} from '@starling/wire';
import { openDuplex, readStream } from './calls.ts';
import type { PeerConnection } from './peer-pool.ts';
import { checkedCount } from './timeouts.ts';

/** A document to keep: any JSON object under an id. */
export interface OutgoingDocument {
  readonly id: string;
  readonly fields: JsonObject;
  /** The higher is the newer; left out or 0: the time that it is put. */
  readonly version?: number;
}

/** How far a stream of documents is. */
export interface PutProgress {
  /** Documents of this stream that are stored. */
  readonly stored: number;
  /** Those left as they were, because the peer holds a newer version. */
  readonly stale: number;
  /** Documents that the peer holds now. */
  readonly total: number;
}

/** Documents of one request: enough that a request costs little for each, few enough that the peer reads it at once. (guess) */
export const documentsBatch = 256;
/** … and characters of their JSON. (guess: some ms of the peer's time) */
const charsMax = 256 * 1024;

type Call = ClientDuplexStream<PutDocumentsStreamRequest, PutDocumentsStreamResponse>;

/** Sends the batches as fast as the peer takes them; yields with each answer. Throws a StarlingError, or what the source throws. */
export async function* putDocuments(
  connection: PeerConnection,
  method: GrpcMethod<PutDocumentsStreamRequest, PutDocumentsStreamResponse>,
  batches: AsyncIterable<readonly OutgoingDocument[]>,
  signal: AbortSignal,
): AsyncGenerator<PutProgress, void, void> {
  const call = openDuplex(connection, method);
  const broken: unknown[] = [];
  const sending = send(call, batches).catch((error: unknown) => {
    broken.push(error);
    call.cancel();
  });
  let [stored, stale] = [0, 0];
  try {
    for await (const { storedCount, staleCount, totalCount } of readStream(call, { signal })) {
      stored += storedCount;
      stale += staleCount;
      yield { stored, stale, total: Number(totalCount) };
    }
    await sending;
  } catch (error) {
    if (broken.length === 0) throw error;
  }
  // A source that fails ends the call, whose end says less.
  if (broken.length > 0) throw broken[0];
}

async function send(call: Call, batches: AsyncIterable<readonly OutgoingDocument[]>): Promise<void> {
  let isOver = false;
  let wake = (): void => {};
  const over = (): void => {
    isOver = true;
    wake();
  };
  call.on('close', over);
  call.on('end', over);
  call.on('error', over);
  call.on('drain', () => wake());
  for await (const batch of batches) {
    if (isOver) return;
    const hasRoom = call.write(create(PutDocumentsStreamRequestSchema, { documents: batch.map(toDocument) }));
    if (hasRoom) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  if (!isOver) call.end();
}

/** Groups documents by number and size. */
export async function* batchesOf(
  documents: AsyncIterable<OutgoingDocument> | Iterable<OutgoingDocument>,
  countMax: number,
): AsyncGenerator<readonly OutgoingDocument[], void, void> {
  let batch: OutgoingDocument[] = [];
  let chars = 0;
  for await (const document of documents) {
    const length = JSON.stringify(document.fields).length;
    if (batch.length >= countMax || (batch.length > 0 && chars + length > charsMax)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(document);
    chars += length;
  }
  if (batch.length > 0) yield batch;
}

export function toDocument({ id, fields, version }: OutgoingDocument): Document {
  return create(DocumentSchema, { id, fields, version: BigInt(checkedCount('version', version ?? 0)) });
}
