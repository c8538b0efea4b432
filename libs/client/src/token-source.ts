import { Metadata } from '@grpc/grpc-js';
import { StarlingError } from './errors.ts';
import { timeoutMsMax } from './timeouts.ts';

/** A token, or where a fresh one comes from: called for the first call, and again when a peer refuses what it gave. */
export type Token = string | (() => Promise<string>);

/** What a token may be made of (RFC 6750 §2.1). Anything else could not be sent, or would be another header. */
const tokenRule = /^[A-Za-z0-9._~+/-]+=*$/;

/** Holds the token that calls carry. Nothing here puts it into an error or a log. */
export class TokenSource {
  readonly #fetch: (() => Promise<string>) | null;
  #metadata: Metadata | null;
  #fetching: Promise<void> | null = null;
  #generation = 0;

  /** Throws INVALID_REQUEST for a text that can be no token. */
  constructor(token: Token | undefined) {
    this.#fetch = typeof token === 'function' ? token : null;
    this.#metadata = typeof token === 'function' ? null : toMetadata(token);
  }

  /** Of the next call. Each call gets its own copy. */
  metadata(): Metadata {
    return this.#metadata?.clone() ?? new Metadata();
  }

  /** Resolves when there is a token to send. Rejects when none can be had until `deadline` (ms since 1970). */
  async ready(deadline: number): Promise<void> {
    if (this.#metadata !== null || this.#fetch === null) return;
    this.#fetching ??= this.#renew(this.#fetch).finally(() => {
      this.#fetching = null;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new StarlingError('no token came in time', { reason: 'TOKEN_MISSING' });
      timer = setTimeout(() => reject(error), Math.max(0, Math.min(timeoutMsMax, deadline - Date.now())));
    });
    await Promise.race([this.#fetching, late]).finally(() => clearTimeout(timer));
  }

  /** Counts the tokens that were fetched: names the one that a call carries. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * A peer refused the token of this generation: the next call carries another. Of calls that were refused together only
   * the first costs a token. False when there is no other.
   */
  forget(generation: number): boolean {
    if (this.#fetch === null) return false;
    if (generation === this.#generation) this.#metadata = null;
    return true;
  }

  async #renew(fetch: () => Promise<string>): Promise<void> {
    let token: string;
    try {
      token = await fetch();
    } catch (error) {
      throw new StarlingError('the token could not be had', { reason: 'TOKEN_MISSING', cause: error });
    }
    this.#metadata = toMetadata(token);
    this.#generation++;
  }
}

function toMetadata(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token === undefined) return metadata;
  const trimmed = token.trim();
  if (!tokenRule.test(trimmed)) {
    throw new StarlingError('the token has characters that no token has, or none at all', {
      reason: 'INVALID_REQUEST',
    });
  }
  metadata.set('authorization', `Bearer ${trimmed}`);
  return metadata;
}
