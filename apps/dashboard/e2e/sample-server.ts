import { create, type DescService } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import type { PeerCondition as PeerConditionFact, ReportFacts } from '@starling/topology';
import {
  AdminService,
  BanSchema,
  BanScope,
  BanSource,
  LinkRole,
  LookupService,
  MeshService,
  type Message,
  MessageSchema,
  PeerCondition,
  PeerReportSchema,
  PeerSchema,
  PeerState,
  type PublishRequest,
  PublishResponseSchema,
  type QueryRequest,
  type QueryResponse,
  QueryResponseSchema,
  QuerySpanState,
  QueryStrategy,
  SearchService,
  type SubscribeRequest,
  SubscribeResponseSchema,
  toGrpcDefinition,
  type WatchTopologyRequest,
  type WatchTopologyResponse,
  WatchTopologyResponseSchema,
} from '@starling/wire';
import type { SampleDelta, SampleMesh } from './sample-mesh.ts';
import { lookupHandlers, operatorHandlers } from './sample-services.ts';

type Watch = grpc.ServerWritableStream<WatchTopologyRequest, WatchTopologyResponse>;

/** A real gRPC server that speaks `starling.v1` for one peer of a sample mesh. */
export class SampleServer {
  readonly #mesh: SampleMesh;
  readonly #served: string;
  readonly #server = new grpc.Server();
  readonly #watches = new Set<Watch>();
  readonly #subscribers = new Set<(message: Message) => void>();
  #unsubscribe: () => void = () => undefined;
  #version = 0n;
  #sequence = 0n;
  #port = 0;
  /** Peers that are known but not heard from. */
  silent: ReadonlySet<string> = new Set();
  /** When set, whoever wants to watch is refused with it. */
  refusal: { readonly code: grpc.status; readonly details: string } | null = null;
  /** When set, watchers are connected and told nothing. */
  isMute = false;

