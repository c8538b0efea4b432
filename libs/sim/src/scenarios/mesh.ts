import { neighborsMax } from '@starling/core-hyparview';
import { parsePattern } from '@starling/core-pubsub';
import type { Millis, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import { defaultMeshConfig, type MeshCommand, type MeshConfig, type MeshEvent } from '@starling/mesh';
import { type LifeId, MessageChecker, payloadOf } from '../checkers/messages.ts';
import { checkViews, type ViewBounds } from '../checkers/views.ts';
import type { NetworkModel } from '../engine/network.ts';
import type { SimPeer } from '../engine/peer.ts';
import { World } from '../engine/world.ts';
import { tagOfKind, type WorldObserver } from '../engine/world-port.ts';
import { clusterDns, Discovery, type DiscoveryModel } from '../node/discovery.ts';
import { garble } from '../node/garble.ts';
import { MeshNode, type SimMessage } from '../node/mesh-node.ts';

export type MeshPeer = SimPeer<SimMessage, MeshCommand, MeshEvent>;
export type MeshWorld = World<SimMessage, MeshCommand, MeshEvent>;

export interface MeshOptions {
  readonly seed: number;
  readonly network: NetworkModel;
  readonly config?: MeshConfig;
  readonly discovery?: DiscoveryModel;
  readonly sizeOf?: (message: SimMessage) => number;
  /** Subscribes every peer and checks views and deliveries after every input; off for measurements of scale. */
  readonly isChecked: boolean;
  /** What runs in a peer that is not to be the product. */
  readonly bootAs?: (
    config: MeshConfig,
    info: PeerInfo,
    rng: Rng,
  ) => ProtocolCore<SimMessage, MeshCommand, MeshEvent> | undefined;
}

/** A message may be delivered this long after the window in which it is accepted, for what waits in order. */
const expirySlackMs = 60_000;

/** A simulated mesh of whole peers, each with one subscriber of everything, and the checkers that watch it. */
export class MeshHarness implements WorldObserver<SimMessage, MeshCommand, MeshEvent> {
  readonly world: MeshWorld;
  readonly discovery: Discovery<SimMessage, MeshCommand, MeshEvent>;
  readonly messages: MessageChecker;
  /** Broken view invariants. */
  readonly violations: string[] = [];
  readonly #config: MeshConfig;
  readonly #bounds: ViewBounds;
  readonly #isChecked: boolean;
  /** How often each peer started, by index. */
  readonly #lives: number[] = [];
  /** How often each peer's views had been changed when they were last checked, by index. */
  readonly #checked: number[] = [];
  readonly #subscriptions = new Map<MeshPeer, ReturnType<MeshNode['mesh']['pubsub']['open']>>();
  #requestId = 0;

  constructor({ seed, network, config, discovery, sizeOf, isChecked, bootAs }: MeshOptions) {
    this.#config = config ?? defaultMeshConfig;
    const { hyparview, plumtree } = this.#config;
    this.#bounds = {
      activeMax: neighborsMax(hyparview),
      passiveMax: hyparview.passiveCapacity,
    };
    this.#isChecked = isChecked;
    this.messages = new MessageChecker(plumtree.acceptOlderMs + expirySlackMs);
    this.world = new World({
      seed,
      network,
      boot: (info, rng: Rng) => bootAs?.(this.#config, info, rng) ?? new MeshNode(this.#config, info, rng),
      tagOf: ({ message }) => tagOfKind(message),
      garble,
      ...(sizeOf === undefined ? {} : { sizeOf }),
    });
    this.world.observe(this);
    this.discovery = new Discovery(this.world, discovery ?? clusterDns);
  }

  /** Everything that broke so far. */
  get broken(): readonly string[] {
    return [...this.violations, ...this.messages.violations];
  }

  /** Starts peers, `everyMs` apart. */
  start(count: number, everyMs: Millis): void {
    for (let i = 0; i < count; i++) {
      this.world.start();
      this.world.runUntil(this.world.now + everyMs);
    }
  }

  livePeers(): MeshPeer[] {
    return this.world.peers.filter(({ isUp }) => isUp);
  }

  /** Publishes through a peer; the number of the message. */
  publish(peer: MeshPeer): number {
    const number = this.messages.publish(peer.index, this.world.now);
    this.world.command(peer, {
      kind: 'publish',
      requestId: this.#requestId++,
      topic: 'sim.load',
      payload: payloadOf(number),
      headers: {},
      wantHeld: false,
    });
    return number;
  }

  lifeOf(peer: MeshPeer): LifeId {
    return `${peer.index}.${this.#lives[peer.index] ?? 0}`;
  }

  started(peer: MeshPeer): void {
    this.#lives[peer.index] = (this.#lives[peer.index] ?? -1) + 1;
    this.#checked[peer.index] = -1;
    if (!this.#isChecked) return;
    const everything = parsePattern('>');
    if (!everything.ok) throw new Error(everything.problem);
    const subscription = meshOf(peer).pubsub.open(this.world.now + peer.skewMs, {
      patterns: [everything.value],
      cursors: [],
      since: null,
      replayAll: true,
    });
    this.#subscriptions.set(peer, subscription);
  }

  event(peer: MeshPeer, event: MeshEvent, now: Millis): void {
    if (event.kind !== 'readable') return;
    const subscription = this.#subscriptions.get(peer);
    while (subscription?.hasMore()) {
      for (const read of subscription.read(64)) {
        if (read.kind !== 'message' || read.message.body.kind !== 'user') continue;
        this.messages.delivered(this.lifeOf(peer), read.message.body.payload, now);
      }
    }
  }

  handled(peer: MeshPeer): void {
    if (!this.#isChecked || this.violations.length >= 100) return;
    const { membership, broadcast } = meshOf(peer).root;
    if (broadcast.store.bytes > this.#config.plumtree.holdBytesMax) {
      this.violations.push(
        `the store of ${peer.info.id} holds ${broadcast.store.bytes} bytes, at ${this.world.now} ms`,
      );
    }
    // Most inputs leave the views as they were, and to look at a hundred spares is dear.
    if (this.#checked[peer.index] === membership.viewChanges) return;
    this.#checked[peer.index] = membership.viewChanges;
    const violation = checkViews(
      peer.info.id,
      membership.activeView(),
      membership.passiveView(),
      (id) => membership.isNeighbor(id),
      this.#bounds,
    );
    if (violation !== null) this.violations.push(`${violation}, at ${this.world.now} ms`);
  }
}

/** The mesh inside a simulated peer. */
export function meshOf(peer: MeshPeer): MeshNode['mesh'] {
  return (peer.core as MeshNode).mesh;
}
