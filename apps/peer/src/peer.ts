import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Ban } from '@starling/core-bans';
import { defaultKademliaConfig, type RecordVerifier } from '@starling/core-kademlia';
import type { PeerCondition } from '@starling/core-observe';
import type { Discovery, Transport } from '@starling/host';
import { type CertificateWatch, MessageSigning, RecordVerification, signRecord } from '@starling/identity';
import type { PeerInfo } from '@starling/kernel';
import { type MeshEvent, parseStream } from '@starling/mesh';
import { MeshCounters } from '@starling/metrics';
import type { TransportCounters } from '@starling/transport-grpc';
import { Acknowledge, bodyCodec, type PublishRequest, type PublishResponse } from '@starling/wire';
import { budgetOf } from './api/calls.ts';
import type { Connections } from './api/connections.ts';
import { Health } from './api/health.ts';
import { RespondStreams } from './api/respond-stream.ts';
import type { RpcMetrics } from './api/rpc-metrics.ts';
import { messageIdOf, Subscriptions } from './api/subscriptions.ts';
import { checkPublish } from './api/validate.ts';
import { TopologyWatches } from './api/watch-topology.ts';
import type { Access } from './auth/access.ts';
import { BanDesk } from './bans/ban-desk.ts';
import { BanFile } from './bans/ban-file.ts';
import { TrustedOperators } from './bans/operator-keys.ts';
import type { Config } from './config/schema.ts';
import type { Logs } from './logs/logs.ts';
import { advertisedAddress } from './overlay/advertise.ts';
import { Lookups } from './overlay/lookups.ts';
import { Offers, offerRecord, type SigningIdentity } from './overlay/offers.ts';
import { Overlay } from './overlay/overlay.ts';
import { ownRow } from './overlay/own-row.ts';
import { PeerQuestions } from './overlay/peer-questions.ts';
import { Publisher } from './overlay/publisher.ts';
import { Queries } from './overlay/queries.ts';
import { TermFeed } from './overlay/term-feed.ts';
import { defaultTopologyFeedConfig, TopologyFeed } from './overlay/topology-feed.ts';
import { PeerMetrics } from './peer-metrics.ts';
import type { PeerSecurity } from './process/security.ts';
import { Responders } from './responders/responders.ts';
import type { IndexLimits } from './search/local-index.ts';
import { ThreadedIndex } from './search/threaded-index.ts';
import { version } from './version.ts';

/** How long a Publish without a deadline of its own waits to be held, and the longest that any does. */
const heldDefaultMs = 5_000;
const heldMaxMs = 30_000;

/** How long an offer of the configuration is tried before it is tried anew. */
const offerTimeoutMs = 10_000;

/** The ports that were really bound. */
export interface BoundPorts {
  readonly link: number;
  readonly api: number;
}

export interface PeerDependencies {
  readonly config: Config;
  readonly logs: Logs;
  readonly security: PeerSecurity;
  readonly transport: Transport<Uint8Array> & { readonly counters: TransportCounters };
  readonly ports: BoundPorts;
  readonly rpc: RpcMetrics;
  readonly access: Access;
  readonly connections: Connections;
  /** What is wrong with this process, asked for each report. */
  conditions(): readonly PeerCondition[];
}

/** One peer: everything but its servers, wired by hand. */
export class Peer {
  readonly config: Config;
  readonly access: Access;
  /** Those of clients. */
  readonly connections: Connections;
  readonly overlay: Overlay;
  readonly index: ThreadedIndex;
  readonly indexLimits: IndexLimits;
  readonly publisher: Publisher;
  readonly responders: Responders;
  readonly respondStreams: RespondStreams;
  readonly queries: Queries;
  readonly lookups: Lookups;
  /** About all peers. */
  readonly questions: PeerQuestions;
  /** Whose key signs the records of clients that have none. */
  readonly identity: SigningIdentity;
  readonly verifyRecord: RecordVerifier;
  readonly feed: TopologyFeed;
  readonly subscriptions: Subscriptions;
  readonly watches: TopologyWatches;
  readonly operators: TrustedOperators;
  /** This peer's own; null when it does not encrypt. */
  readonly certificates: CertificateWatch | null;
  readonly bans: BanDesk;
  readonly health = new Health();
  readonly metrics: PeerMetrics;
  readonly #offers: Offers;
  /** Tells the mesh what is in the index. */
  readonly #terms: TermFeed;
  readonly #logs: Logs;

