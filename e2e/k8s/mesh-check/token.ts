import { readFileSync } from 'node:fs';

/** The token in the file of STARLING_TOKEN_FILE, as the SDK takes it: read again when a peer refuses it. None: no token. */
export function token(): { token?: () => Promise<string> } {
  const path = process.env.STARLING_TOKEN_FILE ?? '';
  return path === '' ? {} : { token: async () => readFileSync(path, 'utf8') };
}
