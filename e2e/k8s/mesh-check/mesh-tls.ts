import { readFileSync } from 'node:fs';
import type { TlsOptions } from '@starling/client';

/** How this program knows the mesh: by the authorities in STARLING_CA_FILE; without it the mesh does not encrypt. */
export function meshTls(): TlsOptions | 'off' {
  const file = process.env.STARLING_CA_FILE ?? '';
  return file === '' ? 'off' : { ca: readFileSync(file, 'utf8') };
}
