import { createHash, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import {
  type BatchSignature,
  digestBytes,
  originOf,
  type SignaturePrimitives,
  type SignedPart,
  type StreamId,
} from '@starling/core-plumtree';
import type { PeerId } from '@starling/kernel';
import { base32 } from './base32.ts';
import type { Identity } from './identity.ts';

/** Keys of others that are kept, each about 2 KiB outside the heap. At the bound the one read longest ago goes, and is read anew. 1,024: guess, publishers at the same time. */
const defaultKeysMax = 1_024;
/** A larger body is hashed where it lies instead of being copied beside its header. Measured: there the copy begins to cost more than a second call. */
const copiedBodyMax = 16 * 1024;

/**
 * What the SubjectPublicKeyInfo of an uncompressed P-256 key begins with (RFC 5480 §2); the point follows, 65 bytes. Nothing
 * else is read: verifying by a key of another kind may take as long as whoever made it likes.
 */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const spkiBytes = p256Prefix.length + 65;
const context = Buffer.from('starling batch 1\0', 'latin1');

/** What a batch's origin is asked: broadcast.proto says which bytes. */
export class MessageSigning implements SignaturePrimitives<Uint8Array> {
  readonly key: Uint8Array;
  readonly #privateKey: KeyObject;
  readonly #prefix: Buffer;
  /** Keys that are the hash of their owner's id; the one read first comes first. */
  readonly #keys = new Map<PeerId, { readonly spki: Uint8Array; readonly key: KeyObject }>();
  readonly #scratch = Buffer.allocUnsafeSlow(1_024 + copiedBodyMax);
  /** Keys read, and those that had to make room. */
  readonly stats = { keysRead: 0, keysEvicted: 0 };

  readonly #keysMax: number;

  /** A signature is good in one mesh only. */
  constructor(identity: Pick<Identity, 'privateKey' | 'publicKey'>, mesh: string, keysMax = defaultKeysMax) {
    this.#keysMax = keysMax;
    this.key = identity.publicKey.export({ type: 'spki', format: 'der' });
    this.#privateKey = identity.privateKey;
    this.#prefix = Buffer.concat([context, withLength(mesh)]);
  }

  /** Keys of others that are kept. */
  get keys(): number {
    return this.#keys.size;
  }

  digest({ stream, seq, publishedAt, tree, body }: SignedPart<Uint8Array>): Uint8Array {
    const scratch = this.#scratch;
    const length = scratch.write(stream, 2, 'utf8');
    let at = scratch.writeUInt16LE(length, 0) + length;
    at = writeUint64(scratch, seq, at);
    at = scratch.writeDoubleLE(publishedAt, at);
    at = scratch.writeUInt32LE(tree, at);
    if (body.length <= copiedBodyMax) {
      scratch.set(body, at);
      return hash('sha256', scratch.subarray(0, at + body.length), 'buffer').subarray(0, digestBytes);
    }
    return createHash('sha256').update(scratch.subarray(0, at)).update(body).digest().subarray(0, digestBytes);
  }

  sign(stream: StreamId, first: number, digests: Uint8Array): Uint8Array {
    return sign('sha256', this.#signed(stream, first, digests), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
  }

  verify(stream: StreamId, { key, first, digests, signature }: BatchSignature): boolean {
    if (signature.length !== 64) return false;
    const publicKey = this.#keyOf(originOf(stream), key);
    if (publicKey === null) return false;
    const signed = this.#signed(stream, first, digests);
    return verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  }

  #signed(stream: StreamId, first: number, digests: Uint8Array): Buffer {
    const number = Buffer.allocUnsafe(8);
    writeUint64(number, first, 0);
    return Buffer.concat([this.#prefix, withLength(stream), number, digests]);
  }

  /** The key that a peer's id is the hash of; null when this is not it. */
  #keyOf(id: PeerId, spki: Uint8Array): KeyObject | null {
    const known = this.#keys.get(id);
    if (known !== undefined) return Buffer.compare(known.spki, spki) === 0 ? known.key : null;
    if (spki.length !== spkiBytes || p256Prefix.compare(spki, 0, p256Prefix.length) !== 0) return null;
    if (base32(hash('sha256', spki, 'buffer')) !== id) return null;
    let key: KeyObject;
    try {
      key = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
    } catch {
      return null; // No point of the curve.
    }
    this.stats.keysRead++;
    if (this.#keys.size >= this.#keysMax) {
      const [oldest] = this.#keys.keys();
      if (oldest !== undefined) this.#keys.delete(oldest);
      this.stats.keysEvicted++;
    }
    this.#keys.set(id, { spki: new Uint8Array(spki), key });
    return key;
  }
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A number up to 2^53. */
function writeUint64(buffer: Buffer, value: number, at: number): number {
  buffer.writeUInt32LE(value % 2 ** 32, at);
  return buffer.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
