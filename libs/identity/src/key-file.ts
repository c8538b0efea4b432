import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** The data directory or the key in it cannot be used. Nothing was changed. The message is one line for people. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** The key in `<dataDir>/key.pem`; null when there is none yet. Throws an IdentityError when it must not be used. */
export function readKeyFile(dataDir: string): KeyObject | null {
  const path = join(dataDir, 'key.pem');
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new IdentityError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    // Ask the open file, not the name: nothing can be swapped in between.
    const mode = fstatSync(file).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new IdentityError(
        `${path} can be read by others (mode ${mode.toString(8).padStart(4, '0')}): run chmod 600 ${path}, or delete it if it may have been copied`,
      );
    }
    return parseKey(path, readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/**
 * Keeps `key` as `<dataDir>/key.pem` with mode 0600. Null when it was written; the key that is there when another process
 * was first. Throws an IdentityError when the directory cannot be made or written.
 */
export function writeKeyFile(dataDir: string, key: KeyObject): KeyObject | null {
  const path = join(dataDir, 'key.pem');
  const temporary = join(dataDir, `.key-${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    try {
      const file = openSync(temporary, 'wx', 0o600);
      try {
        writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      // A link fails if the name is taken, where a rename would replace another process's key: whole file or none, first wins.
      linkSync(temporary, path);
      return null;
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      const winner = readKeyFile(dataDir);
      if (winner !== null) return winner;
    }
    throw new IdentityError(`cannot keep the peer's key in ${dataDir}: ${messageOf(error)}`, { cause: error });
  }
}

function parseKey(path: string, pem: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new IdentityError(`${path} holds no private key: restore it, or delete it to become a new peer`, {
      cause: error,
    });
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new IdentityError(`${path} holds no P-256 key: restore it, or delete it to become a new peer`);
  }
  return key;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