  constructor({ config, logs, security, transport, ports, rpc, access, connections, conditions }: PeerDependencies) {
    this.config = config;
    this.access = access;
    this.connections = connections;
    this.#logs = logs;
    const counters = new MeshCounters<Uint8Array>();
    const self: PeerInfo = {
      id: security.identity.id,
      address: advertisedAddress(config.linkAdvertise, config.linkHost, ports.link),
      apiAddress: advertisedAddress(config.apiAdvertise, config.apiHost, ports.api),
      incarnation: Math.floor(performance.timeOrigin + performance.now()),
      zone: config.zone,
      name: peerName(config),
      version,
    };
    this.identity = security.identity;
    this.verifyRecord = new RecordVerification().verify;
    this.certificates = security.tls?.watch ?? null;
    this.indexLimits = { documentsMax: config.indexDocumentsMax, bytesMax: config.indexBytesMax };
    this.index = new ThreadedIndex({
      ...this.indexLimits,
      path: config.dataDir === '' ? '' : join(config.dataDir, 'index.sqlite'),
      onChange: () => this.#terms.changed(),
      onTrouble: (problem, details) => logs.search.error(details, problem),
    });
    this.operators = new TrustedOperators(config, logs.mesh);
    const signing = config.signatures === 'links' ? undefined : new MessageSigning(security.identity, config.mesh);
    this.overlay = new Overlay({
      operators: this.operators,
      verifyRecord: this.verifyRecord,
      signRecord: (record) => signRecord(security.identity, record),
      config,
      self,
      transport,
      bodies: bodyCodec,
      primitives: signing,
      tap: counters,
      seed: randomBytes(4).readUInt32LE(),
      documents: () => this.index.size,
      conditions,
    });
    const { overlay } = this;
    this.bans = new BanDesk(
      overlay,
      config.dataDir === '' ? null : new BanFile(join(config.dataDir, 'bans.json'), logs.mesh),
    );
    this.publisher = new Publisher(
      { waitingMax: config.publishesWaitingMax, requestsMax: 65_536, requestTtlMs: 120_000 },
      overlay,
    );
    this.#terms = new TermFeed(overlay, this.index);
    this.responders = new Responders({
      selfId: self.id,
      respondersMax: config.respondersMax,
      stallMs: config.responderStallMaxMs,
      now: () => overlay.now(),
    });
    this.respondStreams = new RespondStreams({
      responders: this.responders,
      respondersMax: config.respondersMax,
      selfId: self.id,
      attachMaxMs: config.requestMaxMs,
      now: () => overlay.now(),
      log: logs.api,
    });
    this.queries = new Queries(overlay, this.index, this.responders, {
      selfId: self.id,
      queriesMax: config.queriesMax,
      ended: (end) => this.metrics.queryEnded(end),
    });
    this.lookups = new Lookups(overlay, { ended: (kind, result) => this.metrics.lookupEnded(kind, result) });
    this.questions = new PeerQuestions(overlay, {
      row: () =>
        ownRow(overlay, {
          version,
          deliveryRatio: () => this.metrics.deliveryRatio(overlay.now()),
          documents: () => this.index.size,
          subscribers: () => this.subscriptions.size,
          responders: () => this.responders.size,
        }),
      ended: (answer) => this.metrics.peersAnswered(answer),
    });
    const offer = (name: string, forMs: number) => {
      const record = offerRecord(this.identity, name, overlay.now(), forMs);
      return this.lookups.put(record, defaultKademliaConfig.putPaths, offerTimeoutMs);
    };
    this.#offers = new Offers(config.lookupOffers, offer, logs.mesh);
    this.feed = new TopologyFeed(defaultTopologyFeedConfig, overlay, () => overlay.members());
    this.subscriptions = new Subscriptions({
      subscriptionsMax: config.subscriptionsMax,
      holdTimeMs: config.storeAgeMs,
      open: (options) => overlay.subscribe(options),
      decode: (body) => overlay.decode(body),
      log: logs.api,
    });
    this.watches = new TopologyWatches(this.feed, {
      watchesMax: config.watchesMax,
      selfId: self.id,
      banOf: (id) => this.bans.about(id),
      log: logs.api,
    });
    const { publisher, queries, responders, subscriptions, watches, index } = this;
    this.metrics = new PeerMetrics({
      overlay,
      counters,
      publisher,
      queries,
      responders,
      subscriptions,
      watches,
      index,
      rpc,
      access,
      connections,
      links: transport.counters,
      certificates: this.certificates,
      signing: signing ?? null,
    });
    overlay.on((event) => {
      if (event.kind === 'readable') this.subscriptions.wake();
    });
    this.#tellHealth();
    this.#writeLog();
  }

  /** Looks for the mesh and joins it. */
  async start(discovery: readonly Discovery[]): Promise<void> {
    await this.overlay.start(discovery);
    this.#terms.start();
    this.bans.restore();
    this.#offers.start();
    this.operators.watch(() => this.overlay.command({ kind: 'operatorKeysChanged' }));
  }

