import { StarlingError } from '@starling/client';
import type { BanReader } from '@starling/core-bans';
import { admitAll } from '@starling/core-hyparview';
import type { LookupRecord, RecordVerifier, UnsignedRecord } from '@starling/core-kademlia';
import type { PeerCondition, PeerReport } from '@starling/core-observe';
import type { SignaturePrimitives } from '@starling/core-plumtree';
import type { OpenOptions, Subscription } from '@starling/core-pubsub';
import { type Discovery, defaultHostConfig, Host, type HostTap, type Transport } from '@starling/host';
import { type Millis, type PeerId, type PeerInfo, Rng } from '@starling/kernel';
import {
  type Body,
  type BodyCodec,
  defaultMeshConfig,
  Mesh,
  type MeshCommand,
  type MeshConfig,
  type MeshEvent,
} from '@starling/mesh';
import type { Config } from '../config/schema.ts';
import type { MeshPort } from './mesh-port.ts';
import { Meter } from './meter.ts';
import { type PeerState, Readiness, type ReadinessReport } from './readiness.ts';
import { systemClock } from './system-clock.ts';

export interface OverlayOptions {
  readonly config: Config;
  readonly self: PeerInfo;
  readonly transport: Transport<Uint8Array>;
  readonly bodies: BodyCodec<Uint8Array>;
  /** Whose bans count in the whole mesh. */
  readonly operators: BanReader;
  /** Unless `config.signatures` is `links`. */
  readonly primitives: SignaturePrimitives<Uint8Array> | undefined;
  readonly verifyRecord: RecordVerifier;
  /** Signs this peer's own. */
  readonly signRecord: (record: UnsignedRecord) => LookupRecord;
  readonly tap: HostTap<Uint8Array>;
  /** 32 bits, different at each start. */
  readonly seed: number;
  /** Documents in the local index. */
  documents(): number;
  /** What is wrong with this peer, beside what only the mesh knows. */
  conditions(): readonly PeerCondition[];
}

/** This peer's part of the mesh as the API sees it: the mesh, its host, and whether clients may be sent here. */
export class Overlay implements MeshPort {
  readonly readiness: Readiness;
  readonly mesh: Mesh<Uint8Array>;
  readonly host: Host<Uint8Array>;
  readonly #bodies: BodyCodec<Uint8Array>;
  readonly #meter: Meter;
  /** By clients; what the mesh says to itself does not count. */
  #published = 0;
  /** Reports for whoever asks this peer about itself; the mesh's own go by their own clock. */
  readonly #ownMeter: Meter;
  #ticker: NodeJS.Timeout | undefined;

  constructor({
    config,
    self,
    transport,
    bodies,
    operators,
    primitives,
    verifyRecord,
    signRecord,
    tap,
    seed,
    documents,
    conditions,
  }: OverlayOptions) {
    const rng = new Rng(seed);
    this.#bodies = bodies;
    this.readiness = new Readiness(systemClock.now(), config.seedTimeoutMs);
    this.mesh = new Mesh({
      config: meshConfigOf(config),
      self,
      rng: rng.child(),
      admission: admitAll,
      bodies,
      bans: operators,
      primitives,
      verifyRecord,
      signRecord,
    });
    this.host = new Host(defaultHostConfig, {
      self,
      mesh: this.mesh,
      transport,
      clock: systemClock,
      rng: rng.child(),
      tap,
    });
    this.host.on((event) => this.#hear(event));
    const sources = {
      self: () => this.host.self,
      state: () => this.state,
      totals: () => ({
        delivered: this.mesh.pubsub.stats.delivered,
        published: this.#published,
        dropped: this.host.stats.sendsDropped,
      }),
      neighbors: () => this.neighbors,
      link: (peer: PeerId) => this.host.linkStats(peer),
      duplicates: (peer: PeerId) => this.mesh.root.broadcast.duplicatesFrom(peer),
      documents,
      conditions,
    };
    this.#meter = new Meter(this.now(), sources);
    this.#ownMeter = new Meter(this.now(), sources);
  }

  get self(): PeerInfo {
    return this.host.self;
  }

  /** Messages of this peer's clients, since the start. */
  get published(): number {
    return this.#published;
  }

  get state(): PeerState {
    return this.readiness.state;
  }

  get neighbors(): readonly PeerInfo[] {
    return this.mesh.root.membership.activeView();
  }

  /** Peers believed to be up, this one included. */
  get size(): number {
    return this.mesh.directory.size;
  }

  now(): Millis {
    return systemClock.now();
  }

  /** How long until the mesh takes one more message that is published here; 0: now. */
  paceMs(): Millis {
    return this.mesh.paceMs(this.now());
  }

  command(command: MeshCommand): void {
    this.host.command(command);
  }

  on(listener: (event: MeshEvent) => void): () => void {
    return this.host.on(listener);
  }

  /** Takes links and looks for peers from now on. */
  async start(discovery: readonly Discovery[]): Promise<void> {
    await this.host.start(discovery);
    this.#ticker = setInterval(() => {
      this.readiness.tick(this.now());
      if (this.state !== 'starting') clearInterval(this.#ticker);
    }, 100);
  }

