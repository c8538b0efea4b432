import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Keys, certificates and requests are far smaller; whatever else lies under such a name is not read. */
export const pemBytesMax = 256 * 1024;

/** A small text file; null when there is none. Throws when it cannot be read or is larger than 256 KiB. */
export function readSmallFile(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    // A fifo or a device is no file, and would block.
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no file`);
    const bytes = Buffer.alloc(pemBytesMax + 1);
    let length = 0;
    for (;;) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      length += count;
      if (count === 0 || length === bytes.length) break;
    }
    if (length > pemBytesMax) throw new Error(`${path} is larger than ${pemBytesMax} bytes`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

/** Replaces a file in one step: a reader sees the old text or the new one, never half of it. */
export function replaceFile(path: string, text: string, mode = 0o644): void {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = openSync(temporary, 'wx', mode);
    try {
      // The mode is meant as it is: an issuer and a peer may be different users.
      fchmodSync(file, mode);
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
