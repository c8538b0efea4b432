import { setMaxListeners } from 'node:events';
import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import {
  Acknowledge,
  AdminService,
  BanPeerRequestSchema,
  type BanPeerResponse,
  DeleteDocumentsRequestSchema,
  DrainRequestSchema,
  type DrainResponse,
  FindPeersRequestSchema,
  type FindPeersResponse,
  GetPeerRequestSchema,
  type GetPeerResponse,
  GetRecordRequestSchema,
  type GetRecordResponse,
  type GrpcMethod,
  ListBansRequestSchema,
  type ListBansResponse,
  ListPeersRequestSchema,
  LookupService,
  MeshService,
  type Peer,
  type PublishRequest,
  PublishRequestSchema,
  PutDocumentsRequestSchema,
  PutRecordRequestSchema,
  type PutRecordResponse,
  QueryPeersRequestSchema,
  QueryRequestSchema,
  type QuerySummary as QuerySummaryProto,
  SearchService,
  toGrpcDefinition,
  UnbanPeerRequestSchema,
  type UnbanPeerResponse,
  WatchTopologyRequestSchema,
  type WatchTopologyResponse,
} from '@starling/wire';
import type { Responding } from './answer-stream.ts';
import { callUnary, openStream, readStream } from './calls.ts';
import { fromStatus } from './error-status.ts';
import { StarlingError } from './errors.ts';
import { pause, unlessAborted } from './moving.ts';
import { type PeerConnection, PeerPool } from './peer-pool.ts';
import { PublishStream } from './publish-stream.ts';
import { batchesOf, documentsBatch, type PutProgress, putDocuments, toDocument } from './put-documents.ts';
import { type PeersAnswer, type QueryPeersOptions, toPeersAnswer } from './query-peers.ts';
import { type QueryStrategyName, queryStrategies, strategyName } from './query-strategy.ts';
import { type QueryTrace, toQueryTrace } from './query-trace.ts';
import { type Receipt, toReceipt } from './receipt.ts';
import { Responder, type RespondOptions } from './responder.ts';
import { type SubscribeOptions, Subscription } from './subscription.ts';
import { checkedCount, checkedMs } from './timeouts.ts';
import { plainDialling, type TlsOptions, tlsDialling } from './tls.ts';
import { type Token, TokenSource } from './token-source.ts';

/** The peer ends a question in time to say what is missing; the client waits so much longer for that. */
const answerMarginMs = 2_000;

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

/** A message to publish. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PublishOptions extends CallOptions {
  /** Neighbours of the peer that must hold the message before it is acknowledged. Default 0: the peer itself is enough. */
  readonly heldBy?: number;
  /** Makes a retry at the same peer harmless. */
  readonly requestId?: string;
}

export interface QueryOptions extends CallOptions {
  /** Hits wanted at most. Default 20. */
  readonly limit?: number;
  /** Default `auto`: the mesh chooses. */
  readonly strategy?: QueryStrategyName;
  /** Messages between peers that the query may cost at most. Default: the strategy's; not with `exhaustive`. */
  readonly messageBudget?: number;
  /** Hears the way that the query took, wave by wave or round by round, before the summary. */
  readonly onTrace?: (trace: QueryTrace) => void;
}

/** One document that matched. */
export interface QueryHit {
  readonly kind: 'hit';
  readonly peerId: string;
  readonly id: string;
  readonly fields: JsonObject;
  /** Of two hits with one id the higher is the document. */
  readonly version: number;
  /** By what was known of the mesh at the start; the summary has the final one. */
  readonly score: number;
  /** The engine that gave it, attached to that peer; '' for the peer's own index. */
  readonly responder: string;
}

/** One place in the final order. */
export interface RankedHit {
  readonly peerId: string;
  readonly id: string;
  readonly version: number;
  readonly score: number;
}

