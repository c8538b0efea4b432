import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorKey } from '@starling/identity';
import { operatorKeyFile, operatorPublicFile } from './find-operator-key.ts';

/** Makes the operator's key of a local mesh where it is missing, and writes its public half for the peers. Throws an IdentityError. */
export function ensureOperatorKey(data: string): void {
  const path = join(data, operatorKeyFile);
  OperatorKey.create().write(path);
  writeFileSync(join(data, operatorPublicFile), OperatorKey.read(path).publicPem);
}
