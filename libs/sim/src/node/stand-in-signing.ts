import type { LookupRecord, UnsignedRecord } from '@starling/core-kademlia';
import {
  type BatchSignature,
  digestBytes,
  originOf,
  type SignaturePrimitives,
  type SignedPart,
  type StreamId,
} from '@starling/core-plumtree';
import type { PeerId } from '@starling/kernel';
import type { Body } from '@starling/mesh';

/**
 * What stands for signatures in the simulator: a keyed hash, whose key nobody but its owner uses because all code here is
 * ours. It is no cryptography; it is cheap, and verifications are counted where real ones would be made.
 */
export class StandInSigning implements SignaturePrimitives<Body> {
  readonly key: Uint8Array;

  constructor(id: PeerId) {
    this.key = keyOf(id);
  }

  digest({ stream, seq, publishedAt, tree, body }: SignedPart<Body>): Uint8Array {
    const { kind } = body;
    // Of what only the mesh says to itself nothing is altered in these scenarios but who says it and when.
    const content = kind === 'user' ? `${body.topic}|${body.payload}` : kind;
    return hash(`${stream}|${seq}|${publishedAt}|${tree}|${content}`);
  }

  sign(stream: StreamId, first: number, digests: Uint8Array): Uint8Array {
    return hash(`secret of ${this.key}|${stream}|${first}|${digests}`);
  }

  verify(stream: StreamId, { key, first, digests, signature }: BatchSignature): boolean {
    return (
      isEqual(key, keyOf(originOf(stream))) &&
      isEqual(signature, hash(`secret of ${key}|${stream}|${first}|${digests}`))
    );
  }
}

/** A record as its publisher signs it here: as large as a real one. */
export function standInRecord(publisher: PeerId, record: UnsignedRecord): LookupRecord {
  return { ...record, publisher, publicKey: standInKey(publisher), signature: new Uint8Array(64) };
}

export function isStandInRecord({ publisher, publicKey }: LookupRecord): boolean {
  return isEqual(publicKey, standInKey(publisher));
}

/** As long as a P-256 key in DER. */
function standInKey(id: PeerId): Uint8Array {
  const key = new Uint8Array(91);
  key.set(keyOf(id).subarray(0, key.length));
  return key;
}

function keyOf(id: PeerId): Uint8Array {
  return Uint8Array.from(id, (letter) => letter.charCodeAt(0) & 0xff);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** FNV-1a, stretched. */
function hash(text: string): Uint8Array {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  const bytes = new Uint8Array(digestBytes);
  for (let i = 0; i < digestBytes; i++) {
    value = Math.imul(value ^ (value >>> 13), 0x5bd1e995);
    bytes[i] = value >>> 24;
  }
  return bytes;
}
