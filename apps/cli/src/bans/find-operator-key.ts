import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IdentityError, OperatorKey } from '@starling/identity';
import { CliError, exitCode } from '../exit-codes.ts';
import { isLoopback } from '../tokens/find-token.ts';

/** An operator's key of a local mesh, and what its peers know it by. */
export const operatorKeyFile = 'operator.key';
export const operatorPublicFile = 'operator.pub';

export interface OperatorKeyOptions {
  readonly operatorKey?: string;
  readonly data: string;
  readonly address: string;
}

/** The key of `--operator-key`, else that of a local mesh, for addresses of this machine. Throws a CliError. */
export function findOperatorKey({ operatorKey, data, address }: OperatorKeyOptions): OperatorKey {
  const local = join(data, operatorKeyFile);
  if (
    operatorKey === undefined &&
    !(address.split(',').every((each) => isLoopback(each.trim())) && existsSync(local))
  ) {
    throw new CliError(
      'a ban of the mesh is signed with an operator’s key: give --operator-key FILE (starling operator-key init makes one), or ban at one peer with --here',
      exitCode.usage,
    );
  }
  try {
    return OperatorKey.read(operatorKey ?? local);
  } catch (error) {
    if (error instanceof IdentityError) throw new CliError(error.message, exitCode.environment);
    throw error;
  }
}
