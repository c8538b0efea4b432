import type { PeerInfo } from '@starling/kernel';
import { bodyBytes, type SimMessage } from '../node/mesh-node.ts';

/** TCP/IP with timestamps: what any segment costs, and all that an acknowledgement alone is. */
export const segmentBytes = 52;

/** What a frame costs beyond its messages: its segment, TLS 1.3 record 22, HTTP/2 frame header 9, gRPC prefix 5. */
export const frameOverheadBytes = segmentBytes + 36;

/** A message's place in a frame: a tag and a length each for the message and its kind. */
const envelopeBytes = 5;

/** A peer id in base32 of SHA-256 with its tag and length. */
const idBytes = 54;
/** A stream's name, `<id>~<incarnation>!`, with its reference. The dictionary of a link holds 1,024: in a large mesh every name is news. */
const streamBytes = idBytes + 20;

/** Bytes on the wire for one message that travels in a frame of its own: an upper bound, as a busy link shares frames. */
export function wireBytes(message: SimMessage): number {
  return frameOverheadBytes + messageBytes(message);
}

/** About what protobuf makes of it, its place in a frame included. The command line's tests compare it with what the product encodes. */
export function messageBytes({ area, message }: SimMessage): number {
  if (area === 'broadcast' && message.kind === 'gossip') {
    return 3 + streamBytes + numberBytes(message.seq) + 2 + 9 + 3 + bodyBytes(message.body);
  }
  return envelopeBytes + valueBytes(message);
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'boolean') return value ? 2 : 0;
  if (value instanceof Uint8Array || value instanceof Uint32Array) return 2 + value.byteLength;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 2 + valueBytes(item), 0);
  if (value === null || typeof value !== 'object') return 0;
  if (isPeerInfo(value)) return peerBytes(value);
  let sum = 0;
  for (const [name, field] of Object.entries(value)) if (name !== 'kind') sum += valueBytes(field);
  return sum;
}

/** A tag and a varint, or a double when it is no whole number. Zero is not written. */
function numberBytes(value: number): number {
  if (value === 0) return 0;
  if (!Number.isSafeInteger(value) || value < 0) return 9;
  return 1 + Math.max(1, Math.ceil(Math.log2(value + 1) / 7));
}

function isPeerInfo(value: object): value is PeerInfo {
  return 'incarnation' in value && 'address' in value;
}

/** The simulator's ids and addresses are shorter than real ones. */
function peerBytes({ apiAddress, zone, name, version = '' }: PeerInfo): number {
  return idBytes + 22 + 10 + textBytes(apiAddress) + textBytes(zone) + textBytes(name) + textBytes(version);
}

function textBytes(text: string): number {
  if (text === '') return 0;
  if (!/^p\d+(~|$)/.test(text)) return 2 + text.length + (text.includes('~') ? 2 : 0);
  return text.includes('~') ? streamBytes : idBytes;
}
