import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
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
  SearchService,
  toGrpcDefinition,
  UnbanPeerRequestSchema,
  type UnbanPeerResponse,
  WatchTopologyRequestSchema,
  type WatchTopologyResponse,
} from '@starling/wire';
import type { Responding } from './answer-stream.ts';
import { openStream, readStream } from './calls.ts';
import { fromStatus } from './error-status.ts';
import { StarlingError } from './errors.ts';
import { unlessAborted } from './moving.ts';
import { type CallOptions, type ConnectOptions, PeerCalls } from './peer-calls.ts';
import { PublishStream } from './publish-stream.ts';
import {
  batchesOf,
  documentsBatch,
  type OutgoingDocument,
  type PutProgress,
  putDocuments,
  toDocument,
} from './put-documents.ts';
import {
  type QueryHit,
  type QueryOptions,
  type QuerySummary,
  toQueryHit,
  toQueryRequest,
  toQuerySummary,
} from './query.ts';
import { type PeersAnswer, type QueryPeersOptions, toPeersAnswer } from './query-peers.ts';
import { toQueryTrace } from './query-trace.ts';
import { type Receipt, toReceipt } from './receipt.ts';
import { Responder, type RespondOptions } from './responder.ts';
import { type SubscribeOptions, Subscription } from './subscription.ts';
import { checkedCount, checkedMs } from './timeouts.ts';

/** The peer ends a question in time to say what is missing; the client waits so much longer for that. */
const answerMarginMs = 2_000;

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

const mesh = toGrpcDefinition(MeshService);
const search = toGrpcDefinition(SearchService);
const lookup = toGrpcDefinition(LookupService);
const admin = toGrpcDefinition(AdminService);

