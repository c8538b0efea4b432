import { describe, expect, it } from 'vitest';
import { TestNetwork } from './network.test-support.ts';
import { crossingsOf } from './tree-label.ts';

/** Zones of peers, each a ring with chords of 1 ms, every peer with one link of 30 ms to a peer of each other zone. */
function zones(names: readonly string[], size: number, config = {}): { network: TestNetwork; ids: string[][] } {
  const network = new TestNetwork(5, config);
  const ids = names.map((zone) => Array.from({ length: size }, (_, i) => `${zone}${String(i).padStart(2, '0')}`));
  for (const [z, zone] of ids.entries()) for (const id of zone) network.add(id, names[z]);
  for (const zone of ids) {
    for (let i = 0; i < size; i++) {
      for (const step of [1, 5]) network.link(zone[i] as string, zone[(i + step) % size] as string, 1);
    }
  }
  for (const [a, zone] of ids.entries()) {
    for (const other of ids.slice(a + 1)) {
      for (let i = 0; i < size; i++) network.link(zone[i] as string, other[(i * 3) % size] as string, 30);
    }
  }
  network.run(1_000);
  return { network, ids };
}

/** Payloads sent, and those of them from zone to zone, while `run` runs. A zone is the first letter of an id. */
function payloads(network: TestNetwork, run: () => void): { all: number; crossing: number } {
  const count = { all: 0, crossing: 0 };
  network.drop = (from, to, message) => {
    if (message.kind === 'gossip') {
      count.all++;
      if (from[0] !== to[0]) count.crossing++;
    }
    return false;
  };
  run();
  network.drop = () => false;
  return count;
}

