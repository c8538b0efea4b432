import { readFile } from 'node:fs/promises';
import { Metadata } from '@grpc/grpc-js';

/** RFC 6750 §2.1; longer ones no peer reads. */
const bearer = /^Bearer [A-Za-z0-9._~+/-]{1,8192}=*$/;

/**
 * What this server's own calls carry: the viewer's token of the file, read anew each time, so that a new one needs no
 * restart. Nothing when there is no file; the mesh then says what is missing.
 */
export async function ownMetadata(tokenFile: string): Promise<Metadata> {
  const metadata = new Metadata();
  if (tokenFile === '') return metadata;
  try {
    const authorization = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    if (bearer.test(authorization)) metadata.set('authorization', authorization);
  } catch {
    // A Secret that is not mounted yet: the next call looks again.
  }
  return metadata;
}

/**
 * What a call on behalf of the person at the browser carries: the token that came with the request, never this server's
 * own. It is handed on, and kept nowhere.
 */
export function metadataOf(request: Request): Metadata {
  const metadata = new Metadata();
  const authorization = request.headers.get('authorization') ?? '';
  if (bearer.test(authorization)) metadata.set('authorization', authorization);
  return metadata;
}
