import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdentityError } from './key-file.ts';
import { readSmallFile } from './small-file.ts';

/** Tokens of one authority at a time, used ones that have not expired among them. 256: a guess, a rack of machines. */
export const joinTokensMax = 256;

const tokenPattern = /^starling_join_([A-Za-z0-9_-]{43})\.([a-z2-7]{52})$/;

/** What is in a token: a secret that is good for one certificate, and the name of the authority's key, so that a joiner knows to whom it says it. */
export interface JoinToken {
  readonly secret: string;
  /** base32 of the SHA-256 of the authority's SubjectPublicKeyInfo. */
  readonly authority: string;
}

export function parseJoinToken(text: string): JoinToken | null {
  const [, secret, authority] = tokenPattern.exec(text.trim()) ?? [];
  return secret === undefined || authority === undefined ? null : { secret, authority };
}

export type Redemption = 'redeemed' | 'unknown' | 'used' | 'expired';

/**
 * The tokens that an authority has given out, beside its key: a file for each, named by the hash of its secret, which nobody
 * keeps. Using one renames its file, which one process alone can do, so a token is good once whoever asks at the same time.
 */
export class JoinTokens {
  readonly #dir: string;

  /** `dir`: the authority's. */
  constructor(dir: string) {
    this.#dir = join(dir, 'join');
  }

  /** Makes a token. Throws an IdentityError when there are too many, or the directory cannot be written. */
  add(authority: string, forMs: number, now = Date.now()): string {
    const secret = randomBytes(32).toString('base64url');
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      this.#forgetExpired(now);
      if (readdirSync(this.#dir).length >= joinTokensMax) {
        throw new IdentityError(
          `${joinTokensMax} join tokens are there that have not expired: wait, or delete some in ${this.#dir}`,
        );
      }
      writeFileSync(this.#path(secret, 'open'), `${Math.round(now + forMs)}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if (error instanceof IdentityError) throw error;
      throw new IdentityError(`cannot keep a join token in ${this.#dir}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return `starling_join_${secret}.${authority}`;
  }

  /** What would become of a token, without using it. */
  look(secret: string, now = Date.now()): Redemption {
    for (const state of ['open', 'used'] as const) {
      const text = readSmallFile(this.#path(secret, state));
      if (text === null) continue;
      if (state === 'used') return 'used';
      return Number(text) > now ? 'redeemed' : 'expired';
    }
    return 'unknown';
  }

  /** Uses a token up. */
  redeem(secret: string, now = Date.now()): Redemption {
    const found = this.look(secret, now);
    if (found !== 'redeemed') return found;
    try {
      renameSync(this.#path(secret, 'open'), this.#path(secret, 'used'));
      return 'redeemed';
    } catch (error) {
      // Somebody else was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'used';
      throw error;
    }
  }

  /** A used one is remembered as long as it would have been good, to say so. */
  #forgetExpired(now: number): void {
    for (const name of readdirSync(this.#dir)) {
      const path = join(this.#dir, name);
      const { size, mtimeMs } = statSync(path);
      const until = size < 64 ? Number(readFileSync(path, 'utf8')) : 0;
      // What is no token is left for a day, in case it is being written.
      if (until <= now && (until > 0 || mtimeMs < now - 86_400_000)) rmSync(path, { force: true });
    }
  }

  #path(secret: string, state: 'open' | 'used'): string {
    return join(this.#dir, `${createHash('sha256').update(secret).digest('hex')}.${state}`);
  }
}