  /** Leaves the mesh for good; the neighbours were told when it resolves. Throws DRAINING when it is leaving already. */
  async leave(timeoutMs: Millis): Promise<number> {
    if (this.state === 'draining' || this.state === 'stopped') {
      throw new StarlingError('the peer is leaving already', { reason: 'DRAINING' });
    }
    this.readiness.drain();
    return this.host.leave(timeoutMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    await this.host.stop();
    this.readiness.stopped();
  }

  /** Throws DRAINING when clients ought to go to another peer. */
  ensureServing(): void {
    if (this.state === 'draining' || this.state === 'stopped') {
      throw new StarlingError('the peer leaves the mesh: go to another', { reason: 'DRAINING' });
    }
  }

  /** What probes are told. Who is banned takes no clients: nobody in the mesh would hear them. */
  ready(): ReadinessReport {
    const report = this.readiness.report(this.now());
    if (!report.ready || !this.mesh.isBanned(this.self.id)) return report;
    return { ...report, ready: false, reason: 'banned from the mesh by an operator' };
  }

  /** Up to `size` peers with ids above `afterId`, ordered by id. */
  page(afterId: PeerId, size: number): readonly PeerInfo[] {
    return this.mesh.directory.page(afterId, size);
  }

  /** Everybody that the directory believes to be up, this peer included. */
  *members(): Generator<PeerInfo> {
    for (const id of this.mesh.directory.upIds()) {
      const info = this.mesh.directory.get(id);
      if (info !== undefined) yield info;
    }
  }

  subscribe(options: OpenOptions): Subscription<Uint8Array> | null {
    this.ensureServing();
    return this.mesh.pubsub.open(this.now(), options);
  }

  decode(body: Uint8Array): Body | null {
    return this.#bodies.decode(body);
  }

  /** This peer's own report, now. */
  report(): PeerReport {
    return { ...this.mesh.completed(this.#ownMeter.measure(this.now())), number: 0 };
  }

  #hear(event: MeshEvent): void {
    switch (event.kind) {
      case 'neighborUp':
      case 'neighborDown':
        this.readiness.neighbors(this.neighbors.length);
        break;
      case 'caughtUp':
        this.readiness.caughtUp();
        break;
      case 'published':
        this.#published++;
        break;
      case 'measure':
        this.command({ kind: 'measured', report: this.#meter.measure(this.now()) });
        break;
      default:
    }
  }
}

function meshConfigOf(config: Config): MeshConfig {
  const { hyparview, plumtree, pubsub, canary, summaries, lookup } = defaultMeshConfig;
  return {
    ...defaultMeshConfig,
    hyparview: {
      ...hyparview,
      activeCapacity: config.activeViewCapacity,
      passiveCapacity: config.passiveViewCapacity,
      rankedPlaces: config.rankedPlaces,
      attemptsMax: Math.max(hyparview.attemptsMax, 2 * config.activeViewCapacity),
    },
    plumtree: {
      ...plumtree,
      signatures: config.signatures,
      holdBytesMax: config.storeBytesMax,
      holdMs: config.storeAgeMs,
      // A replay older than what anybody holds is refused, whatever the hold time.
      acceptOlderMs: Math.max(plumtree.acceptOlderMs, config.storeAgeMs + plumtree.acceptOlderMs - plumtree.holdMs),
      repairBytesMax: Math.max(plumtree.repairBytesMax, config.payloadBytesMax),
    },
    // The log keeps the very objects that the store holds: the same bounds, and the bytes once.
    pubsub: {
      ...pubsub,
      logBytesMax: config.storeBytesMax,
      logAgeMs: config.storeAgeMs,
      lookbackMs: Math.min(pubsub.lookbackMs, config.storeAgeMs),
      subscriptionsMax: config.subscriptionsMax,
    },
    canary: { ...canary, enabled: config.canary },
    summaries: { ...summaries, enabled: config.summaries, bytesMax: config.summariesBytesMax },
    lookup: {
      ...lookup,
      k: config.lookupReplicas,
      recordsMax: config.lookupRecordsMax,
      recordBytesMax: config.lookupBytesMax,
    },
  };
}