/** What the query did; comes last. */
export interface QuerySummary {
  readonly kind: 'summary';
  readonly peersAsked: number;
  readonly peersAnswered: number;
  readonly messagesSpent: number;
  readonly branchesMissing: number;
  readonly complete: boolean;
  readonly reason: string;
  readonly hits: number;
  /** How it was asked; `auto`: by a way that this version has no word for. */
  readonly strategy: QueryStrategyName;
  /** Bytes between peers, estimated. */
  readonly bytesSpent: number;
  /** The budget in force; 0: none. */
  readonly messageBudget: number;
  /** Age of an answer that was remembered; null: it was asked for now. */
  readonly cacheAgeMs: number | null;
  /** Why it was asked that way, when that was left open (`auto`, `summary`); empty: the strategy was asked for. */
  readonly choiceReason: string;
  /** Of the peers that summaries named, how many answered and had nothing. */
  readonly holdersEmpty: number;
  /** The best of the hits that came before, at most `limit`, best first. */
  readonly ranking: readonly RankedHit[];
  /** The ranking is by the term statistics of the whole mesh. */
  readonly rankingExact: boolean;
  readonly documentsSearched: number;
  /** Engines whose topics have the question; the rest of them were busy, failed or went. */
  readonly respondersAsked: number;
  readonly respondersAnswered: number;
  readonly respondersLate: number;
}

/** A document to keep: any JSON object under an id. */
export interface OutgoingDocument {
  readonly id: string;
  readonly fields: JsonObject;
  /** The higher is the newer; left out or 0: the time that it is put. */
  readonly version?: number;
}

const mesh = toGrpcDefinition(MeshService);
const search = toGrpcDefinition(SearchService);
const lookup = toGrpcDefinition(LookupService);
const admin = toGrpcDefinition(AdminService);

/** Addresses learnt are asked for again after so long. */
const learnEveryMs = 60_000;
/** What the answer of a query that took its whole time may be late by. */
const queryGraceMs = 2_000;
/** A topology watch hears something at least every 5 s. */
const watchSilenceMs = 15_000;
const publishStreamWindow = 256;
/** The first retry comes at once, at another peer; the next ones may meet the same peers again. */
const retryPauseMs = 100;
const timeoutDefaultMs = 10_000;

/**
 * Connects to a mesh through any of its peers. Rejects with UNREACHABLE when none of the addresses answers within the
 * timeout. When the peer goes, the client moves to another one.
 */
