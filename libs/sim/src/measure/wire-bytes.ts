import type { PeerInfo } from '@starling/kernel';
import { bodyBytes, type SimMessage } from '../node/mesh-node.ts';

/**
 * What a message costs beyond itself when it travels alone: TCP/IP with timestamps 52, TLS 1.3 record 22, HTTP/2 frame 9,
 * gRPC prefix 5, frame and message envelope 6. Acknowledgements ride on the traffic back.
 */
export const frameOverheadBytes = 94;

/** A peer id in base32 of SHA-256 with its tag and length. */
const idBytes = 54;

/** Bytes on the wire for one message that travels in a frame of its own: an upper bound, as a busy link shares frames. */
export function wireBytes(message: SimMessage): number {
  return frameOverheadBytes + contentBytes(message);
}

/** About what protobuf makes of it: texts and numbers with a tag each. */
function contentBytes({ area, message }: SimMessage): number {
  if (area === 'broadcast' && message.kind === 'gossip') return idBytes + 30 + bodyBytes(message.body);
  return valueBytes(message);
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return value < 128 ? 2 : value < 2 ** 28 ? 5 : 8;
  if (typeof value === 'boolean') return value ? 2 : 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 2 + valueBytes(item), 0);
  if (value === null || typeof value !== 'object') return 0;
  if (isPeerInfo(value)) return peerBytes(value);
  let sum = 0;
  for (const [name, field] of Object.entries(value)) if (name !== 'kind') sum += valueBytes(field);
  return sum;
}

function isPeerInfo(value: object): value is PeerInfo {
  return 'incarnation' in value && 'address' in value;
}

/** The simulator's ids and addresses are shorter than real ones. */
function peerBytes({ apiAddress, zone, name }: PeerInfo): number {
  return idBytes + 22 + 10 + textBytes(apiAddress) + textBytes(zone) + textBytes(name);
}

function textBytes(text: string): number {
  if (text === '') return 0;
  return /^p\d+(~|$)/.test(text) ? idBytes + (text.includes('~') ? 14 : 0) : 2 + text.length;
}
