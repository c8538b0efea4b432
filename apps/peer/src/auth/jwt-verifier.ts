import { createHash } from 'node:crypto';
import { StarlingError } from '@starling/client';
import type { Millis } from '@starling/kernel';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Caller } from './caller.ts';
import { highest, type Role } from './roles.ts';

/**
 * Signatures by a key pair alone. With a shared secret (HS256) whoever can check a token could make one, and a public key
 * could be passed off as the secret; "none" is no signature (RFC 8725 §2.1, §3.1).
 */
const algorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'];

export interface JwtVerifierConfig {
  readonly issuer: string;
  readonly audience: string;
  /** Name of the claim with the roles, or a path to it, as `realm_access.roles`. */
  readonly rolesClaim: string;
  /** What the claim says → what it means here. */
  readonly roles: ReadonlyMap<string, Role>;
}

export const jwtLimits = {
  /** Signatures that are checked, or wait for keys, at once; more calls are refused for a moment. */
  verificationsMax: 64,
  /** Tokens whose signature need not be checked again; the one used longest ago is forgotten. */
  verifiedMax: 4_096,
  /** For so long: a key that the issuer took back counts no longer than that for new calls. */
  verifiedMs: 60_000,
  /** What clocks may differ by. */
  clockSkewMs: 5_000,
} as const;

/** Takes the JSON Web Tokens of one issuer, for one audience. */
export class JwtVerifier {
  readonly #config: JwtVerifierConfig;
  readonly #key: JWTVerifyGetKey;
  /** By the token's hash; the one used longest ago is the first. */
  readonly #verified = new Map<string, { readonly caller: Caller; readonly until: Millis }>();
  #verifying = 0;

  constructor(config: JwtVerifierConfig, key: JWTVerifyGetKey) {
    this.#config = config;
    this.#key = key;
  }

  /** Whether a text has the form of a JWS in compact serialisation (RFC 7515 §3.1). */
  static isJwt(token: string): boolean {
    return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
  }

  /** The caller; at once when the token was checked a moment ago. `now` in ms since 1970. Rejects with a StarlingError. */
  verify(token: string, now: Millis): Caller | Promise<Caller> {
    const hash = createHash('sha256').update(token).digest('base64url');
    const known = this.#verified.get(hash);
    this.#verified.delete(hash);
    if (known !== undefined && now < known.until) {
      this.#verified.set(hash, known);
      return known.caller;
    }
    if (this.#verifying >= jwtLimits.verificationsMax) {
      throw new StarlingError('too many tokens are being checked', { reason: 'TOO_MANY_CALLS', retryAfterMs: 100 });
    }
    this.#verifying++;
    return this.#check(token, hash, now).finally(() => {
      this.#verifying--;
    });
  }

  async #check(token: string, hash: string, now: Millis): Promise<Caller> {
    const { issuer, audience } = this.#config;
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#key, {
        algorithms,
        issuer,
        audience,
        requiredClaims: ['exp'],
        clockTolerance: jwtLimits.clockSkewMs / 1_000,
        currentDate: new Date(now),
      }));
    } catch (error) {
      throw refusalOf(error);
    }
    const caller = this.#callerOf(payload);
    this.#verified.set(hash, { caller, until: now + jwtLimits.verifiedMs });
    if (this.#verified.size > jwtLimits.verifiedMax) {
      this.#verified.delete(this.#verified.keys().next().value as string);
    }
    return caller;
  }

  #callerOf(payload: JWTPayload): Caller {
    const { rolesClaim, roles } = this.#config;
    const said = wordsOf(claimOf(payload, rolesClaim));
    const role = highest(said.flatMap((word) => roles.get(word) ?? []));
    if (role === null) {
      throw new StarlingError(`the token's ${rolesClaim} has no role of this mesh`, {
        reason: 'ROLE_TOO_LOW',
        metadata: { role: '' },
      });
    }
    const expiresAt = (payload.exp ?? 0) * 1_000 + jwtLimits.clockSkewMs;
    const name = [payload.sub, payload.client_id, payload.azp].find((word) => typeof word === 'string' && word !== '');
    return { name: String(name ?? 'unnamed').slice(0, 256), role, isValid: (now) => now < expiresAt };
  }
}

/** What jose says, as the API says it. None of it repeats the token. */
function refusalOf(error: unknown): StarlingError {
  if (error instanceof StarlingError) return error;
  if (error instanceof errors.JWTExpired)
    return new StarlingError('the token has expired', { reason: 'TOKEN_EXPIRED' });
  const why =
    error instanceof errors.JWTClaimValidationFailed
      ? `its ${error.claim} is not the one that counts here`
      : error instanceof errors.JWKSNoMatchingKey
        ? 'its issuer has no such key'
        : 'its signature, or its form, is not one that counts here';
  return new StarlingError(`the token is not taken: ${why}`, { reason: 'TOKEN_UNKNOWN' });
}

/** The claim of this name, else what the path leads to: names may have dots in them, as URLs do. */
function claimOf(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** A list of texts, or one text of words (as `scope` is, RFC 8693 §4.2). */
function wordsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(/\s+/).slice(0, 1_000);
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string').slice(0, 1_000) : [];
}
