import type { Millis, PeerInfo } from '@starling/kernel';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { World } from '../engine/world.ts';
import { tagOfKind } from '../engine/world-port.ts';
import { type SwimConfig, type SwimEvent, type SwimMessage, SwimNode } from '../node/swim-node.ts';

/** What peers that did not stall made of the others. Each observer counts. */
export interface FalseDeaths {
  /** Of peers that were well all the time. */
  innocent: number;
  /** Of peers that stalled and came back. */
  stalled: number;
}

/** Peers that stall and wake and stall again, as in Lifeguard's interval experiment (2017, §V-A): all at once, for `forMs`, then awake for `awakeMs`. */
export interface Stalls {
  readonly peers: number;
  readonly forMs: Millis;
  readonly awakeMs: Millis;
  readonly times: number;
}

/** Some of a SWIM group stall at once: whom do the others take for dead, until 30 s after? */
export function swimStalls(config: SwimConfig, peers: number, seed: number, stalls: Stalls): FalseDeaths {
  const world = new World<SwimMessage, readonly PeerInfo[], SwimEvent>({
    seed,
    network: network(latencies.threeZones, { lingerMs: 0 }),
    boot: (info, rng) => new SwimNode(config, info, rng),
    tagOf: tagOfKind,
  });
  for (let i = 0; i < peers; i++) world.start();
  for (const peer of world.peers) {
    world.command(
      peer,
      world.peers.map(({ info }) => info),
    );
  }
  world.runUntil(20_000);
  const stalled = new Set(world.rng.sample(world.peers, stalls.peers));
  const ids = new Set([...stalled].map(({ info }) => info.id));
  const counts: FalseDeaths = { innocent: 0, stalled: 0 };
  world.observe({
    event: (peer, { id }) => {
      if (stalled.has(peer)) return;
      if (ids.has(id)) counts.stalled++;
      else counts.innocent++;
    },
  });
  for (let i = 0; i < stalls.times; i++) {
    for (const peer of stalled) world.pause(peer, stalls.forMs);
    world.runUntil(world.now + stalls.forMs + stalls.awakeMs);
  }
  world.runUntil(world.now + 30_000);
  return counts;
}
