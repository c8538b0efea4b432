import { hash, randomBytes } from 'node:crypto';
import { isRole, type Role, roles } from './roles.ts';

/** One static token, known by its hash alone. */
export interface TokenEntry {
  readonly role: Role;
  readonly name: string;
  /** SHA-256 of the token, in hexadecimal. */
  readonly sha256: string;
  /** In ms since 1970; infinite when the line names no end. */
  readonly expiresAt: number;
}

export type TokenListResult =
  | { readonly ok: true; readonly entries: readonly TokenEntry[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Tokens in one file at the most; each is looked up in the same time. */
export const tokensMax = 1_024;

const nameRule = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,63}$/;

/**
 * Reads lines `<role> <name> sha256:<64 hex digits> [expires:<time>]`; empty lines and those that begin with # say nothing.
 * Every problem is told with its line, and none of them repeats a hash.
 */
export function parseTokenList(text: string): TokenListResult {
  const problems: string[] = [];
  const entries: TokenEntry[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    const [role = '', name = '', hash = '', end, ...rest] = words;
    if (role === '' || role.startsWith('#')) continue;
    const problem = problemOf(role, name, hash, end, rest);
    const sha256 = hash.slice('sha256:'.length).toLowerCase();
    const before = lineOf.get(sha256);
    if (problem !== null) problems.push(`line ${index + 1}: ${problem}`);
    else if (before !== undefined) problems.push(`line ${index + 1}: the same token as in line ${before}`);
    else if (isRole(role)) {
      lineOf.set(sha256, index + 1);
      entries.push({ role, name, sha256, expiresAt: end === undefined ? Number.POSITIVE_INFINITY : timeOf(end) });
    }
  }
  if (entries.length > tokensMax) problems.push(`${entries.length} tokens: at most ${tokensMax} are read`);
  return problems.length === 0 ? { ok: true, entries } : { ok: false, problems };
}

function problemOf(
  role: string,
  name: string,
  hash: string,
  end: string | undefined,
  rest: readonly string[],
): string | null {
  if (!isRole(role)) return `the role must be ${roles.join(', ')}; it is ${shown(role)}`;
  if (!nameRule.test(name)) return `the name must be 1 to 64 letters, digits, ".", "_", "@", "/" or "-"`;
  if (!/^sha256:[0-9a-fA-F]{64}$/.test(hash)) {
    return 'the third word must be sha256: and 64 hexadecimal digits, as `starling token new` prints it';
  }
  if (end !== undefined && Number.isNaN(timeOf(end))) {
    return 'the fourth word, if any, must be expires: and a time such as 2027-01-31T00:00:00Z';
  }
  return rest.length > 0 ? `there are ${rest.length} words too many` : null;
}

function timeOf(word: string): number {
  const [, time] = /^expires:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/.exec(word) ?? [];
  return time === undefined ? Number.NaN : Date.parse(time);
}

/** What stands where a role should may be a token that somebody pasted: never all of it. */
function shown(word: string): string {
  return word.length > 12 ? 'something else' : JSON.stringify(word);
}

/**
 * Finds tokens. What is looked up is the token's hash, hashed once more with a key that only this process knows, so the time
 * that a look-up takes tells nothing about the hashes that are there: a comparison in constant time, whatever their number.
 * (Of one fixed length, so a hash over key and message is as good as an HMAC, at a third of its cost.)
 */
export class TokenList {
  readonly #key = randomBytes(32).toString('hex');
  readonly #entries: ReadonlyMap<string, TokenEntry>;

  constructor(entries: readonly TokenEntry[]) {
    this.#entries = new Map(entries.map((entry) => [this.#hidden(entry.sha256), entry]));
  }

  get size(): number {
    return this.#entries.size;
  }

  find(token: string): TokenEntry | null {
    return this.#entries.get(this.#hidden(hash('sha256', token))) ?? null;
  }

  /** Whether an entry, of this list or of one before it, is in this list with the same rights. */
  holds(entry: TokenEntry): boolean {
    const own = this.#entries.get(this.#hidden(entry.sha256));
    return own?.role === entry.role && own.expiresAt === entry.expiresAt;
  }

  /** `sha256` in lower-case hexadecimal. */
  #hidden(sha256: string): string {
    return hash('sha256', this.#key + sha256);
  }
}
