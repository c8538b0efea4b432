import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type {
  Acknowledge,
  PublishRequest,
  PublishResponse,
  PublishStreamRequest,
  PublishStreamResponse,
} from './gen/starling/v1/mesh_pb.ts';
import { fieldBytes, isPlain, readPlainField } from './plain-text.ts';
import { ProtoReader, wireType } from './proto-reader.ts';
import { ProtoWriter, varintBytes } from './proto-writer.ts';

// The two messages of PublishStream that pass for each published message, by hand, against mesh.proto. As in user-body.ts,
// whatever is unusual is left to the generated code, to which the tests hold this.

/** Numbers that a varint of ours can carry. */
const isSafe = (value: bigint): boolean => value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);

const requestTag = { message: 0x0a, topic: 0x0a, payload: 0x12, acknowledge: 0x20, holdNeighbors: 0x28 } as const;

/** The request in these bytes, its payload a view of them; null for what is left to the generated code. Throws `MalformedError`. */
export function readPublishStreamRequest(bytes: Buffer): PublishStreamRequest | null {
  if (bytes[0] !== requestTag.message) return null;
  const reader = new ProtoReader(bytes, 1);
  if (reader.enter() !== bytes.length) return null;
  const message = readPublishRequest(reader);
  return message && { $typeName: 'starling.v1.PublishStreamRequest', message };
}

/** Fields in the order of their numbers, each at most once. Headers and request ids are left to the generated code. */
function readPublishRequest(reader: ProtoReader): PublishRequest | null {
  let topic = '';
  let payload: Uint8Array<ArrayBuffer> = empty;
  // An open enumeration: a number that has no name here is passed on as it is.
  let acknowledge: Acknowledge = 0;
  let holdNeighbors = 0;
  for (let last = 0; !reader.done; ) {
    const tag = reader.varint();
    if (tag <= last) return null;
    last = tag;
    switch (tag) {
      case requestTag.topic: {
        const text = readPlainField(reader);
        if (text === null) return null;
        topic = text;
        break;
      }
      case requestTag.payload:
        payload = reader.view() as Uint8Array<ArrayBuffer>;
        break;
      case requestTag.acknowledge:
        acknowledge = reader.varint() as Acknowledge;
        if (acknowledge > 0x7f) return null;
        break;
      case requestTag.holdNeighbors:
        holdNeighbors = reader.varint();
        if (holdNeighbors > 0x7f) return null;
        break;
      default:
        return null;
    }
  }
  return {
    $typeName: 'starling.v1.PublishRequest',
    topic,
    payload,
    headers: {},
    acknowledge,
    holdNeighbors,
    requestId: '',
  };
}

const empty = new Uint8Array();

const responseTag = { number: 0x08, accepted: 0x12 } as const;

/** The answer's bytes; null for what is left to the generated code. */
export function writePublishStreamResponse({ number, result }: PublishStreamResponse): Buffer | null {
  if (result.case !== 'accepted' || !isSafe(number)) return null;
  const accepted = result.value;
  const length = publishResponseBytes(accepted);
  if (length < 0) return null;
  const writer = ProtoWriter.forMessage(12 + fieldBytes(length));
  if (number !== 0n) writer.number(responseTag.number, Number(number));
  writer.varint(responseTag.accepted);
  writer.varint(length);
  writePublishResponse(writer, accepted);
  return writer.cut();
}

const acceptedTag = {
  messageId: 0x0a,
  origin: 0x12,
  sequence: 0x18,
  publishTime: 0x22,
  heldBy: 0x28,
  alone: 0x30,
} as const;

/** −1: not by hand. */
function publishResponseBytes({ messageId, origin, sequence, publishTime, heldBy, alone }: PublishResponse): number {
  if (!isPlain(messageId) || !isPlain(origin) || !isSafe(sequence)) return -1;
  const time = publishTime === undefined ? 0 : timestampBytes(publishTime);
  if (time < 0) return -1;
  return (
    (messageId === '' ? 0 : fieldBytes(messageId.length)) +
    (origin === '' ? 0 : fieldBytes(origin.length)) +
    (sequence === 0n ? 0 : 1 + varintBytes(Number(sequence))) +
    (publishTime === undefined ? 0 : fieldBytes(time)) +
    (heldBy === 0 ? 0 : 1 + varintBytes(heldBy)) +
    (alone ? 2 : 0)
  );
}

function writePublishResponse(writer: ProtoWriter, response: PublishResponse): void {
  const { messageId, origin, sequence, publishTime, heldBy, alone } = response;
  if (messageId !== '') writer.plain(acceptedTag.messageId, messageId);
  if (origin !== '') writer.plain(acceptedTag.origin, origin);
  if (sequence !== 0n) writer.number(acceptedTag.sequence, Number(sequence));
  if (publishTime !== undefined) writeTimestamp(writer, acceptedTag.publishTime, publishTime);
  if (heldBy !== 0) writer.number(acceptedTag.heldBy, heldBy);
  if (alone) writer.number(acceptedTag.alone, 1);
}

/** Bytes of a Timestamp without its tag and length; −1: not by hand. */
export function timestampBytes({ seconds, nanos }: Timestamp): number {
  if (!isSafe(seconds) || nanos < 0) return -1;
  return (seconds === 0n ? 0 : 1 + varintBytes(Number(seconds))) + (nanos === 0 ? 0 : 1 + varintBytes(nanos));
}

/** `timestampBytes` said that it can be written. */
export function writeTimestamp(writer: ProtoWriter, tag: number, time: Timestamp): void {
  writer.varint(tag);
  writer.varint(timestampBytes(time));
  if (time.seconds !== 0n) writer.number((1 << 3) | wireType.varint, Number(time.seconds));
  if (time.nanos !== 0) writer.number((2 << 3) | wireType.varint, time.nanos);
}
