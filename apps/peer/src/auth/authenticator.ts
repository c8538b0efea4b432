import type { Metadata } from '@grpc/grpc-js';
import { StarlingError } from '@starling/client';
import type { Caller } from './caller.ts';
import { JwtVerifier } from './jwt-verifier.ts';
import type { TokenFile } from './token-file.ts';

/** Characters of a token at the most: a JWT with many claims has 2 KiB. */
const tokenCharsMax = 8_192;

/** RFC 6750 §2.1. */
const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export interface TokenSources {
  /** Static tokens; null when none are configured. */
  readonly tokens: Pick<TokenFile, 'find'> | null;
  /** An issuer's tokens; null when none is configured. */
  readonly jwt: Pick<JwtVerifier, 'verify'> | null;
}

/** Says who calls, by the token that the call carries. */
export class Authenticator {
  readonly #sources: TokenSources;

  constructor(sources: TokenSources) {
    this.#sources = sources;
  }

  /** Throws or rejects with TOKEN_MISSING, TOKEN_UNKNOWN or TOKEN_EXPIRED. `now` in ms since 1970. */
  authenticate(metadata: Metadata, now: number): Caller | Promise<Caller> {
    const token = tokenOf(metadata);
    const { tokens, jwt } = this.#sources;
    const caller = tokens?.find(token) ?? null;
    if (caller === null && jwt !== null && JwtVerifier.isJwt(token)) {
      const verified = jwt.verify(token, now);
      return verified instanceof Promise ? verified : stillValid(verified, now);
    }
    if (caller === null) throw new StarlingError('the token is not known to this peer', { reason: 'TOKEN_UNKNOWN' });
    return stillValid(caller, now);
  }
}

function stillValid(caller: Caller, now: number): Caller {
  if (caller.isValid(now)) return caller;
  throw new StarlingError('the token has expired', { reason: 'TOKEN_EXPIRED' });
}

function tokenOf(metadata: Metadata): string {
  const values = metadata.get('authorization');
  if (values.length === 0) {
    throw new StarlingError('the call carries no token: send "authorization: Bearer <token>"', {
      reason: 'TOKEN_MISSING',
    });
  }
  const [value] = values;
  const token = values.length === 1 && typeof value === 'string' ? bearer.exec(value)?.[1] : undefined;
  if (token === undefined || token.length > tokenCharsMax) {
    throw new StarlingError('the authorization of the call is not one "Bearer <token>"', { reason: 'TOKEN_UNKNOWN' });
  }
  return token;
}