  /** Publishes one message of a client. Rejects with a StarlingError. */
  async publish(request: PublishRequest, call: Parameters<typeof budgetOf>[0]): Promise<PublishResponse> {
    this.overlay.ensureServing();
    checkPublish(request, this.config.payloadBytesMax);
    const isHeld = request.acknowledge === Acknowledge.HELD;
    const published = await this.publisher.publish(
      {
        topic: request.topic,
        payload: request.payload,
        headers: request.headers,
        holders: isHeld ? Math.max(1, request.holdNeighbors) : 0,
        requestId: request.requestId,
      },
      this.overlay.now() + budgetOf(call, heldDefaultMs, heldMaxMs),
    );
    // A plain object: `create` looks at every field, and this one is made for each message.
    return {
      $typeName: 'starling.v1.PublishResponse',
      messageId: messageIdOf(published.stream, published.sequence),
      origin: parseStream(published.stream).origin,
      sequence: BigInt(published.sequence),
      publishTime: timestampFromMs(Math.round(published.publishedAt)),
      heldBy: published.heldBy,
      alone: published.alone,
    };
  }

  /** Leaves the mesh: not ready, streams ended, neighbours told. The process stays. Resolves with how many were told. */
  async drain(timeoutMs: number): Promise<number> {
    const leaving = this.overlay.leave(timeoutMs);
    // Its clients are to move while it can still give them what is theirs.
    this.endStreams();
    return leaving;
  }

  endStreams(): void {
    this.subscriptions.close();
    this.watches.close();
    this.respondStreams.close();
  }

  async stop(): Promise<void> {
    this.operators.stop();
    this.#offers.stop();
    await Promise.all([this.overlay.stop(), this.bans.close()]);
    this.health.close();
    await this.index.close();
  }

  #tellHealth(): void {
    const services = [
      'starling.v1.MeshService',
      'starling.v1.SearchService',
      'starling.v1.LookupService',
      'starling.v1.AdminService',
    ];
    const tell = (): void => {
      const isReady = this.overlay.state === 'ready';
      for (const service of ['', 'ready', ...services]) this.health.set(service, isReady);
    };
    this.health.set('live', true);
    this.health.set('startup', true);
    tell();
    this.overlay.readiness.on(tell);
  }

  #writeLog(): void {
    const { overlay } = this;
    const { mesh, peer } = this.#logs;
    overlay.readiness.on((state) => peer.info({ state, reason: overlay.ready().reason }, `the peer is ${state}`));
    overlay.on((event) => {
      switch (event.kind) {
        case 'neighborUp':
          mesh.info({ neighbor: event.peer.name, id: event.peer.id }, 'a neighbour came');
          break;
        case 'neighborDown':
          mesh.info({ neighbor: event.peer.name, id: event.peer.id, reason: event.reason }, 'a neighbour went');
          break;
        case 'memberUp':
        case 'memberDown':
          mesh.debug({ member: event.info.name, id: event.info.id, change: event.kind }, 'the directory changed');
          break;
        case 'contactsNeeded':
          this.#logs.discovery.debug('looking for peers');
          break;
        case 'suspicion':
          mesh.warn({ id: event.peer, outcome: event.outcome }, 'a neighbour was suspected of being dead');
          break;
        case 'judged':
          this.#logJudged(event.verdict);
          break;
        case 'bypass':
          if (event.isOn) mesh.warn('neighbours do not pass messages on; other members are asked for them');
          else mesh.info('neighbours pass messages on again; other members are asked no more');
          break;
        case 'banned':
          this.#logBanned(event.ban);
          break;
        case 'banLifted':
          mesh.info({ id: event.peer }, 'a ban of the mesh is over');
          break;
        case 'banRefused':
          mesh.warn({ from: event.from, reason: event.reason }, 'a record of a ban was refused');
          break;
        case 'protocolViolation':
          mesh.warn({ id: event.peer, rule: event.rule }, 'a neighbour sent what the protocol forbids; ignored');
          break;
        default:
      }
    });
  }

  #logBanned(ban: Ban): void {
    const { subject: id, reason, by } = ban;
    const until = Number.isFinite(ban.bannedUntil) ? new Date(ban.bannedUntil).toISOString() : 'for good';
    if (id === this.overlay.self.id) {
      this.#logs.mesh.error({ reason, by, until }, 'THIS PEER is banned from the mesh by an operator');
    } else {
      this.#logs.mesh.warn({ id, reason, by, until }, 'a peer was banned from the mesh by an operator');
    }
  }

  #logJudged(verdict: Extract<MeshEvent, { readonly kind: 'judged' }>['verdict']): void {
    const { mesh } = this.#logs;
    switch (verdict.kind) {
      case 'dropped':
        mesh.warn(
          { id: verdict.peer, reason: verdict.reason },
          'a neighbour that does more harm than good was dropped',
        );
        break;
      case 'banned':
        mesh.warn({ id: verdict.peer, reason: verdict.reason, until: verdict.until }, 'a peer was banned for a while');
        break;
      case 'pardoned':
        mesh.info({ id: verdict.peer }, 'a ban is over');
        break;
    }
  }
}

/** The name that people see. */
export function peerName(config: Pick<Config, 'name'>): string {
  return config.name === '' ? hostname() : config.name;
}