  constructor(mesh: SampleMesh, served = mesh.ids[0] ?? '') {
    this.#mesh = mesh;
    this.#served = served;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Streams that are open: nobody looks when it is 0. */
  get watches(): number {
    return this.#watches.size;
  }

  /** `port`: 0 takes a free one. */
  async start(port = 0): Promise<this> {
    this.#server.addService(toGrpcDefinition(AdminService) as grpc.ServiceDefinition, {
      watchTopology: (call: Watch) => this.#onWatch(call),
      ...operatorHandlers(this.#mesh),
    });
    this.#server.addService(toGrpcDefinition(LookupService as DescService) as grpc.ServiceDefinition, lookupHandlers());
    this.#server.addService(toGrpcDefinition(MeshService as DescService) as grpc.ServiceDefinition, {
      publish: this.#onPublish,
      subscribe: this.#onSubscribe,
    });
    this.#server.addService(toGrpcDefinition(SearchService as DescService) as grpc.ServiceDefinition, {
      query: this.#onQuery,
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.#mesh.serve(this.#served, this.address);
    this.#unsubscribe = this.#mesh.subscribe((delta) => this.#tell(delta));
    return this;
  }

  /** Ends as a killed process does: no goodbye. */
  stop(): void {
    this.#unsubscribe();
    this.#server.forceShutdown();
  }

  /** Says nothing new, but that it is alive. */
  heartbeat(): void {
    this.#tell({ reports: [], removed: [] });
  }

  #tell({ reports, removed }: SampleDelta): void {
    this.#version++;
    for (const call of this.#watches) {
      call.write(
        create(WatchTopologyResponseSchema, {
          ...this.#header(),
          event: {
            case: 'delta',
            value: { reports: reports.map(reportMessage), removedPeers: removed.map((peer) => ({ ...peer })) },
          },
        }),
      );
    }
  }

  #onWatch(call: Watch): void {
    if (this.refusal !== null) {
      call.emit('error', this.refusal);
      return;
    }
    if (this.isMute) return;
    this.#watches.add(call);
    call.on('cancelled', () => this.#watches.delete(call));
    call.on('close', () => this.#watches.delete(call));
    const reports = this.#mesh.reports();
    const value = {
      reports: reports.filter(({ peer }) => !this.silent.has(peer.id)).map(reportMessage),
      silentPeers: reports.filter(({ peer }) => this.silent.has(peer.id)).map(({ peer }) => peerMessage(peer)),
    };
    call.write(create(WatchTopologyResponseSchema, { ...this.#header(), event: { case: 'snapshot', value } }));
  }

  #header() {
    const known = this.#mesh.ids.length;
    return {
      epoch: 'sample',
      version: this.#version,
      peersKnown: known,
      peersHeard: known - this.silent.size,
      servedBy: this.#served,
      time: timestampFromMs(Date.now()),
    };
  }

  readonly #onPublish: grpc.handleUnaryCall<PublishRequest, unknown> = ({ request }, callback) => {
    if (request.topic.includes(' ')) {
      callback({ code: grpc.status.INVALID_ARGUMENT, details: 'topic: words are separated by dots' });
      return;
    }
    this.#sequence++;
    const message = create(MessageSchema, {
      messageId: `sample-${this.#sequence}`,
      topic: request.topic,
      payload: request.payload,
      origin: this.#served,
      sequence: this.#sequence,
      publishTime: timestampFromMs(Date.now()),
      hops: 2,
      cursor: String(this.#sequence),
    });
    for (const deliver of this.#subscribers) deliver(message);
    callback(
      null,
      create(PublishResponseSchema, { messageId: message.messageId, origin: this.#served, sequence: this.#sequence }),
    );
  };

  readonly #onSubscribe: grpc.handleServerStreamingCall<SubscribeRequest, unknown> = (call) => {
    const deliver = (message: Message): void => {
      call.write(create(SubscribeResponseSchema, { event: { case: 'message', value: message } }));
    };
    this.#subscribers.add(deliver);
    call.on('cancelled', () => this.#subscribers.delete(deliver));
    call.write(create(SubscribeResponseSchema, { event: { case: 'checkpoint', value: { cursor: '0', live: true } } }));
  };

  readonly #onQuery: grpc.handleServerStreamingCall<QueryRequest, QueryResponse> = (call) => {
    const peers = this.#mesh.ids.length;
    const document = { id: 'murmuration', fields: { title: `About ${call.request.text}` } };
    call.write(
      create(QueryResponseSchema, { event: { case: 'hit', value: { peerId: this.#served, document, score: 1 } } }),
    );
    if (call.request.trace) call.write(traceOf(this.#mesh.ids.slice(0, 4)));
    const summary = {
      peersAsked: peers,
      peersAnswered: peers,
      messagesSpent: peers - 1,
      complete: true,
      reason: 'done',
      hitCount: 1,
      elapsed: durationFromMs(12),
    };
    call.write(create(QueryResponseSchema, { event: { case: 'summary', value: summary } }));
    call.end();
  };
}

/** The first asked the second and the fourth, the second the third; a hit at the third. */
function traceOf([first = '', second = '', third = '', fourth = '']: readonly string[]): QueryResponse {
  const spans = [
    { peerId: first, elapsed: durationFromMs(12) },
    { peerId: second, parentId: first, roundTrip: durationFromMs(10), elapsed: durationFromMs(8) },
    { peerId: third, parentId: second, askedAfter: durationFromMs(2), roundTrip: durationFromMs(4), hitCount: 1 },
    { peerId: fourth, parentId: first, askedAfter: durationFromMs(1), state: QuerySpanState.MISSING },
  ].map((span) => ({ state: QuerySpanState.DONE, ...span }));
  const strategy = QueryStrategy.EXHAUSTIVE;
  return create(QueryResponseSchema, { event: { case: 'trace', value: { strategy, spans, spansCut: 2 } } });
}

const states = {
  starting: PeerState.STARTING,
  ready: PeerState.READY,
  draining: PeerState.DRAINING,
  unknown: PeerState.UNSPECIFIED,
} as const;

function peerMessage({ ban, ...peer }: ReportFacts['peer']) {
  return create(PeerSchema, {
    ...peer,
    incarnationTime: timestampFromMs(peer.incarnation),
    state: states[peer.state],
    ...(ban !== undefined && {
      ban: create(BanSchema, {
        by: ban.by,
        reason: ban.reason,
        scope: ban.scope === 'mesh' ? BanScope.MESH : BanScope.PEER,
        source: ban.isAutomatic ? BanSource.AUTOMATIC : BanSource.OPERATOR,
        ...(ban.until !== null && { until: timestampFromMs(ban.until) }),
      }),
    }),
  });
}

const conditionValues: Readonly<Record<PeerConditionFact, PeerCondition>> = {
  neighborsBypassed: PeerCondition.NEIGHBORS_BYPASSED,
  certificateLate: PeerCondition.CERTIFICATE_LATE,
  certificateExpired: PeerCondition.CERTIFICATE_EXPIRED,
  authorityLate: PeerCondition.AUTHORITY_LATE,
  authorityExpired: PeerCondition.AUTHORITY_EXPIRED,
  cacheUnwritten: PeerCondition.CACHE_UNWRITTEN,
};

function reportMessage({ peer, links, documentCount, heapBytes, conditions, ...rates }: ReportFacts) {
  return create(PeerReportSchema, {
    ...rates,
    peer: peerMessage(peer),
    conditions: conditions.map((condition) => conditionValues[condition]),
    documentCount: BigInt(documentCount),
    heapBytes: BigInt(Math.round(heapBytes)),
    reportTime: timestampFromMs(Date.now()),
    links: links.map(({ role, rttMs, ...link }) => ({
      ...link,
      role: role === 'eager' ? LinkRole.EAGER : LinkRole.LAZY,
      ...(rttMs === null ? {} : { roundTripTime: { seconds: 0n, nanos: Math.round(rttMs * 1e6) } }),
    })),
  });
}
