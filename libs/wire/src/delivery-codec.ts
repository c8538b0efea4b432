import type { Message, SubscribeResponse } from './gen/starling/v1/mesh_pb.ts';
import { fieldBytes, isPlain } from './plain-text.ts';
import { ProtoWriter, varintBytes } from './proto-writer.ts';
import { timestampBytes, writeTimestamp } from './publish-codec.ts';

// What Subscribe streams for each message, once for each subscriber, by hand, against mesh.proto; see publish-codec.ts.

const eventTag = { message: 0x0a } as const;
const tag = {
  messageId: 0x0a,
  topic: 0x12,
  payload: 0x1a,
  headers: 0x22,
  origin: 0x2a,
  sequence: 0x30,
  publishTime: 0x3a,
  hops: 0x40,
  cursor: 0x4a,
  replayed: 0x50,
} as const;
const entryTag = { key: 0x0a, value: 0x12 } as const;

/** A message's bytes as Subscribe streams them; null for what is left to the generated code: other events, text that is not ASCII. */
export function writeDelivery({ event }: SubscribeResponse): Buffer | null {
  if (event.case !== 'message') return null;
  const message = event.value;
  const length = messageBytes(message);
  if (length < 0) return null;
  const writer = ProtoWriter.forMessage(fieldBytes(length));
  writer.varint(eventTag.message);
  writer.varint(length);
  writeMessage(writer, message);
  return writer.cut();
}

const textBytes = (text: string): number => (text === '' ? 0 : fieldBytes(text.length));

/** −1: not by hand. */
function messageBytes(message: Message): number {
  const { messageId, topic, payload, headers, origin, sequence, publishTime, hops, cursor, replayed } = message;
  if (!(isPlain(messageId) && isPlain(topic) && isPlain(origin) && isPlain(cursor))) return -1;
  if (sequence < 0n || sequence > BigInt(Number.MAX_SAFE_INTEGER)) return -1;
  const time = publishTime === undefined ? 0 : timestampBytes(publishTime);
  if (time < 0) return -1;
  let entries = 0;
  for (const name in headers) {
    const value = headers[name] as string;
    if (!isPlain(name) || !isPlain(value)) return -1;
    entries += fieldBytes(fieldBytes(name.length) + fieldBytes(value.length));
  }
  return (
    textBytes(messageId) +
    textBytes(topic) +
    (payload.length === 0 ? 0 : fieldBytes(payload.length)) +
    entries +
    textBytes(origin) +
    (sequence === 0n ? 0 : 1 + varintBytes(Number(sequence))) +
    (publishTime === undefined ? 0 : fieldBytes(time)) +
    (hops === 0 ? 0 : 1 + varintBytes(hops)) +
    textBytes(cursor) +
    (replayed ? 2 : 0)
  );
}

function writeMessage(writer: ProtoWriter, message: Message): void {
  const { messageId, topic, payload, headers, origin, sequence, publishTime, hops, cursor, replayed } = message;
  if (messageId !== '') writer.plain(tag.messageId, messageId);
  if (topic !== '') writer.plain(tag.topic, topic);
  if (payload.length > 0) {
    writer.varint(tag.payload);
    writer.bytes(payload);
  }
  for (const name in headers) {
    const value = headers[name] as string;
    writer.varint(tag.headers);
    writer.varint(fieldBytes(name.length) + fieldBytes(value.length));
    writer.plain(entryTag.key, name);
    writer.plain(entryTag.value, value);
  }
  if (origin !== '') writer.plain(tag.origin, origin);
  if (sequence !== 0n) writer.number(tag.sequence, Number(sequence));
  if (publishTime !== undefined) writeTimestamp(writer, tag.publishTime, publishTime);
  if (hops !== 0) writer.number(tag.hops, hops);
  if (cursor !== '') writer.plain(tag.cursor, cursor);
  if (replayed) writer.number(tag.replayed, 1);
}
