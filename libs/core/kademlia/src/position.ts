import type { PeerId } from '@starling/kernel';
import { sha256 } from './sha256.ts';

/** A point of the key space: 256 bits as eight words, the most significant first. Peers and keys live in the same space. */
export type Position = Uint32Array;

export const positionBytes = 32;
const words = 8;

/** Where a peer stands. The hash of its id as text: an id stays opaque, and nobody chooses a place without making a key for it. */
export function positionOfPeer(id: PeerId): Position {
  return sha256(ascii(id));
}

/** Where the records of a key are kept. Each kind of record has a space of its own. */
export function positionOfKey(kind: string, key: Uint8Array): Position {
  const prefix = ascii(`starling.lookup.${kind}:`);
  const bytes = new Uint8Array(prefix.length + key.length);
  bytes.set(prefix);
  bytes.set(key, prefix.length);
  return sha256(bytes);
}

/** As it travels. */
export function toBytes(position: Position): Uint8Array {
  const bytes = new Uint8Array(positionBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words; i++) view.setUint32(i * 4, position[i] as number);
  return bytes;
}

/** Null for anything but 32 bytes. */
export function fromBytes(bytes: Uint8Array): Position | null {
  if (bytes.length !== positionBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const position = new Uint32Array(words);
  for (let i = 0; i < words; i++) position[i] = view.getUint32(i * 4);
  return position;
}

/** Below zero when `a` is nearer to `target` by exclusive or (Kademlia §2.1), above when `b` is, zero when they are the same point. */
export function compareDistance(target: Position, a: Position, b: Position): number {
  for (let i = 0; i < words; i++) {
    const t = target[i] as number;
    const left = ((a[i] as number) ^ t) >>> 0;
    const right = ((b[i] as number) ^ t) >>> 0;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** In the order of the number line. */
export function comparePositions(a: Position, b: Position): number {
  for (let i = 0; i < words; i++) {
    const left = a[i] as number;
    const right = b[i] as number;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Leading bits that two points share, 0 … 256. */
export function sharedBits(a: Position, b: Position): number {
  for (let i = 0; i < words; i++) {
    const difference = ((a[i] as number) ^ (b[i] as number)) >>> 0;
    if (difference !== 0) return i * 32 + Math.clz32(difference);
  }
  return words * 32;
}

/** Ids are base32; of other text, each character's low byte. */
function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0xff;
  return bytes;
}
