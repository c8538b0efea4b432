import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from './authority.ts';
import { IdentityError } from './key-file.ts';
import { readSmallFile, replaceFile } from './small-file.ts';

/** Where an authority's key and certificate lie; `trusted.crt` holds others that peers shall trust beside it, if there are any. */
const fileOf = (dir: string) => ({
  key: join(dir, 'ca.key'),
  certificate: join(dir, 'ca.crt'),
  trusted: join(dir, 'trusted.crt'),
});

/** Reads an authority; null when the directory holds none. Throws an IdentityError when it holds half of one, or another mesh's. */
export function readAuthority(dir: string, mesh: string): Authority | null {
  const files = fileOf(dir);
  try {
    const key = readSmallFile(files.key);
    const certificate = readSmallFile(files.certificate);
    if (key === null && certificate === null) return null;
    if (key === null || certificate === null) {
      throw new IdentityError(`${dir} has only one of ca.key and ca.crt: both are needed, or neither`);
    }
    return Authority.of(mesh, certificate, key, readSmallFile(files.trusted) ?? '');
  } catch (error) {
    if (error instanceof IdentityError) throw new IdentityError(`${dir}: ${error.message}`, { cause: error });
    throw new IdentityError(`cannot read the authority in ${dir}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Reads the authority of a directory, or makes one there: the key readable by its owner only. Two that start at once make
 * one: who makes the lock directory writes, the other is told to come again.
 */
export async function initAuthority(
  dir: string,
  mesh: string,
): Promise<{ readonly authority: Authority; readonly isNew: boolean }> {
  const kept = readAuthority(dir, mesh);
  if (kept !== null) return { authority: kept, isNew: false };
  const made = await Authority.create(mesh);
  const files = fileOf(dir);
  const lock = join(dir, '.lock');
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    mkdirSync(lock);
  } catch (error) {
    throw new IdentityError(`cannot make an authority in ${dir}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const other = readAuthority(dir, mesh);
    if (other !== null) return { authority: other, isNew: false };
    replaceFile(files.key, made.key, 0o600);
    replaceFile(files.certificate, made.certificate);
    return { authority: made, isNew: true };
  } catch (error) {
    if (error instanceof IdentityError) throw error;
    throw new IdentityError(`cannot keep the authority in ${dir}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmdirSync(lock);
  }
}
