import type { Millis, PeerId } from '@starling/kernel';
import { type Position, positionOfKey } from './position.ts';

/**
 * `value`: bytes under a key. `provider`: its publisher offers what the key names; many peers may. `keyword`: its publisher has
 * documents with a word that few have; there are many of these and each is of little worth, so they have fewer copies and a share
 * of the room.
 */
export type RecordKind = 'value' | 'provider' | 'keyword';
export const recordKinds = ['value', 'provider', 'keyword'] as const satisfies readonly RecordKind[];

/** What is kept under a key, signed by who published it. One record for each kind, key and publisher: of two the newer stays. */
export interface LookupRecord {
  readonly kind: RecordKind;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of two records of one publisher the higher wins. */
  readonly version: number;
  /** By the clock of who looks: nobody hands it on, or takes it, from then on. */
  readonly expiresAt: Millis;
  /** The id that `publicKey` has as a peer's. */
  readonly publisher: PeerId;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** By that key over `signedBytes`. */
  readonly signature: Uint8Array;
}

export type UnsignedRecord = Omit<LookupRecord, 'publisher' | 'publicKey' | 'signature'>;

/** Whether a record is its publisher's word: the key is the publisher's, and the signature the key's. */
export type RecordVerifier = (record: LookupRecord) => boolean;

const domain = 'starling lookup record 1\n';

/** What a publisher signs: everything that a holder could change, each part with its length, after words that no other signature begins with. */
export function signedBytes({ kind, key, value, version, expiresAt }: UnsignedRecord): Uint8Array {
  const head = `${domain}${kind}\n${version}\n${Math.trunc(expiresAt)}\n${key.length}\n${value.length}\n`;
  const bytes = new Uint8Array(head.length + key.length + value.length);
  for (let i = 0; i < head.length; i++) bytes[i] = head.charCodeAt(i);
  bytes.set(key, head.length);
  bytes.set(value, head.length + key.length);
  return bytes;
}

/** Names a key among keys of its kind, for use in a map. */
export function keyName(kind: RecordKind, key: Uint8Array): string {
  let name = `${kind}:`;
  for (const byte of key) name += String.fromCharCode(byte);
  return name;
}

export function positionOfRecord({ kind, key }: Pick<LookupRecord, 'kind' | 'key'>): Position {
  return positionOfKey(kind, key);
}

/** Bytes that a record takes in a store or a message, about. */
export function recordBytes({ key, value, publicKey, signature }: LookupRecord): number {
  return key.length + value.length + publicKey.length + signature.length + 128;
}

/**
 * Above zero when `a` is to be kept. A publisher that signs two records with one version is its own fault, but all holders
 * must still end with the same one: the one that lives longer, then the one with the higher signature.
 */
export function compareRecords(a: LookupRecord, b: LookupRecord): number {
  return a.version - b.version || a.expiresAt - b.expiresAt || compareBytes(a.signature, b.signature);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
