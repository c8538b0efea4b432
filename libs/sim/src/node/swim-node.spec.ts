import type { PeerInfo } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { latencies } from '../engine/latency.ts';
import { network } from '../engine/network.ts';
import { World } from '../engine/world.ts';
import { tagOfKind } from '../engine/world-port.ts';
import { dsn02, lifeguardBaseline, type SwimConfig, type SwimEvent, type SwimMessage, SwimNode } from './swim-node.ts';

/** A group whose members know each other, and every death that one of them states. */
function group(config: SwimConfig, size: number) {
  const deaths: { readonly of: string; readonly at: number }[] = [];
  const world = new World<SwimMessage, readonly PeerInfo[], SwimEvent>({
    seed: 1,
    network: network(latencies.lan, { lingerMs: 0 }),
    boot: (info, rng) => new SwimNode(config, info, rng),
    tagOf: tagOfKind,
  });
  for (let i = 0; i < size; i++) world.start();
  const infos = world.peers.map(({ info }) => info);
  for (const peer of world.peers) world.command(peer, infos);
  world.observe({ event: (_, { id }, now) => void deaths.push({ of: id, at: now }) });
  return { world, deaths };
}

const size = 20;

describe('plain SWIM, the rival', () => {
  it('a calm group takes nobody for dead, at two messages a period and member (§5.2)', () => {
    const { world, deaths } = group({ ...dsn02(size), suspicionMs: 0 }, size);
    world.runUntil(120_000);
    expect(deaths).toEqual([]);
    expect(world.stats.messages / size / 60).toBeCloseTo(2, 1);
  });

  it('without suspicion all list a crash, the first within a few periods (Fig. 3: 1.58 on average)', () => {
    const { world, deaths } = group({ ...dsn02(size), suspicionMs: 0 }, size);
    world.runUntil(20_000);
    world.crash(world.peers[3] as (typeof world.peers)[number], true);
    world.runUntil(60_000);
    expect(deaths.map(({ of }) => of)).toEqual(Array(size - 1).fill('p3'));
    expect((deaths[0]?.at ?? 0) - 20_000).toBeLessThan(5 * 2_000);
  });

  it('with suspicion a stall shorter than it is taken back, and a crash is listed after it', () => {
    const config = lifeguardBaseline(size);
    const { world, deaths } = group(config, size);
    world.runUntil(20_000);
    world.pause(world.peers[5] as (typeof world.peers)[number], 4_000);
    world.runUntil(50_000);
    expect(deaths).toEqual([]);
    world.crash(world.peers[3] as (typeof world.peers)[number], true);
    world.runUntil(80_000);
    expect(deaths.map(({ of }) => of)).toEqual(Array(size - 1).fill('p3'));
    expect((deaths[0]?.at ?? 0) - 50_000).toBeGreaterThan(config.suspicionMs);
  });
});
