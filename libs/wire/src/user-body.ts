import type { Body } from '@starling/mesh';
import { fieldBytes, isPlain, readPlain, readPlainField } from './plain-text.ts';
import { ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';

// By hand, against body.proto, because every peer reads the body of every message that a client publishes: a twentieth of
// what the generated code takes. Whatever is not as this version writes it is left to the generated code, so that there is
// one reading of every body. The tests hold it to the generated code, both ways.

type UserBody = Extract<Body, { readonly kind: 'user' }>;

/** Field tags of Body.user, of UserMessage, and of an entry of its map. */
const tag = { user: 0x0a, topic: 0x0a, headers: 0x12, payload: 0x1a, key: 0x0a, value: 0x12 } as const;

/** More headers than the API takes. */
const headersMax = 64;

/** A body's bytes; null for what is left to the generated code. */
export function encodeUserBody({ topic, payload, headers }: UserBody): Uint8Array | null {
  if (!isPlain(topic)) return null;
  let length = (topic === '' ? 0 : fieldBytes(topic.length)) + (payload.length === 0 ? 0 : fieldBytes(payload.length));
  const names = Object.keys(headers);
  for (const name of names) {
    const value = headers[name] as string;
    if (!isPlain(name) || !isPlain(value)) return null;
    length += fieldBytes(fieldBytes(name.length) + fieldBytes(value.length));
  }
  const writer = new ProtoWriter(Buffer.allocUnsafeSlow(fieldBytes(length)));
  writer.varint(tag.user);
  writer.varint(length);
  if (topic !== '') writer.plain(tag.topic, topic);
  for (const name of names) {
    const value = headers[name] as string;
    writer.varint(tag.headers);
    writer.varint(fieldBytes(name.length) + fieldBytes(value.length));
    writer.plain(tag.key, name);
    writer.plain(tag.value, value);
  }
  if (payload.length > 0) {
    writer.varint(tag.payload);
    writer.bytes(payload);
  }
  return writer.cut();
}

/** The body in these bytes, its payload a view of them; null for what is left to the generated code. Throws `MalformedError`. */
export function decodeUserBody(encoded: Uint8Array): UserBody | null {
  if (encoded[0] !== tag.user) return null;
  const bytes = Buffer.isBuffer(encoded)
    ? encoded
    : Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const reader = new ProtoReader(bytes, 1);
  if (reader.enter() !== bytes.length) return null;
  let topic = '';
  let payload: Uint8Array = empty;
  let headers: Record<string, string> = noHeaders;
  let count = 0;
  let last = 0;
  while (!reader.done) {
    const field = reader.varint();
    // In the order in which it is written here, each once; a body that says something twice means the last.
    if (field < last || (field === last && field !== tag.headers)) return null;
    last = field;
    switch (field) {
      case tag.topic: {
        const text = readPlainField(reader);
        if (text === null) return null;
        topic = text;
        break;
      }
      case tag.headers: {
        if (++count > headersMax) return null;
        if (count === 1) headers = {};
        if (!readHeader(reader, headers)) return null;
        break;
      }
      case tag.payload:
        payload = reader.view();
        break;
      default:
        return null;
    }
  }
  return { kind: 'user', topic, payload, headers };
}

const empty = new Uint8Array();
const noHeaders: Record<string, string> = Object.freeze({}) as Record<string, string>;

/** False: it is not as this version writes it. */
function readHeader(reader: ProtoReader, headers: Record<string, string>): boolean {
  const { bytes } = reader;
  const end = reader.enter();
  let name = '';
  for (const field of [tag.key, tag.value]) {
    if (reader.position >= end || reader.varint() !== field) return false;
    const textEnd = reader.enter();
    const text = textEnd > end ? null : readPlain(bytes, reader.position, textEnd);
    if (text === null) return false;
    if (field === tag.key) name = text;
    else if (name === '__proto__') return false;
    else headers[name] = text;
    reader.position = textEnd;
  }
  return reader.position === end;
}
