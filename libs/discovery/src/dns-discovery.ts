import type { LookupAddress, SrvRecord } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Discovery } from '@starling/host';
import { codeOf, type OnTrouble, Trouble } from './trouble.ts';

/** The questions that are asked; `node:dns` answers them. */
export interface DnsResolver {
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
  resolveSrv(name: string): Promise<readonly Pick<SrvRecord, 'name' | 'port'>[]>;
  /** What the system makes of the name: the hosts file too. */
  lookup(name: string): Promise<readonly LookupAddress[]>;
}

/** Addresses taken from one answer: a headless service of a large mesh lists thousands, and a few are enough. */
const addressesMax = 256;

/**
 * A name that is unknown for so long is told: while pods start a headless Service lists none for a moment, and resolvers keep
 * that answer for some seconds; but then whoever asks is in it itself. Default: guess.
 */
const unknownMs = 10_000;

/** Asks the servers of resolv.conf, each question for at most 4 s. */
export function systemResolver(): DnsResolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  return {
    resolve4: (name) => resolver.resolve4(name),
    resolve6: (name) => resolver.resolve6(name),
    resolveSrv: (name) => resolver.resolveSrv(name),
    lookup: (name) => lookup(name, { all: true }),
  };
}

/**
 * Peers by a DNS name: `_links._tcp.example.svc` is asked for SRV records, `example.svc:7400` for addresses. The records
 * of a headless service are meant. No answer is an answer: nobody is there yet, and the next round asks again. A name that
 * stays unknown is told all the same: it may be a wrong one, and a peer that finds nobody is a mesh of its own.
 */
export class DnsDiscovery implements Discovery {
  readonly name = 'dns';
  readonly trouble: Trouble;
  readonly #query: string;
  readonly #resolver: DnsResolver;
  readonly #now: () => number;
  #unknownSince = Number.POSITIVE_INFINITY;

  /** Throws when `query` is neither a name with a port nor an SRV name. */
  constructor(
    query: string,
    onTrouble: OnTrouble,
    resolver: DnsResolver = systemResolver(),
    now = (): number => performance.now(),
  ) {
    if (!query.startsWith('_') && !/^[^:\s]+:[0-9]{1,5}$/.test(query)) {
      throw new Error(`"${query}" is neither name:port nor an SRV name such as _links._tcp.starling.svc`);
    }
    this.#query = query;
    this.#resolver = resolver;
    this.#now = now;
    this.trouble = new Trouble(`dns ${query}`, onTrouble);
  }

  /** Rejects when the servers fail; resolves with nothing when they know no such name. */
  async find(): Promise<readonly string[]> {
    try {
      const found = this.#query.startsWith('_') ? await this.#services() : await this.#hosts();
      if (found.length > 0) {
        this.#unknownSince = Number.POSITIVE_INFINITY;
        this.trouble.worked();
      } else {
        this.#unknownSince = Math.min(this.#unknownSince, this.#now());
        if (this.#now() - this.#unknownSince >= unknownMs) this.trouble.failed('the name is unknown: is it right?');
      }
      return found.slice(0, addressesMax);
    } catch (error) {
      this.trouble.failed(error);
      throw error;
    }
  }

  async #services(): Promise<string[]> {
    const records = await unlessUnknown(this.#resolver.resolveSrv(this.#query));
    return records.map(({ name, port }) => `${name}:${port}`);
  }

  async #hosts(): Promise<string[]> {
    const colon = this.#query.lastIndexOf(':');
    const name = this.#query.slice(0, colon);
    const port = this.#query.slice(colon + 1);
    const answers = await Promise.all([
      unlessUnknown(this.#resolver.resolve4(name)),
      unlessUnknown(this.#resolver.resolve6(name)),
    ]);
    let addresses = answers.flat();
    // Names of the hosts file are not the servers' business: laptops and containers.
    if (addresses.length === 0) {
      addresses = (await unlessUnknown(this.#resolver.lookup(name))).map(({ address }) => address);
    }
    return addresses.map((address) => (isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`));
  }
}

/** Nothing, when the name or the kind of record does not exist. */
async function unlessUnknown<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (['ENOTFOUND', 'ENODATA', 'EAI_NODATA', 'EAI_NONAME'].includes(codeOf(error))) return [];
    throw error;
  }
}
