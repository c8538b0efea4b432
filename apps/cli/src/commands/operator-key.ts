import { writeFileSync } from 'node:fs';
import { IdentityError, OperatorKey } from '@starling/identity';
import { CliError, exitCode } from '../exit-codes.ts';

/** `operator-key init`: makes a key with which an operator bans peers in the whole mesh, unless there is one. */
export async function operatorKeyInit(options: { readonly out: string }): Promise<number> {
  const path = options.out;
  try {
    const isNew = OperatorKey.create().write(path);
    const key = OperatorKey.read(path);
    const publicPath = publicPathOf(path);
    writeFileSync(publicPath, `# Operator's key ${key.id}\n${key.publicPem}`);
    console.log(
      `${isNew ? 'made' : 'kept'} the operator's key ${key.id}: ${path} to be guarded, and kept from every peer; ${publicPath} for the peers (STARLING_OPERATOR_KEYS_FILE)`,
    );
    return exitCode.ok;
  } catch (error) {
    if (error instanceof IdentityError) throw new CliError(error.message, exitCode.environment);
    throw new CliError(`${path}: ${(error as Error).message}`, exitCode.environment);
  }
}

/** `operator.key` → `operator.pub`. */
export function publicPathOf(path: string): string {
  return `${path.replace(/\.key$/, '')}.pub`;
}
