import { defaultHyParViewConfig, type HyParViewConfig } from '@starling/core-hyparview';
import { defaultPlumtreeConfig, type PlumtreeConfig } from '@starling/core-plumtree';
import type { Millis, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import { cycleNetwork, type NetworkModel } from '../engine/network.ts';
import type { SimPeer } from '../engine/peer.ts';
import { World } from '../engine/world.ts';
import { tagOfKind } from '../engine/world-port.ts';
import { Deliveries } from '../measure/deliveries.ts';
import { type Graph, graphOf } from '../measure/graph.ts';
import { Discovery, type DiscoveryModel, singleContact } from '../node/discovery.ts';
import {
  type SwarmCommand,
  type SwarmConfig,
  type SwarmEvent,
  type SwarmMessage,
  SwarmNode,
} from '../node/swarm-node.ts';

export type SwarmPeer = SimPeer<SwarmMessage, SwarmCommand, SwarmEvent>;
export type SwarmWorld = World<SwarmMessage, SwarmCommand, SwarmEvent>;

/** HyParView §5.1: active view 5, passive view 30, no place above that, whoever asks loudest is let in. All else is the product's. */
export const paperViews: HyParViewConfig = {
  ...defaultHyParViewConfig,
  activeCapacity: 5,
  highPrioritySlots: 0,
  rankedPlaces: false,
  passiveCapacity: 30,
};

/** Membership and broadcast with the given views, the broadcast as shipped but for `changes`. */
export function swarmConfig(hyparview: HyParViewConfig, changes: Partial<PlumtreeConfig> = {}): SwarmConfig {
  return { hyparview, plumtree: { ...defaultPlumtreeConfig, ...changes } };
}

/**
 * How the studies that we compare with build their overlay: zero-latency joins, one after the other, through one contact.
 * Joins that overlap in time give another overlay: each walk begins among the newest, and ends near them.
 */
export const oneByOne = { joinNetwork: cycleNetwork, joinEveryMs: 1, cycles: 50 } as const;

export interface SwarmOptions {
  readonly peers: number;
  readonly seed: number;
  /** What the measurements run on. */
  readonly network: NetworkModel;
  /** What the peers join and settle on; `network` when left out. */
  readonly joinNetwork?: NetworkModel;
  readonly config: SwarmConfig;
  readonly discovery?: DiscoveryModel;
  /** Between two starts. */
  readonly joinEveryMs: Millis;
  /** Shuffle intervals between the last start and the return. */
  readonly cycles: number;
  readonly sizeOf?: (message: SwarmMessage) => number;
  /** What runs in a peer that is not to be the product. */
  readonly bootAs?: (config: SwarmConfig, info: PeerInfo, rng: Rng) => SwarmCore | undefined;
}

type SwarmCore = ProtocolCore<SwarmMessage, SwarmCommand, SwarmEvent>;

/** A swarm that has joined and settled, and the tools to measure it. */
export interface Swarm {
  readonly world: SwarmWorld;
  readonly deliveries: Deliveries;
  readonly cycleMs: Millis;
}

/** Starts the peers one after the other, then lets the given number of cycles pass. */
export function settledSwarm(options: SwarmOptions): Swarm {
  const { peers, seed, network, joinNetwork, config, discovery, joinEveryMs, cycles, sizeOf, bootAs } = options;
  const world: SwarmWorld = new World({
    seed,
    network: joinNetwork ?? network,
    boot: (info, rng) => bootAs?.(config, info, rng) ?? new SwarmNode(config, info, rng),
    tagOf: tagOfKind,
    ...(sizeOf === undefined ? {} : { sizeOf }),
  });
  new Discovery(world, discovery ?? singleContact);
  const deliveries = new Deliveries(world);
  for (let i = 0; i < peers; i++) {
    world.start();
    world.runUntil(world.now + joinEveryMs);
  }
  const cycleMs = config.hyparview.shuffleFastIntervalMs;
  world.runUntil(world.now + cycles * cycleMs);
  if (joinNetwork !== undefined) world.changeNetwork(network);
  return { world, deliveries, cycleMs };
}

/** The node inside a simulated peer. */
export function nodeOf(peer: SwarmPeer): SwarmNode {
  return peer.core as SwarmNode;
}

export function livePeers(world: SwarmWorld): SwarmPeer[] {
  return world.peers.filter(({ isUp }) => isUp);
}

/** Whom a peer has in its active view. */
export function neighborsOf(world: SwarmWorld, id: PeerId): PeerId[] {
  const peer = world.find(id);
  return peer === undefined
    ? []
    : nodeOf(peer)
        .membership.activeView()
        .map((neighbor) => neighbor.id);
}

/** The active views of the living. */
export function activeGraph(world: SwarmWorld): Graph {
  return graphOf(
    livePeers(world).map((peer) => ({
      id: peer.info.id,
      links: nodeOf(peer)
        .membership.activeView()
        .map(({ id }) => id),
    })),
  );
}

/** Crashes a random share of the peers at once, and returns how many are left. */
export function crashShare(world: SwarmWorld, share: number): number {
  const live = livePeers(world);
  const victims = world.rng.sample(live, Math.round(live.length * share));
  for (const victim of victims) world.crash(victim);
  return live.length - victims.length;
}

/** A random living peer. */
export function anyLive(world: SwarmWorld): SwarmPeer {
  for (;;) {
    const peer = world.peers[world.rng.below(world.peers.length)] as SwarmPeer;
    if (peer.isUp) return peer;
  }
}
