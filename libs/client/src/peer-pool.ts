import { Client, connectivityState, type Metadata } from '@grpc/grpc-js';
import { StarlingError } from './errors.ts';
import type { Dialling, DiallingOf } from './tls.ts';

export interface PeerPoolOptions {
  /** Addresses given by the user: always kept, and tried first. */
  readonly seeds: readonly string[];
  readonly dialling: DiallingOf;
  /** How long one peer may take to answer the dial, in ms. */
  readonly connectTimeoutMs: number;
  /** What each call carries; a new one each time. */
  readonly metadata: () => Metadata;
}

/** A connection to one peer's API. */
export interface PeerConnection {
  readonly address: string;
  readonly client: Client;
  /** What a call over it carries. */
  readonly metadata: () => Metadata;
}

/** Addresses learnt from the mesh; more are not needed to find a living one. */
const learntMax = 256;
/** A peer that failed is not tried again for so long while there are others. */
const restMs = 5_000;
/** Peers dialled side by side, each a moment after the one before (RFC 8305 §5: 250 ms). */
const dialsAtOnce = 4;
const dialStaggerMs = 250;

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
    if (this.#current !== null) {
      if (isUsable(this.#current.client)) return Promise.resolve(this.#current);
      this.release(this.#current);
    }
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
      const candidates = this.#candidates();
      for (let at = 0; at < candidates.length; at += dialsAtOnce) {
        const left = deadline - Date.now();
        if (left <= 0) throw this.#unreachable(lastError);
        try {
          const timeoutMs = Math.min(left, this.#options.connectTimeoutMs);
          const connection = await this.#dialFirst(candidates.slice(at, at + dialsAtOnce), timeoutMs);
          if (this.#isClosed) connection.client.close();
          else this.#current = connection;
          break;
        } catch (error) {
          lastError = error;
        }
      }
      if (this.#isClosed) throw new StarlingError('the client is closed', { reason: 'CANCELLED' });
      if (this.#current !== null) return this.#current;
      if (deadline - Date.now() <= 0) throw this.#unreachable(lastError);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(200, deadline - Date.now()))));
    }
  }

  /**
   * Dials these, each a moment after the one before, and keeps whichever answers first: a dead host that swallows packets
   * must not cost its whole timeout. Rejects when none answers.
   */
  async #dialFirst(addresses: readonly string[], timeoutMs: number): Promise<PeerConnection> {
    let winner: PeerConnection | null = null;
    const dials = addresses.map(async (address, i) => {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, i * dialStaggerMs));
      if (winner !== null) throw new Error('another peer was faster');
      const client = await dial(address, this.#options.dialling(address), timeoutMs).catch((error: unknown) => {
        this.#restingUntil.set(address, Date.now() + restMs);
        throw error;
      });
      if (winner !== null) {
        client.close();
        throw new Error('another peer was faster');
      }
      this.#restingUntil.delete(address);
      winner = { address, client, metadata: this.#options.metadata };
      return winner;
    });
    return Promise.any(dials).catch((error: AggregateError) => {
      throw error.errors[0];
    });
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
    const why = cause instanceof DialError ? `: ${cause.message}` : '';
    return new StarlingError(`no peer answers at ${addresses.slice(0, 3).join(', ')}${more}${why}`, {
      reason: 'UNREACHABLE',
      cause,
    });
  }
}

/** False once the connection broke: a call would only wait for it to come back. */
function isUsable(client: Client): boolean {
  const state = client.getChannel().getConnectivityState(false);
  return state === connectivityState.READY || state === connectivityState.IDLE;
}

/** A dial of which more is known than that it failed. */
class DialError extends Error {}

function dial(address: string, { credentials, options, problem }: Dialling, timeoutMs: number): Promise<Client> {
  const client = new Client(address, credentials, { ...channelOptions, ...options });
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) {
        resolve(client);
      } else {
        client.close();
        const why = problem();
        reject(why === null ? error : new DialError(why, { cause: error }));
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
