import { type ChannelCredentials, Client } from '@grpc/grpc-js';
import { StarlingError } from './errors.ts';

export interface PeerPoolOptions {
  /** Addresses given by the user: always kept, and tried first. */
  readonly seeds: readonly string[];
  readonly credentials: ChannelCredentials;
  /** How long one peer may take to answer the dial, in ms. */
  readonly connectTimeoutMs: number;
}

/** A connection to one peer's API. */
export interface PeerConnection {
  readonly address: string;
  readonly client: Client;
}

/** Addresses learnt from the mesh; more are not needed to find a living one. */
const learntMax = 256;
/** A peer that failed is not tried again for so long while there are others. */
const restMs = 5_000;

const channelOptions = {
  // A vanished peer is noticed by ping within 15 s even when nothing is sent.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // The pool goes to another peer instead.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  // The peer bounds what it sends.
  'grpc.max_receive_message_length': -1,
} as const;

/** Keeps one connection to some living peer, and knows where to go when it dies. */
export class PeerPool {
  readonly #options: PeerPoolOptions;
  #learnt: readonly string[] = [];
  readonly #restingUntil = new Map<string, number>();
  #current: PeerConnection | null = null;
  #dialling: Promise<PeerConnection> | null = null;
  #isClosed = false;

  constructor(options: PeerPoolOptions) {
    this.#options = options;
  }

  /** The peer that calls go to now; null when there is none. */
  get address(): string | null {
    return this.#current?.address ?? null;
  }

  get addresses(): readonly string[] {
    return [...new Set([...this.#options.seeds, ...this.#learnt])];
  }

  /** API addresses of the mesh's peers, as one of them said. */
  learn(addresses: readonly string[]): void {
    this.#learnt = shuffled(addresses.filter((address) => address !== '')).slice(0, learntMax);
  }

  /** A connection to a living peer. Rejects with UNREACHABLE when none answers until `deadline` (ms since 1970). */
  acquire(deadline: number): Promise<PeerConnection> {
    if (this.#isClosed) return Promise.reject(new StarlingError('the client is closed', { reason: 'CANCELLED' }));
    if (this.#current !== null) return Promise.resolve(this.#current);
    this.#dialling ??= this.#dialAny(deadline).finally(() => {
      this.#dialling = null;
    });
    return this.#dialling;
  }

  /** This peer failed: the next call goes to another. Calls that still run on it are not broken off. */
  release(connection: PeerConnection): void {
    this.#restingUntil.set(connection.address, Date.now() + restMs);
    if (this.#current === connection) this.#current = null;
    connection.client.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#current?.client.close();
    this.#current = null;
  }

  async #dialAny(deadline: number): Promise<PeerConnection> {
    let lastError: unknown;
    for (;;) {
      for (const address of this.#candidates()) {
        if (this.#isClosed) throw new StarlingError('the client is closed', { reason: 'CANCELLED' });
        const left = deadline - Date.now();
        if (left <= 0) throw this.#unreachable(lastError);
        try {
          const client = await dial(address, this.#options.credentials, Math.min(left, this.#options.connectTimeoutMs));
          this.#restingUntil.delete(address);
          this.#current = { address, client };
          return this.#current;
        } catch (error) {
          lastError = error;
          this.#restingUntil.set(address, Date.now() + restMs);
        }
      }
      if (deadline - Date.now() <= 0) throw this.#unreachable(lastError);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(200, deadline - Date.now()))));
    }
  }

  /** Seeds in their order, then what was learnt; those that failed lately come last. */
  #candidates(): string[] {
    const now = Date.now();
    const isResting = (address: string): number => Number((this.#restingUntil.get(address) ?? 0) > now);
    return [...this.addresses].sort((a, b) => isResting(a) - isResting(b));
  }

  #unreachable(cause: unknown): StarlingError {
    const { addresses } = this;
    const more = addresses.length > 3 ? ` and ${addresses.length - 3} more` : '';
    return new StarlingError(`no peer answers at ${addresses.slice(0, 3).join(', ')}${more}`, {
      reason: 'UNREACHABLE',
      cause,
    });
  }
}

function dial(address: string, credentials: ChannelCredentials, timeoutMs: number): Promise<Client> {
  const client = new Client(address, credentials, channelOptions);
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) {
        resolve(client);
      } else {
        client.close();
        reject(error);
      }
    });
  });
}

function shuffled(items: string[]): string[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j] as string, items[i] as string];
  }
  return items;
}