/** What the answer of a query that took its whole time may be late by. */
const queryGraceMs = 2_000;
/** A topology watch hears something at least every 5 s. */
const watchSilenceMs = 15_000;
const publishStreamWindow = 256;

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
  readonly #peers: PeerCalls;

  /** Prefer `connect`, which also tells whether a peer is there. */
  constructor(options: ConnectOptions) {
    this.#peers = new PeerCalls(options);
  }

  /** The peer that calls go to now; null when there is none. */
  get address(): string | null {
    return this.#peers.address;
  }

  /** Addresses that are known, those given first. */
  get addresses(): readonly string[] {
    return this.#peers.addresses;
  }

  /** Resolves when a peer answers. */
  async ready(options: CallOptions = {}): Promise<void> {
    await unlessAborted(this.#peers.acquire(this.#peers.deadline(options)), this.#peers.endOf(options));
  }

  /**
   * Publishes one message. When the peer goes before it has answered, another is asked: the message may then be published
   * twice, under two ids.
   */
  async publish(message: OutgoingMessage, options: PublishOptions = {}): Promise<Receipt> {
    return toReceipt(await this.#peers.call(mesh.publish, toPublishRequest(message, options), options));
  }

  /** Publishes many messages in order over one call. `window`: how many may be unacknowledged at once. */
  publishStream(window = publishStreamWindow): {
    publish(message: OutgoingMessage, options?: Omit<PublishOptions, keyof CallOptions>): Promise<Receipt>;
    close(): Promise<void>;
  } {
    const stream = new PublishStream(this.#peers, window);
    return {
      publish: async (message, options = {}) => stream.send(toPublishRequest(message, options)),
      close: () => stream.close(),
    };
  }

  /** Messages as they come; iterate over it. It moves to another peer by itself. */
  subscribe(options: SubscribeOptions): Subscription {
    return new Subscription(this.#peers, options);
  }

  /**
   * Attaches a search engine of one's own to a peer: `answer` is called for each question of its topics that is asked
   * anywhere in the mesh, and yields what it finds. It moves to another peer by itself. Needs a token of the role responder.
   */
  respond(options: RespondOptions, answer: Responding): Responder {
    return new Responder(this.#peers, options, answer);
  }

  /** Asks the whole mesh: hits as they are found, the summary last. `timeoutMs` is the query's own. */
  async *query(text: string, options: QueryOptions = {}): AsyncGenerator<QueryHit | QuerySummary, void, void> {
    const timeoutMs = checkedMs('timeoutMs', options.timeoutMs ?? 5_000);
    const request = toQueryRequest(text, timeoutMs, options);
    const events = this.#peers.streamed({ ...options, timeoutMs }, (connection, signal) =>
      readStream(openStream(connection, search.query, request, Date.now() + timeoutMs + queryGraceMs), { signal }),
    );
    for await (const { event } of events) {
      if (event.case === 'hit') {
        yield toQueryHit(event.value);
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
    const connection = await this.#peers.acquire();
    const signal = this.#peers.closed;
    yield* putDocuments(connection, search.putDocumentsStream, batchesOf(documents, batch), signal);
  }

  /** Keeps documents at the peer that is connected, at most 1,000. Resolves with how many it then holds. */
  async putDocuments(documents: readonly OutgoingDocument[], options: CallOptions = {}): Promise<number> {
    const request = create(PutDocumentsRequestSchema, {
      documents: documents.map(toDocument),
    });
    return Number((await this.#peers.call(search.putDocuments, request, options)).totalCount);
  }

  /** Resolves with how many of them the peer held. */
  async deleteDocuments(ids: readonly string[], options: CallOptions = {}): Promise<number> {
    const request = create(DeleteDocumentsRequestSchema, { ids: [...ids] });
    return (await this.#peers.call(search.deleteDocuments, request, options)).deletedCount;
  }

  /** Puts a record where the whole mesh finds it by its key; signed by the peer that is asked, unless it is signed already. */
  putRecord(
    request: MessageInitShape<typeof PutRecordRequestSchema>,
    options: CallOptions = {},
  ): Promise<PutRecordResponse> {
    return this.#peers.call(lookup.putRecord, create(PutRecordRequestSchema, request), options);
  }

  /** The records of a key, newest first. Rejects with RECORD_NOT_FOUND when there is none. */
  getRecord(
    request: MessageInitShape<typeof GetRecordRequestSchema>,
    options: CallOptions = {},
  ): Promise<GetRecordResponse> {
    return this.#peers.call(lookup.getRecord, create(GetRecordRequestSchema, request), options);
  }

  /** The peers that offer what a name says; none is no error. */
  findPeers(
    request: MessageInitShape<typeof FindPeersRequestSchema>,
    options: CallOptions = {},
  ): Promise<FindPeersResponse> {
    return this.#peers.call(lookup.findPeers, create(FindPeersRequestSchema, request), options);
  }

  /** The peer that answers, with its links. */
  getPeer(options: CallOptions = {}): Promise<GetPeerResponse> {
    return this.#peers.call(admin.getPeer, create(GetPeerRequestSchema), options);
  }

  /** The whole mesh, page by page, ordered by id. `pageSize` from 1 to 1,000. */
  async *listPeers(options: CallOptions & { readonly pageSize?: number } = {}): AsyncGenerator<Peer, void, void> {
    let pageToken = '';
    do {
      const request = create(ListPeersRequestSchema, { pageSize: options.pageSize ?? 0, pageToken });
      const page = await this.#peers.call(admin.listPeers, request, options);
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
    return toPeersAnswer(await this.#peers.call(admin.queryPeers, request, call));
  }

  /** The topology: a snapshot, then deltas; begins again with a snapshot after it moved to another peer. Endless. */
  async *watchTopology(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<WatchTopologyResponse, void, void> {
    const signal = this.#peers.endOf(options);
    let last: { epoch: string; version: bigint } = { epoch: '', version: 0n };
    let isTokenFresh = false;
    while (!signal.aborted) {
      const connection = await unlessAborted(this.#peers.acquire(), signal).catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
      if (connection === null) return;
      const generation = this.#peers.tokenGeneration();
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
        if (failure.code === 'UNAUTHENTICATED' && !isTokenFresh && this.#peers.forgetToken(generation)) {
          isTokenFresh = true;
          continue;
        }
        if (!failure.isRetryable) throw error;
      }
      this.#peers.release(connection);
    }
  }

  /** Makes the peer of this id leave the mesh; it must be the one connected. Needs the role operator. */
  drain(peerId: string, options: CallOptions = {}): Promise<DrainResponse> {
    return this.#peers.call(admin.drain, create(DrainRequestSchema, { peerId }), options);
  }

  /** Bans a peer: at the peer connected, or with a signed record in the whole mesh. Needs the role operator. */
  banPeer(request: MessageInitShape<typeof BanPeerRequestSchema>, options: CallOptions = {}): Promise<BanPeerResponse> {
    return this.#peers.call(admin.banPeer, create(BanPeerRequestSchema, request), options);
  }

  /** Lifts a ban of the same scope. Needs the role operator. */
  unbanPeer(
    request: MessageInitShape<typeof UnbanPeerRequestSchema>,
    options: CallOptions = {},
  ): Promise<UnbanPeerResponse> {
    return this.#peers.call(admin.unbanPeer, create(UnbanPeerRequestSchema, request), options);
  }

  /** Who is banned, as the peer connected knows it. */
  listBans(options: CallOptions & { readonly showLifted?: boolean } = {}): Promise<ListBansResponse> {
    return this.#peers.call(
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
    this.#peers.close();
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