export async function connect(options: ConnectOptions): Promise<StarlingClient> {
  if (options.addresses.length === 0) {
    throw new StarlingError('no address is given', { reason: 'INVALID_REQUEST' });
  }
  const client = new StarlingClient(options);
  try {
    await client.ready();
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** A client of the mesh. Every method rejects with a StarlingError. */
export class StarlingClient {
  readonly #options: ConnectOptions;
  readonly #pool: PeerPool;
  readonly #token: TokenSource;
  readonly #closed = new AbortController();
  #learntAt = 0;

  /** Prefer `connect`, which also tells whether a peer is there. */
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

  /** The peer that calls go to now; null when there is none. */
  get address(): string | null {
    return this.#pool.address;
  }

  /** Addresses that are known, those given first. */
  get addresses(): readonly string[] {
    return this.#pool.addresses;
  }

  /** Resolves when a peer answers. */
  async ready(options: CallOptions = {}): Promise<void> {
    await unlessAborted(this.#acquire(this.#deadline(options)), this.#endOf(options));
  }

  /**
   * Publishes one message. When the peer goes before it has answered, another is asked: the message may then be published
   * twice, under two ids.
   */
  async publish(message: OutgoingMessage, options: PublishOptions = {}): Promise<Receipt> {
    return toReceipt(await this.#call(mesh.publish, toPublishRequest(message, options), options));
  }

  /** Publishes many messages in order over one call. `window`: how many may be unacknowledged at once. */
  publishStream(window = publishStreamWindow): {
    publish(message: OutgoingMessage, options?: Omit<PublishOptions, keyof CallOptions>): Promise<Receipt>;
    close(): Promise<void>;
  } {
    const stream = new PublishStream(
      {
        closed: this.#closed.signal,
        acquire: () => this.#acquire(this.#deadline({})),
        tokenGeneration: () => this.#token.generation,
        forgetToken: (generation) => this.#token.forget(generation),
      },
      window,
    );
    return {
      publish: async (message, options = {}) => stream.send(toPublishRequest(message, options)),
      close: () => stream.close(),
    };
  }

  /** Messages as they come; iterate over it. It moves to another peer by itself. */
  subscribe(options: SubscribeOptions): Subscription {
    return new Subscription(
      {
        closed: this.#closed.signal,
        acquire: (deadline) => this.#acquire(deadline),
        release: (connection) => this.#pool.release(connection),
        tokenGeneration: () => this.#token.generation,
        forgetToken: (generation) => this.#token.forget(generation),
      },
      options,
    );
  }

  /**
   * Attaches a search engine of one's own to a peer: `answer` is called for each question of its topics that is asked
   * anywhere in the mesh, and yields what it finds. It moves to another peer by itself. Needs a token of the role responder.
   */
  respond(options: RespondOptions, answer: Responding): Responder {
    return new Responder(
      {
        closed: this.#closed.signal,
        acquire: (deadline) => this.#acquire(deadline),
        release: (connection) => this.#pool.release(connection),
        tokenGeneration: () => this.#token.generation,
        forgetToken: (generation) => this.#token.forget(generation),
      },
      options,
      answer,
    );
  }

  /** Asks the whole mesh: hits as they are found, the summary last. `timeoutMs` is the query's own. */
  async *query(text: string, options: QueryOptions = {}): AsyncGenerator<QueryHit | QuerySummary, void, void> {
    const timeoutMs = checkedMs('timeoutMs', options.timeoutMs ?? 5_000);
    const request = create(QueryRequestSchema, {
      text,
      limit: options.limit ?? 0,
      timeout: durationFromMs(timeoutMs),
      strategy: queryStrategies[options.strategy ?? 'auto'],
      messageBudget: options.messageBudget ?? 0,
      trace: options.onTrace !== undefined,
    });
    const events = this.#streamed({ ...options, timeoutMs }, (connection, signal) =>
      readStream(openStream(connection, search.query, request, Date.now() + timeoutMs + queryGraceMs), { signal }),
    );
    for await (const { event } of events) {
      if (event.case === 'hit') {
        const { peerId, document, score, responder } = event.value;
        const version = Number(document?.version ?? 0n);
        yield {
          kind: 'hit',
          peerId,
          id: document?.id ?? '',
          fields: document?.fields ?? {},
          version,
          score,
          responder,
        };
      } else if (event.case === 'trace') {
        options.onTrace?.(toQueryTrace(event.value));
      } else if (event.case === 'summary') {
        yield toQuerySummary(event.value);
      }
    }
  }

  /**
   * Keeps any number of documents at one peer, and tells after each `batch` of them how far it is. It does not move to another
   * peer: what is acknowledged is stored there.
   */
  async *putDocumentsStream(
    documents: AsyncIterable<OutgoingDocument> | Iterable<OutgoingDocument>,
    { batch = documentsBatch }: { readonly batch?: number } = {},
  ): AsyncGenerator<PutProgress, void, void> {
    const connection = await this.#acquire(this.#deadline({}));
    const { signal } = this.#closed;
    yield* putDocuments(connection, search.putDocumentsStream, batchesOf(documents, batch), signal);
  }

  /** Keeps documents at the peer that is connected, at most 1,000. Resolves with how many it then holds. */
  async putDocuments(documents: readonly OutgoingDocument[], options: CallOptions = {}): Promise<number> {
    const request = create(PutDocumentsRequestSchema, {
      documents: documents.map(toDocument),
    });
    return Number((await this.#call(search.putDocuments, request, options)).totalCount);
  }

  /** Resolves with how many of them the peer held. */
  async deleteDocuments(ids: readonly string[], options: CallOptions = {}): Promise<number> {
    const request = create(DeleteDocumentsRequestSchema, { ids: [...ids] });
    return (await this.#call(search.deleteDocuments, request, options)).deletedCount;
  }

  /** Puts a record where the whole mesh finds it by its key; signed by the peer that is asked, unless it is signed already. */
  putRecord(
    request: MessageInitShape<typeof PutRecordRequestSchema>,
    options: CallOptions = {},
  ): Promise<PutRecordResponse> {
    return this.#call(lookup.putRecord, create(PutRecordRequestSchema, request), options);
  }

  /** The records of a key, newest first. Rejects with RECORD_NOT_FOUND when there is none. */
  getRecord(
    request: MessageInitShape<typeof GetRecordRequestSchema>,
    options: CallOptions = {},
  ): Promise<GetRecordResponse> {
    return this.#call(lookup.getRecord, create(GetRecordRequestSchema, request), options);
  }

  /** The peers that offer what a name says; none is no error. */
  findPeers(
    request: MessageInitShape<typeof FindPeersRequestSchema>,
    options: CallOptions = {},
  ): Promise<FindPeersResponse> {
    return this.#call(lookup.findPeers, create(FindPeersRequestSchema, request), options);
  }

  /** The peer that answers, with its links. */
  getPeer(options: CallOptions = {}): Promise<GetPeerResponse> {
    return this.#call(admin.getPeer, create(GetPeerRequestSchema), options);
  }

  /** The whole mesh, page by page, ordered by id. `pageSize` from 1 to 1,000. */
  async *listPeers(options: CallOptions & { readonly pageSize?: number } = {}): AsyncGenerator<Peer, void, void> {
    let pageToken = '';
    do {
      const request = create(ListPeersRequestSchema, { pageSize: options.pageSize ?? 0, pageToken });
      const page = await this.#call(admin.listPeers, request, options);
      yield* page.peers;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /**
   * Asks all peers about themselves, as in `zone, count(*), p99(rtt) where version != 1.4 group by zone`. What could not be asked
   * is said in `coverage`. A text that is malformed is refused with INVALID_REQUEST and its place in `metadata`.
   */
  async queryPeers(text: string, options: QueryPeersOptions = {}): Promise<PeersAnswer> {
    const { timeoutMs = 5_000, messageBudget = 0, signal } = options;
    checkedMs('timeoutMs', timeoutMs);
    const request = create(QueryPeersRequestSchema, { text, timeout: durationFromMs(timeoutMs), messageBudget });
    // The peer ends it in time to say who is missing.
    const call = { timeoutMs: timeoutMs + answerMarginMs, ...(signal !== undefined && { signal }) };
    return toPeersAnswer(await this.#call(admin.queryPeers, request, call));
  }

  /** The topology: a snapshot, then deltas; begins again with a snapshot after it moved to another peer. Endless. */
  async *watchTopology(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<WatchTopologyResponse, void, void> {
    const signal = this.#endOf(options);
    let last: { epoch: string; version: bigint } = { epoch: '', version: 0n };
    let isTokenFresh = false;
    while (!signal.aborted) {
      const connection = await unlessAborted(this.#acquire(this.#deadline({})), signal).catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
      if (connection === null) return;
      const { generation } = this.#token;
      const request = create(WatchTopologyRequestSchema, { epoch: last.epoch, afterVersion: last.version });
      try {
        const call = openStream(connection, admin.watchTopology, request);
        for await (const response of readStream(call, { silenceMs: watchSilenceMs, signal })) {
          last = { epoch: response.epoch, version: response.version };
          isTokenFresh = false;
          yield response;
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = fromStatus(error);
        if (failure.code === 'UNAUTHENTICATED' && !isTokenFresh && this.#token.forget(generation)) {
          isTokenFresh = true;
          continue;
        }
        if (!failure.isRetryable) throw error;
      }
      this.#pool.release(connection);
    }
  }

  /** Makes the peer of this id leave the mesh; it must be the one connected. Needs the role operator. */
  drain(peerId: string, options: CallOptions = {}): Promise<DrainResponse> {
    return this.#call(admin.drain, create(DrainRequestSchema, { peerId }), options);
  }

  /** Bans a peer: at the peer connected, or with a signed record in the whole mesh. Needs the role operator. */
  banPeer(request: MessageInitShape<typeof BanPeerRequestSchema>, options: CallOptions = {}): Promise<BanPeerResponse> {
    return this.#call(admin.banPeer, create(BanPeerRequestSchema, request), options);
  }

  /** Lifts a ban of the same scope. Needs the role operator. */
  unbanPeer(
    request: MessageInitShape<typeof UnbanPeerRequestSchema>,
    options: CallOptions = {},
  ): Promise<UnbanPeerResponse> {
    return this.#call(admin.unbanPeer, create(UnbanPeerRequestSchema, request), options);
  }

  /** Who is banned, as the peer connected knows it. */
  listBans(options: CallOptions & { readonly showLifted?: boolean } = {}): Promise<ListBansResponse> {
    return this.#call(
      admin.listBans,
      create(ListBansRequestSchema, { showLifted: options.showLifted ?? false }),
      options,
    );
  }

  /**
   * Ends all calls: subscriptions, watches and engines end as if each had been closed, the others reject with CANCELLED. The
   * client cannot be used any more.
   */
  close(): void {
    this.#closed.abort();
    this.#pool.close();
  }

  #deadline({ timeoutMs }: CallOptions): number {
    return Date.now() + checkedMs('timeoutMs', timeoutMs ?? this.#options.timeoutMs ?? timeoutDefaultMs);
  }

  /** Fires when a call is to end before its time. */
  #endOf({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]);
  }

  /** One unary call; at another peer when this one cannot be reached or leaves. */
  #call<I, O>(method: GrpcMethod<I, O>, request: I, options: CallOptions): Promise<O> {
    return this.#tried(options, (connection, deadline, signal) =>
      callUnary(connection, method, request, { deadline, signal }),
    );
  }

  /** One stream of answers; begun at another peer when this one cannot be reached or leaves before anything came. */
  async *#streamed<O>(
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
    const deadline = this.#deadline(options);
    const signal = this.#endOf(options);
    let refusal: StarlingError | null = null;
    let isTokenFresh = false;
    for (;;) {
      const connection = await unlessAborted(this.#acquire(deadline), signal).catch((error: unknown) => {
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

  async #acquire(deadline: number): Promise<PeerConnection> {
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
      const { peers } = await callUnary(connection, admin.listPeers, request, {
        deadline: this.#deadline({}),
        signal: this.#closed.signal,
      });
      this.#pool.learn(peers.map((peer) => peer.apiAddress));
    } catch {
      // The addresses that are known must do until the next try.
      this.#learntAt = 0;
    }
  }
}

function toPublishRequest({ topic, payload, headers }: OutgoingMessage, options: PublishOptions): PublishRequest {
  const heldBy = checkedCount('heldBy', options.heldBy ?? 0);
  return create(PublishRequestSchema, {
    topic,
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    headers: { ...headers },
    acknowledge: heldBy > 0 ? Acknowledge.HELD : Acknowledge.ACCEPTED,
    holdNeighbors: heldBy,
    requestId: options.requestId ?? '',
  });
}

function toQuerySummary(summary: QuerySummaryProto): QuerySummary {
  const { peersAsked, peersAnswered, messagesSpent, branchesMissing, complete, reason, hitCount } = summary;
  return {
    kind: 'summary',
    peersAsked,
    peersAnswered,
    messagesSpent,
    branchesMissing,
    complete,
    reason,
    hits: hitCount,
    respondersAsked: summary.respondersAsked,
    respondersAnswered: summary.respondersAnswered,
    respondersLate: summary.respondersLate,
    strategy: strategyName(summary.strategy) ?? 'auto',
    bytesSpent: Number(summary.bytesSpent),
    messageBudget: summary.messageBudget,
    cacheAgeMs: summary.cacheAge === undefined ? null : durationMs(summary.cacheAge),
    choiceReason: summary.choiceReason,
    holdersEmpty: summary.holdersEmpty,
    ranking: summary.ranking.map(({ peerId, documentId, version, score }) => ({
      peerId,
      id: documentId,
      version: Number(version),
      score,
    })),
    rankingExact: summary.rankingExact,
    documentsSearched: Number(summary.documentsSearched),
  };
}
