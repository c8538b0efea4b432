import { assert, type Millis, type PeerInfo, type Rng } from '@starling/kernel';
import type { Clock, TimerHandle } from './clock.ts';
import { ContactError } from './contact-error.ts';

/** A place where addresses of peers may be found: a hint, never an authority. */
export interface Discovery {
  /** For logs and metrics: `static`, `dns`, `file`, `cache`. */
  readonly name: string;
  /** `host:port` of peers' link ports. A rejection counts as nothing found, and is asked again later. */
  find(): Promise<readonly string[]>;
}

export interface DiscoveryLoopConfig {
  /** Between two rounds, while the peer lives. Default: the order of a DNS record's TTL (guess). */
  readonly intervalMs: Millis;
  /** Two rounds that were asked for are at least this far apart. Default: guess. */
  readonly intervalMinMs: Millis;
  /** A source that has not answered by then has found nothing. Default: twice the usual DNS timeout of 5 s. */
  readonly findTimeoutMs: Millis;
  /** Addresses dialled at the same time. Default: guess. */
  readonly dialsMax: number;
  /** Addresses dialled in one round while the peer has no link. Default: guess. */
  readonly addressesAloneMax: number;
  /** … and while it has: enough to find another island, too little to matter in a large mesh. Default: guess. */
  readonly addressesMax: number;
  /** Own addresses remembered, so that they are not dialled again. Default: guess. */
  readonly ownAddressesMax: number;
}

export const defaultDiscoveryLoopConfig: DiscoveryLoopConfig = {
  intervalMs: 30_000,
  intervalMinMs: 500,
  findTimeoutMs: 10_000,
  dialsMax: 4,
  addressesAloneMax: 16,
  addressesMax: 2,
  ownAddressesMax: 16,
};

/** What the loop needs of its host. */
export interface DiscoveryLoopPort {
  readonly clock: Clock;
  readonly rng: Rng;
  /** Who this peer is now: its id and address are never dialled. */
  self(): PeerInfo;
  /** The peers that a link is up with. */
  links(): Iterable<PeerInfo>;
  /** Dials an address; rejects when nobody answers. */
  contact(address: string): Promise<PeerInfo>;
  /** Peers that answered. */
  found(peers: readonly PeerInfo[]): void;
}

/** Counters of the discovery loop since it started. */
export interface DiscoveryStats {
  rounds: number;
  /** Sources that failed or were too slow. */
  findsFailed: number;
  addressesFound: number;
  dialsFailed: number;
  peersFound: number;
}

/**
 * Looks for peers: at the start, whenever `wake` is called, and every `intervalMs` for ever, because the world may have
 * been late, or split. One round at a time: every source is asked, a few of the addresses found are dialled.
 */
export class DiscoveryLoop {
  readonly stats: DiscoveryStats = { rounds: 0, findsFailed: 0, addressesFound: 0, dialsFailed: 0, peersFound: 0 };
  readonly #config: DiscoveryLoopConfig;
  readonly #sources: readonly Discovery[];
  readonly #port: DiscoveryLoopPort;
  readonly #ownAddresses = new Set<string>();
  #timer: TimerHandle;
  #dueAt: Millis = Number.POSITIVE_INFINITY;
  #startedAt: Millis = Number.NEGATIVE_INFINITY;
  #running = false;
  #stopped = true;

  constructor(config: DiscoveryLoopConfig, sources: readonly Discovery[], port: DiscoveryLoopPort) {
    assert(config.intervalMinMs <= config.intervalMs, 'intervalMinMs <= intervalMs');
    this.#config = config;
    this.#sources = sources;
    this.#port = port;
  }

  start(): void {
    this.#stopped = false;
    this.wake();
  }

  /** Begins a round now, or as soon as `intervalMinMs` allows. */
  wake(): void {
    this.#schedule(Math.max(this.#port.clock.now(), this.#startedAt + this.#config.intervalMinMs));
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  #schedule(at: Millis): void {
    if (this.#stopped || at >= this.#dueAt) return;
    this.#disarm();
    this.#dueAt = at;
    // While a round runs, its end arms the timer for what was asked meanwhile.
    if (!this.#running) this.#arm();
  }

  #arm(): void {
    const { clock } = this.#port;
    this.#timer = clock.setTimer(Math.max(0, this.#dueAt - clock.now()), () => {
      this.#timer = undefined;
      this.#dueAt = Number.POSITIVE_INFINITY;
      void this.#round();
    });
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#port.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  async #round(): Promise<void> {
    this.#running = true;
    this.#startedAt = this.#port.clock.now();
    this.stats.rounds++;
    const answers = await Promise.all(this.#sources.map((source) => this.#ask(source)));
    if (!this.#stopped) await this.#dialSome(new Set(answers.flat()));
    this.#running = false;
    if (this.#stopped) return;
    // Jitter keeps the peers of a mesh that started together from asking together for ever.
    const next = this.#startedAt + this.#config.intervalMs * (0.75 + this.#port.rng.float() / 2);
    this.#dueAt = Math.min(this.#dueAt, next);
    this.#arm();
  }

  /** What one source finds in time. Never rejects. */
  #ask(source: Discovery): Promise<readonly string[]> {
    const { clock } = this.#port;
    return new Promise((resolve) => {
      const nothing = (): void => {
        this.stats.findsFailed++;
        resolve([]);
      };
      const timer = clock.setTimer(this.#config.findTimeoutMs, nothing);
      const settle = (then: () => void): void => {
        clock.clearTimer(timer);
        then();
      };
      source.find().then(
        (addresses) => settle(() => resolve(addresses)),
        () => settle(nothing),
      );
    });
  }

  async #dialSome(found: ReadonlySet<string>): Promise<void> {
    this.stats.addressesFound += found.size;
    const known = new Set([this.#port.self().address, ...this.#ownAddresses]);
    let linked = 0;
    for (const peer of this.#port.links()) {
      known.add(peer.address);
      linked++;
    }
    const budget = linked === 0 ? this.#config.addressesAloneMax : this.#config.addressesMax;
    const queue = this.#port.rng.sample(
      [...found].filter((address) => !known.has(address)),
      budget,
    );
    const worker = async (): Promise<void> => {
      for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
        if (this.#stopped) return;
        await this.#dial(address);
      }
    };
    await Promise.all(Array.from({ length: this.#config.dialsMax }, worker));
  }

  async #dial(address: string): Promise<void> {
    let peer: PeerInfo;
    try {
      peer = await this.#port.contact(address);
    } catch (error) {
      this.stats.dialsFailed++;
      if (isSelfDial(error) && this.#ownAddresses.size < this.#config.ownAddressesMax) this.#ownAddresses.add(address);
      return;
    }
    this.stats.peersFound++;
    this.#port.found([peer]);
  }
}

/** Whether a transport's rejection means that the address is the peer's own. */
function isSelfDial(error: unknown): boolean {
  return error instanceof ContactError && error.reason === 'self';
}
