import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { peerIdOf } from './identity.ts';
import { IdentityError } from './key-file.ts';

/** What operators sign begins with this, so that no signature of theirs can stand for anything else. */
const banContext = Buffer.from('starling-ban-v1\0');
const encoding = 'ieee-p1363';
/** Public keys in one file. 64: a guess, every operator of a large company on call. */
const keysMax = 64;

/** What an operator signed. */
export interface OperatorSignature {
  readonly signature: Uint8Array;
  /** The key's name: base32 of the hash of the public key, as a peer's id is. */
  readonly key: string;
}

/** An operator's private key: it bans peers in the whole mesh, and lies on the operator's machine or in a vault, never at a peer. */
export class OperatorKey {
  readonly id: string;
  /** PEM (SPKI), for the peers. */
  readonly publicPem: string;
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    const publicKey = createPublicKey(key);
    this.#key = key;
    this.id = peerIdOf(publicKey);
    this.publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  /** A new P-256 key. */
  static create(): OperatorKey {
    return new OperatorKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  }

  /** Reads a file that only its owner may read. Throws an IdentityError. */
  static read(path: string): OperatorKey {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      throw new IdentityError(`cannot read the operator's key ${path}: ${(error as Error).message}`, { cause: error });
    }
    try {
      const mode = fstatSync(file).mode & 0o777;
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        throw new IdentityError(
          `${path} can be read by others (mode ${mode.toString(8).padStart(4, '0')}): run chmod 600 ${path}, or make another if it may have been copied`,
        );
      }
      return new OperatorKey(p256(createPrivateKey(readFileSync(file))));
    } catch (error) {
      if (error instanceof IdentityError) throw error;
      throw new IdentityError(`${path} holds no private P-256 key`, { cause: error });
    } finally {
      closeSync(file);
    }
  }

  /** Keeps the key, for its owner alone, unless there is a file already: then false. Throws an IdentityError. */
  write(path: string): boolean {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const file = openSync(path, 'wx', 0o600);
      try {
        writeFileSync(file, this.#key.export({ type: 'pkcs8', format: 'pem' }));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new IdentityError(`cannot keep the operator's key in ${path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  signBan(statement: Uint8Array): OperatorSignature {
    const signature = signBytes('sha256', Buffer.concat([banContext, statement]), {
      key: this.#key,
      dsaEncoding: encoding,
    });
    return { signature: new Uint8Array(signature), key: this.id };
  }
}

/** The public keys of a mesh's operators: whose statements count. */
export class OperatorKeys {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  private constructor(keys: ReadonlyMap<string, KeyObject>) {
    this.#keys = keys;
  }

  static readonly none = new OperatorKeys(new Map());

  /** One or more public keys, PEM, with whatever text between them. Throws an IdentityError. */
  static parse(pem: string): OperatorKeys {
    const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
    if (blocks.length === 0) throw new IdentityError('there is no public key (PEM) in it');
    if (blocks.length > keysMax) throw new IdentityError(`there are more than ${keysMax} public keys in it`);
    const keys = new Map<string, KeyObject>();
    for (const [index, block] of blocks.entries()) {
      let key: KeyObject;
      try {
        key = p256(createPublicKey(block));
      } catch (error) {
        throw new IdentityError(`its public key number ${index + 1} is no P-256 key`, { cause: error });
      }
      keys.set(peerIdOf(key), key);
    }
    return new OperatorKeys(keys);
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Whether one of these operators signed the statement. Never throws. */
  verifyBan(statement: Uint8Array, { signature, key }: OperatorSignature): 'valid' | 'forged' | 'unknownKey' {
    const known = this.#keys.get(key);
    if (known === undefined) return 'unknownKey';
    try {
      const signed = Buffer.concat([banContext, statement]);
      return verifyBytes('sha256', signed, { key: known, dsaEncoding: encoding }, signature) ? 'valid' : 'forged';
    } catch {
      return 'forged';
    }
  }
}

function p256(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new IdentityError('it is no P-256 key');
  }
  return key;
}
