import { readFileSync } from 'node:fs';
import { CliError, exitCode } from '../exit-codes.ts';
import { tokenPath } from './mesh-tokens.ts';
import { checkToken, type Role, sufficing } from './token.ts';

export interface TokenOptions {
  /** A file that holds the token; `-`: standard input. */
  readonly token?: string;
  /** Where a local mesh keeps its tokens. */
  readonly data: string;
}

export interface TokenSearch {
  /** The least role that suffices for the command. */
  readonly role: Role;
  readonly addresses: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For tests. `0` is standard input. */
  readonly readFile?: (path: string | 0) => string;
}

/**
 * The token to call with: that of `--token`, else of STARLING_TOKEN, else of the local mesh, the least that suffices. The
 * last only when every address is of this machine: a command that is given a wrong address must not hand out a secret that
 * nobody asked it to use. Undefined when there is none.
 */
export function findToken(options: TokenOptions, search: TokenSearch): string | undefined {
  const read = search.readFile ?? ((path) => readFileSync(path, 'utf8'));
  if (options.token !== undefined) {
    const from = options.token === '-' ? 'standard input' : options.token;
    try {
      return checkToken(read(options.token === '-' ? 0 : options.token), `--token: ${from}`);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(`--token ${options.token}: ${reasonOf(error)}`, exitCode.usage);
    }
  }
  const given = search.env.STARLING_TOKEN ?? '';
  if (given !== '') return checkToken(given, 'STARLING_TOKEN');
  if (!search.addresses.every(isLoopback)) return undefined;
  for (const role of sufficing[search.role]) {
    const path = tokenPath(options.data, role);
    try {
      return checkToken(read(path), path);
    } catch (error) {
      if (error instanceof CliError) throw error;
      // Not there: a higher one may be. Any other trouble is worth a word.
      if (codeOf(error) !== 'ENOENT') throw new CliError(`${path}: ${reasonOf(error)}`, exitCode.environment);
    }
  }
  return undefined;
}

/** Whether an address is of this machine. */
export function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonOf(error: unknown): string {
  return codeOf(error) === 'ENOENT' ? 'no such file' : error instanceof Error ? error.message : String(error);
}
