import type { LookupRecord } from '@starling/core-kademlia';
import { type Identity, signRecord } from '@starling/identity';
import type { Logger } from 'pino';
import type { Lookups } from './lookups.ts';

/** An offer of the configuration stands for so long, and is made anew when half of that is over. 1 h: a guess; who vanishes is in nobody's answers for longer. */
const offerMs = 3_600_000;
/** Between two tries while the mesh does not take it. */
const retryMs = 10_000;

export type SigningIdentity = Pick<Identity, 'id' | 'privateKey' | 'publicKey'>;

/** The record by which a peer says that it offers something. */
export function offerRecord(identity: SigningIdentity, name: string, now: number, forMs: number): LookupRecord {
  return signRecord(identity, {
    kind: 'provider',
    key: Uint8Array.from(Buffer.from(name)),
    value: new Uint8Array(),
    version: Math.floor(now),
    expiresAt: Math.floor(now + forMs),
  });
}

/** Keeps what the configuration says that this peer offers in the mesh. */
export class Offers {
  readonly #names: readonly string[];
  readonly #put: (name: string, forMs: number) => ReturnType<Lookups['put']>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(names: readonly string[], put: (name: string, forMs: number) => ReturnType<Lookups['put']>, log: Logger) {
    this.#names = names;
    this.#put = put;
    this.#log = log;
  }

  start(): void {
    if (this.#names.length > 0) void this.#offer();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #offer(): Promise<void> {
    let areStored = true;
    for (const name of this.#names) {
      try {
        const { outcome } = await this.#put(name, offerMs);
        if (outcome === 'stored') continue;
        this.#log.warn({ offer: name, outcome }, 'an offer was not stored; it is tried again');
      } catch (error) {
        this.#log.warn({ offer: name, err: error }, 'an offer was not stored; it is tried again');
      }
      areStored = false;
    }
    this.#timer = setTimeout(() => void this.#offer(), areStored ? offerMs / 2 : retryMs);
    this.#timer.unref();
  }
}
