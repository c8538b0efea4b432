import { setMaxListeners } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { AdminService, type GrpcMethod, ListPeersRequestSchema, toGrpcDefinition } from '@starling/wire';
import { callUnary } from './calls.ts';
import { fromStatus } from './error-status.ts';
import type { StarlingError } from './errors.ts';
import { pause, unlessAborted } from './moving.ts';
import { type PeerConnection, PeerPool } from './peer-pool.ts';
import { checkedMs } from './timeouts.ts';
import { plainDialling, type TlsOptions, tlsDialling } from './tls.ts';
import { type Token, TokenSource } from './token-source.ts';

export interface ConnectOptions {
  /** `host:port` of the API of one or more peers. */
  readonly addresses: readonly string[];
  /**
   * What the peers know the caller by: a token, or a function that fetches one, for tokens that expire. The function is
   * called for the first call, and again when a peer no longer takes what it gave; that call is then made once more. The
   * token goes to every peer that the client moves to: without TLS to whoever answers there.
   */
  readonly token?: Token;
  /** How peers prove that they are of the mesh, or `off`: nothing is encrypted. Default: TLS with the system's authorities. */
  readonly tls?: TlsOptions | 'off';
  /** Deadline of a call that does not say its own, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** How long one peer may take to answer the dial before the next is tried, in ms. Default 2,000. */
  readonly connectTimeoutMs?: number;
  /** Ask the mesh for more addresses. Default true. */
  readonly learnAddresses?: boolean;
}

/** Options that every call takes. */
export interface CallOptions {
  /** In ms; default as given to `connect`. */
  readonly timeoutMs?: number;
  /** Breaks the call off: it rejects with CANCELLED, and what the peer did is not known. */
  readonly signal?: AbortSignal;
}

const { listPeers } = toGrpcDefinition(AdminService);

/** Addresses learnt are asked for again after so long. */
const learnEveryMs = 60_000;
/** The first retry comes at once, at another peer; the next ones may meet the same peers again. */
const retryPauseMs = 100;
const timeoutDefaultMs = 10_000;

/** Calls at whatever peer there is: dialled, with the token of the time, moved to another peer where that may do better, ended with the client. */
export class PeerCalls {
  readonly #options: ConnectOptions;
  readonly #pool: PeerPool;
  readonly #token: TokenSource;
  readonly #closed = new AbortController();
  #learntAt = 0;

  constructor(options: ConnectOptions) {
    const { timeoutMs = timeoutDefaultMs, connectTimeoutMs = 2_000 } = options;
    checkedMs('timeoutMs', timeoutMs);
    checkedMs('connectTimeoutMs', connectTimeoutMs);
    this.#options = options;
    // Every call under way listens to it.
    setMaxListeners(0, this.#closed.signal);
    this.#token = new TokenSource(options.token);
    this.#pool = new PeerPool({
      seeds: options.addresses,
      dialling: options.tls === 'off' ? plainDialling : tlsDialling(options.tls ?? {}),
      connectTimeoutMs,
      metadata: () => this.#token.metadata(),
    });
  }

  /** Fires when the client is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get address(): string | null {
    return this.#pool.address;
  }

  get addresses(): readonly string[] {
    return this.#pool.addresses;
  }

  close(): void {
    this.#closed.abort();
    this.#pool.close();
  }

  /** The next call goes to another peer. */
  release(connection: PeerConnection): void {
    this.#pool.release(connection);
  }

  /** Names the token that a call carries now. */
  tokenGeneration(): number {
    return this.#token.generation;
  }

  /** A peer refused that token. True: the next call carries another. */
  forgetToken(generation: number): boolean {
    return this.#token.forget(generation);
  }

  /** When a call that begins now is to have ended, ms since 1970. */
  deadline({ timeoutMs }: CallOptions): number {
    return Date.now() + checkedMs('timeoutMs', timeoutMs ?? this.#options.timeoutMs ?? timeoutDefaultMs);
  }

  /** Fires when a call is to end before its time. */
  endOf({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]);
  }

  /** One unary call; at another peer when this one cannot be reached or leaves. */
  call<I, O>(method: GrpcMethod<I, O>, request: I, options: CallOptions): Promise<O> {
    return this.#tried(options, (connection, deadline, signal) =>
      callUnary(connection, method, request, { deadline, signal }),
    );
  }

  /** One stream of answers; begun at another peer when this one cannot be reached or leaves before anything came. */
  async *streamed<O>(
    options: CallOptions,
    open: (connection: PeerConnection, signal: AbortSignal) => AsyncGenerator<O, void, void>,
  ): AsyncGenerator<O, void, void> {
    const { first, rest } = await this.#tried(options, async (connection, _deadline, signal) => {
      const items = open(connection, signal);
      return { first: await items.next(), rest: items };
    });
    if (first.done === true) return;
    try {
      yield first.value;
      yield* rest;
    } finally {
      // Also when its reader went after the first.
      await rest.return();
    }
  }

  /** Runs a call at a peer, and again at another while they cannot be reached or leave, until the deadline. */
  async #tried<T>(
    options: CallOptions,
    run: (connection: PeerConnection, deadline: number, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = this.deadline(options);
    const signal = this.endOf(options);
    let refusal: StarlingError | null = null;
    let isTokenFresh = false;
    for (;;) {
      const connection = await unlessAborted(this.acquire(deadline), signal).catch((error: unknown) => {
        // What a peer said tells more than that none could be reached in the time that was left.
        throw refusal !== null && fromStatus(error).reason === 'UNREACHABLE' ? refusal : error;
      });
      const { generation } = this.#token;
      try {
        return await run(connection, deadline, signal);
      } catch (error) {
        const failure = fromStatus(error);
        if (failure.code === 'UNAUTHENTICATED' && !isTokenFresh && this.#token.forget(generation)) {
          isTokenFresh = true;
          continue;
        }
        // A peer that says nothing may be a host that is gone: the next call goes to another one.
        if (failure.reason === 'NO_ANSWER') this.#pool.release(connection);
        // What the last peer said tells more than that the time was then over.
        if (failure.reason === 'NO_ANSWER' && refusal !== null) throw refusal;
        if (!failure.isRetryable || Date.now() >= deadline) throw failure;
        this.#pool.release(connection);
        if (refusal !== null) await pause(Math.min(retryPauseMs, Math.max(0, deadline - Date.now())), signal);
        refusal = failure;
      }
    }
  }

  async acquire(deadline = this.deadline({})): Promise<PeerConnection> {
    const connection = await this.#pool.acquire(deadline);
    await this.#token.ready(deadline);
    if (this.#options.learnAddresses !== false && Date.now() - this.#learntAt > learnEveryMs) {
      this.#learntAt = Date.now();
      // In the background: the call at hand does not need it.
      void this.#learn(connection);
    }
    return connection;
  }

  async #learn(connection: PeerConnection): Promise<void> {
    try {
      const request = create(ListPeersRequestSchema, { pageSize: 1_000 });
      const { peers } = await callUnary(connection, listPeers, request, {
        deadline: this.deadline({}),
        signal: this.#closed.signal,
      });
      this.#pool.learn(peers.map((peer) => peer.apiAddress));
    } catch {
      // The addresses that are known must do until the next try.
      this.#learntAt = 0;
    }
  }
}
