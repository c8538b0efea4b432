import { StarlingError } from '@starling/client';
import type { Millis } from '@starling/kernel';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

export interface KeySetConfig {
  /** Keys older than this are asked for again, while they are used. Ten minutes: what jose has. */
  readonly freshMs: Millis;
  /** … and than this are used no more: an issuer that cannot be reached for so long cannot take a key back. (guess) */
  readonly staleMaxMs: Millis;
  /** A token of an unknown key has the keys asked for again, but no more often: anybody can make such tokens. */
  readonly cooldownMs: Millis;
  /** One attempt. */
  readonly timeoutMs: Millis;
  readonly bytesMax: number;
  readonly keysMax: number;
}

export const defaultKeySetConfig: KeySetConfig = {
  freshMs: 600_000,
  staleMaxMs: 3_600_000,
  cooldownMs: 10_000,
  timeoutMs: 5_000,
  bytesMax: 256 * 1024,
  keysMax: 100,
};

/** Where the text of a JSON Web Key Set comes from; `signal` ends the attempt, `bytesMax` its length. */
export type LoadKeys = (signal: AbortSignal, bytesMax: number) => Promise<string>;

/**
 * An issuer's public keys (RFC 7517): fetched when they are first needed, kept, and exchanged in the background. One
 * request is under way at a time, whoever waits for it.
 */
export class KeySet {
  readonly #config: KeySetConfig;
  readonly #load: LoadKeys;
  readonly #now: () => Millis;
  readonly #failed: (error: unknown) => void;
  #find: JWTVerifyGetKey | null = null;
  #loadedAt: Millis = Number.NEGATIVE_INFINITY;
  #triedAt: Millis = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | null = null;

  constructor(
    load: LoadKeys,
    failed: (error: unknown) => void,
    config: KeySetConfig = defaultKeySetConfig,
    now: () => Millis = () => performance.now(),
  ) {
    this.#load = load;
    this.#failed = failed;
    this.#config = config;
    this.#now = now;
  }

  /** The key that a token names. Rejects with ISSUER_UNREACHABLE when no keys can be had, else with jose's error. */
  readonly key: JWTVerifyGetKey = async (header, token) => {
    const age = this.#now() - this.#loadedAt;
    if (this.#find === null || age > this.#config.staleMaxMs) await this.#refresh();
    // The keys that are there do for now.
    else if (age > this.#config.freshMs && this.#mayTry()) this.#refresh().catch(() => undefined);
    try {
      return await this.#found(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayTry()) throw error;
      await this.#refresh();
      return this.#found(header, token);
    }
  };

  #found(...asked: Parameters<JWTVerifyGetKey>): ReturnType<JWTVerifyGetKey> {
    if (this.#find === null) throw unreachable();
    return this.#find(...asked);
  }

  #mayTry(): boolean {
    return this.#now() - this.#triedAt >= this.#config.cooldownMs;
  }

  async #refresh(): Promise<void> {
    if (this.#loading === null && !this.#mayTry()) throw unreachable();
    this.#loading ??= this.#reload().finally(() => {
      this.#loading = null;
    });
    await this.#loading;
  }

  async #reload(): Promise<void> {
    this.#triedAt = this.#now();
    const { timeoutMs, bytesMax, keysMax } = this.#config;
    try {
      const text = await this.#load(AbortSignal.timeout(timeoutMs), bytesMax);
      if (text.length > bytesMax) throw new Error(`the key set has more than ${bytesMax} bytes`);
      const keys = JSON.parse(text) as JSONWebKeySet;
      const find = createLocalJWKSet(keys);
      if (keys.keys.length > keysMax) throw new Error(`the key set has more than ${keysMax} keys`);
      this.#find = find;
      this.#loadedAt = this.#now();
    } catch (error) {
      this.#failed(error);
      throw unreachable(error);
    }
  }
}

function unreachable(cause?: unknown): StarlingError {
  return new StarlingError("the keys of the tokens' issuer cannot be had", { reason: 'ISSUER_UNREACHABLE', cause });
}

/** By HTTP. What is too long is not read to its end, and a redirection is not followed: it could lead to plain HTTP. */
export function keysFromUrl(url: string): LoadKeys {
  return async (signal, bytesMax) => {
    const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`the issuer answers ${response.status}`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw new Error(`the key set has more than ${bytesMax} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  };
}
