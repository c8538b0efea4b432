import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from '@starling/client';
import { CliError, exitCode } from './exit-codes.ts';

/** Who may say who is a peer of the mesh: options of every command that talks to one. */
export interface AuthorityOptions {
  /** A file, or `system`. */
  readonly ca?: string;
  readonly insecure?: boolean;
  /** Where a local mesh keeps its authority's certificate. */
  readonly data: string;
}

/** The data directory of a local mesh, and the certificate of its authority in it. */
export const defaultData = '.starling';
export const authorityFile = 'ca.pem';

/**
 * How to know the mesh: `--insecure`, `--ca FILE`, or what a local mesh left in its data directory. Throws a usage error when
 * there is none of it: nothing is sent in clear because a file is missing.
 */
export function tlsOf({ ca, insecure, data }: AuthorityOptions): TlsOptions | 'off' {
  if (insecure === true) return 'off';
  if (ca === 'system') return {};
  const local = join(data, authorityFile);
  if (ca === undefined && !existsSync(local)) {
    throw new CliError(
      `the authority of the mesh is not known: there is no ${local} of a local mesh; give --ca FILE, --ca system, or --insecure`,
      exitCode.usage,
    );
  }
  const file = ca ?? local;
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new CliError(`--ca ${file}: ${(error as Error).message}`, exitCode.usage);
  }
}
