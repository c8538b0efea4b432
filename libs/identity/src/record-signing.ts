import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type LookupRecord, signedBytes, type UnsignedRecord } from '@starling/core-kademlia';
import { type Identity, peerIdOf } from './identity.ts';

/** ECDSA's r and s, 32 bytes each: what WebCrypto makes too, and no second encoding of one signature as DER has. */
const dsaEncoding = 'ieee-p1363';
/** DER of a P-256 SubjectPublicKeyInfo with the point in full. */
const keyBytes = 91;
const signatureBytes = 64;
/** Publishers whose key is kept parsed; the one not used for longest goes first. 1,024: a guess, about 1 MB. */
const keysMax = 1_024;

/** Signs a record with a peer's own key. */
export function signRecord(
  identity: Pick<Identity, 'id' | 'privateKey' | 'publicKey'>,
  record: UnsignedRecord,
): LookupRecord {
  const publicKey = Uint8Array.from(identity.publicKey.export({ type: 'spki', format: 'der' }));
  const signature = sign('sha256', signedBytes(record), { key: identity.privateKey, dsaEncoding });
  return { ...record, publisher: identity.id, publicKey, signature: Uint8Array.from(signature) };
}

interface KnownKey {
  readonly bytes: Uint8Array;
  readonly key: KeyObject;
}

/** Judges whether records are their publishers' word. Parsing a key costs as much as using it, so keys are kept for a while. */
export class RecordVerification {
  readonly #keys = new Map<string, KnownKey>();

  /** Never throws, whatever the bytes. */
  readonly verify = (record: LookupRecord): boolean => {
    const { publisher, publicKey, signature } = record;
    if (publicKey.length !== keyBytes || signature.length !== signatureBytes) return false;
    const key = this.#keyOf(publisher, publicKey);
    return key !== null && verify('sha256', signedBytes(record), { key, dsaEncoding }, signature);
  };

  #keyOf(publisher: string, bytes: Uint8Array): KeyObject | null {
    const known = this.#keys.get(publisher);
    if (known !== undefined) {
      // An id is the hash of its key: there is no other.
      if (Buffer.compare(known.bytes, bytes) !== 0) return null;
      this.#keys.delete(publisher);
      this.#keys.set(publisher, known);
      return known.key;
    }
    const key = parse(bytes);
    if (key === null || peerIdOf(key) !== publisher) return null;
    if (this.#keys.size >= keysMax) {
      const [oldest] = this.#keys.keys();
      if (oldest !== undefined) this.#keys.delete(oldest);
    }
    this.#keys.set(publisher, { bytes: Uint8Array.from(bytes), key });
    return key;
  }
}

/** The id that a publisher with this key has; null for bytes that are no P-256 key. */
export function publisherOf(publicKey: Uint8Array): string | null {
  const key = publicKey.length === keyBytes ? parse(publicKey) : null;
  return key === null ? null : peerIdOf(key);
}

function parse(bytes: Uint8Array): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isP256 ? key : null;
  } catch {
    return null;
  }
}