describe('trees of zones', () => {
  it('a payload enters each other zone once, straight from the zone of its sender, and costs N − 1 pushes', () => {
    const { network, ids } = zones(['a', 'b', 'c'], 16);
    const publish = (id: string): void => {
      network.publish(id, id);
      network.run(2_000);
    };
    for (const zone of ids) for (const id of zone.slice(0, 6)) publish(id);
    for (const zone of ids) {
      for (const id of zone) expect(payloads(network, () => publish(id))).toEqual({ all: 47, crossing: 2 });
    }
    for (const peer of network.peers.values()) {
      expect(peer.delivered).toHaveLength(3 * 6 + 48);
      for (const { stream, entry, publishedAt } of peer.delivered.slice(18)) {
        // What was received had crossed at most the link that it came by: never through a third zone.
        expect(crossingsOf(entry), `${stream} at ${peer.id}, ${publishedAt}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('when the one link into a zone breaks another takes its place, and nothing is lost', () => {
    const { network, ids } = zones(['a', 'b'], 16);
    for (let i = 0; i < 6; i++) {
      network.publish('a00', `warm ${i}`);
      network.run(2_000);
    }
    for (let broken = 0; broken < 5; broken++) {
      let way: [string, string] | undefined;
      network.drop = (from, to, message) => {
        if (message.kind === 'gossip' && from[0] !== to[0]) way = [from, to];
        return false;
      };
      network.publish('a00', `before ${broken}`);
      network.run(2_000);
      network.cut(...(way as [string, string]));
      network.publish('a00', `after ${broken}`);
      network.run(3_000);
    }
    for (const id of ids.flat()) expect(network.peer(id).delivered).toHaveLength(16);
    // All peers with a far link grafted theirs, and those that had yielded a moment ago believe in nothing better for a minute.
    network.run(61_000);
    // One message finds out which stays, the next the shortest paths from there.
    for (let i = 0; i < 3; i++) {
      network.publish('a00', 'settling');
      network.run(2_000);
    }
    const settled = payloads(network, () => {
      network.publish('a00', 'last');
      network.run(2_000);
    });
    expect(settled).toEqual({ all: 31, crossing: 1 });
  });

  it('a zone that is reached through a third one is reached straight as soon as there is a link', () => {
    const network = new TestNetwork(1);
    for (const id of ['a1', 'a2', 'b1', 'c1', 'c2']) network.add(id, id[0]);
    for (const [x, y] of [
      ['a1', 'a2'],
      ['c1', 'c2'],
    ] as const)
      network.link(x, y, 1);
    for (const [x, y] of [
      ['a1', 'b1'],
      ['b1', 'c1'],
    ] as const)
      network.link(x, y, 30);
    const delay = (id: string): number => {
      network.publish('a1', 'x');
      const from = network.now;
      for (;;) {
        const before = network.peer(id).delivered.length;
        network.run(1);
        if (network.peer(id).delivered.length > before) return network.now - from;
      }
    };
    expect(delay('c2')).toBe(61);
    network.run(2_000);
    // One that is slower than any detour is no help: the tree prunes it.
    network.link('a2', 'c2', 300);
    network.run(2_000);
    expect(delay('c2')).toBe(61);
    network.run(2_000);
    network.cut('a2', 'c2');
    // One that is a little slower is taken, for it spares a crossing.
    network.link('a2', 'c2', 70);
    network.run(2_000);
    // The first message is announced over it, the second crosses it.
    for (let i = 0; i < 2; i++) {
      delay('c2');
      network.run(2_000);
    }
    expect(delay('c2')).toBe(71);
  });

  it('a mesh that knows no zones has one tree, named 0, and says nothing of zones', () => {
    const network = new TestNetwork(1);
    for (const id of ['a', 'b', 'c']) network.add(id);
    network.link('a', 'b', 1);
    network.link('b', 'c', 1);
    network.publish('a', 'x');
    network.run(1_000);
    network.publish('c', 'y');
    network.run(1_000);
    for (const { core, delivered } of network.peers.values()) {
      expect(core.zoneTree).toBe(0);
      expect(core.trees.known).toBe(1);
      expect(delivered.map(({ tree, entry }) => [tree, entry])).toEqual([
        [0, 0],
        [0, 0],
      ]);
    }
  });
});

describe('trees of senders', () => {
  const config = { hotMessages: 4, hotTreesMax: 2, treesMax: 3 };

  function ring(size: number, changes = {}): { network: TestNetwork; ids: string[] } {
    const network = new TestNetwork(2, { ...config, ...changes });
    const ids = Array.from({ length: size }, (_, i) => `p${String(i).padStart(2, '0')}`);
    for (const id of ids) network.add(id);
    for (let i = 0; i < size; i++) network.link(ids[i] as string, ids[(i + 1) % size] as string, 10);
    network.run(1_000);
    return { network, ids };
  }

  it('a sender of many messages gets a tree in which everybody is as near as the overlay allows', () => {
    const { network, ids } = ring(12);
    const farthest = (): number => Math.max(...ids.map((id) => network.peer(id).delivered.at(-1)?.round as number));
    // The shared tree is broken opposite to p00: p06 is next to the gap.
    for (let i = 0; i < 3; i++) {
      network.publish('p00', 'warm');
      network.run(1_000);
    }
    network.publish('p06', 'cold');
    network.run(1_000);
    expect(farthest()).toBe(11);
    for (let i = 0; i < 4; i++) {
      network.publish('p06', 'hot');
      network.run(1_000);
    }
    expect(farthest()).toBe(6);
    const before = network.sent.get('gossip') as number;
    network.publish('p06', 'hot');
    network.run(1_000);
    expect((network.sent.get('gossip') as number) - before).toBe(11);
    // The others' tree is as it was.
    network.publish('p00', 'cold');
    network.run(1_000);
    expect(farthest()).toBe(6);
  });

  it('of a burst one message plants it, and what follows does not flood as well', () => {
    const { network, ids } = ring(12);
    network.publish('p00', 'warm');
    network.run(2_000);
    const sent = (): number => network.sent.get('gossip') ?? 0;
    const before = sent();
    for (let i = 0; i < 100; i++) network.publish('p06', `burst ${i}`);
    network.run(2_000);
    // 11 for each, and a link of the ring twice for the one that planted.
    expect(sent() - before).toBeLessThanOrEqual(100 * 11 + 2);
    expect(network.peer('p00').delivered.filter(({ tree }) => tree !== 0)).toHaveLength(1);
    network.publish('p06', 'later');
    network.run(1_000);
    for (const id of ids) expect(network.peer(id).delivered).toHaveLength(102);
    expect(network.peer('p00').delivered.at(-1)?.tree).not.toBe(0);
  });

  it('nor does a burst flood when the shared tree is planted anew', () => {
    const { network } = ring(12, { hotMessages: 1_000 });
    network.publish('p06', 'warm');
    network.run(600_000);
    const before = network.sent.get('gossip') ?? 0;
    for (let i = 0; i < 100; i++) network.publish('p06', `burst ${i}`);
    network.run(2_000);
    expect((network.sent.get('gossip') ?? 0) - before).toBeLessThanOrEqual(100 * 11 + 2);
    expect(new Set(network.peer('p00').delivered.map(({ tree }) => tree)).size).toBe(2);
  });

  it('ephemeral messages never begin one', () => {
    const { network } = ring(6);
    for (let i = 0; i < 50; i++) network.publish('p01', 'canary', { ephemeral: true });
    network.run(1_000);
    expect(network.peer('p03').core.trees.known).toBe(1);
  });

  it('a sender that has become quiet goes back to the tree of all', () => {
    const { network } = ring(6);
    for (let i = 0; i < 8; i++) network.publish('p01', 'burst');
    network.run(200_000);
    network.publish('p01', 'late');
    network.run(1_000);
    expect(network.peer('p03').delivered.at(-1)).toMatchObject({ body: 'late', tree: 0 });
  });

  it('there are a bounded number of trees; who comes too late sends in the tree of all, and nothing is lost', () => {
    const { network, ids } = ring(8);
    for (let i = 0; i < 6; i++) {
      for (const id of ids) network.publish(id, `${id} ${i}`);
      network.run(1_000);
    }
    for (const id of ids) {
      const { core, delivered } = network.peer(id);
      expect(delivered).toHaveLength(48);
      expect(core.trees.known).toBeLessThanOrEqual(3);
    }
  });

  it('trees that nobody uses make room', () => {
    const { network, ids } = ring(8, { treeIdleMs: 30_000 });
    for (const id of ids) {
      for (let i = 0; i < 6; i++) network.publish(id, `${id} ${i}`);
      network.run(200_000);
    }
    const { core, delivered } = network.peer('p00');
    // One of each sender, and one shared for each ten minutes.
    expect(new Set(delivered.map(({ tree }) => tree)).size).toBe(8 + 3);
    expect(core.trees).toMatchObject({ known: 3, overflowed: 0 });
    expect(core.trees.evicted).toBeGreaterThan(5);
  });
});

describe('an older peer', () => {
  it('that knows one tree only relays, prunes and grafts, and nothing is lost', () => {
    // What an older peer makes of it: no labels, no entries, and no other prune than that of the link.
    const { network, ids } = zones(['a', 'b'], 8, { hotMessages: 5 });
    const old = new Set(['a02', 'b03', 'b04']);
    network.translate = (from, to, message) => {
      if (!old.has(from) && !old.has(to)) return message;
      switch (message.kind) {
        case 'gossip':
          return { ...message, tree: 0, entry: 0 };
        case 'iHave':
          return { ...message, items: message.items.map((item) => ({ ...item, tree: 0, entry: 0 })) };
        case 'graft':
          return { ...message, tree: 0 };
        case 'prune':
          return { ...message, tree: 0, yieldTo: null };
        default:
          return message;
      }
    };
    let published = 0;
    for (let i = 0; i < 12; i++) {
      for (const id of ['a00', 'a02', 'b01', 'b03']) {
        network.publish(id, `m${published++}`);
        network.run(300);
      }
    }
    network.run(5_000);
    for (const id of ids.flat()) expect(network.peer(id).delivered).toHaveLength(published);
  });
});
