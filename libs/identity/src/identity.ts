import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { PeerId } from '@starling/kernel';
import { base32 } from './base32.ts';
import { readKeyFile, writeKeyFile } from './key-file.ts';

/** A peer is its key: the id is a hash of the public key, so it survives a change of address and the renewal of its certificate. */
export interface Identity {
  readonly id: PeerId;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Made just now rather than read from the data directory. */
  readonly isNew: boolean;
}

/** The id of a public key: base32 of SHA-256 of its SubjectPublicKeyInfo in DER; 52 characters. */
export function peerIdOf(publicKey: KeyObject): PeerId {
  return base32(
    createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest(),
  );
}

/** Whether a text is the whole id of a peer: neither a name nor the beginning of an id. */
export function isPeerId(text: string): boolean {
  return /^[a-z2-7]{52}$/.test(text);
}

/** A P-256 key that is never written: a peer without a data directory is a new peer after each start. */
export function createIdentity(): Identity {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return identityOf(privateKey, true);
}

/**
 * Reads `<dataDir>/key.pem`, or makes it (and the directory) on the first start.
 * Throws an IdentityError when the directory cannot be used, the file is no P-256 key, or others may read it.
 */
export function loadIdentity(dataDir: string): Identity {
  const kept = readKeyFile(dataDir);
  if (kept !== null) return identityOf(kept, false);
  const made = createIdentity();
  // Two processes that start at once on one directory: the first to write wins, the other takes its key.
  const winner = writeKeyFile(dataDir, made.privateKey);
  return winner === null ? made : identityOf(winner, false);
}

/** The identity that a P-256 key is. */
export function identityOf(privateKey: KeyObject, isNew: boolean): Identity {
  const publicKey = createPublicKey(privateKey);
  return { id: peerIdOf(publicKey), privateKey, publicKey, isNew };
}
