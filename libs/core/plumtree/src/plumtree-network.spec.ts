import { describe, expect, it } from 'vitest';
import { TestNetwork } from './network.test-support.ts';

function bodies(network: TestNetwork, id: string): string[] {
  return network.peer(id).delivered.map((message) => message.body);
}

function mesh(size: number, seed: number, config = {}): { network: TestNetwork; ids: string[] } {
  const network = new TestNetwork(seed, config);
  const ids = Array.from({ length: size }, (_, i) => `p${String(i).padStart(2, '0')}`);
  for (const id of ids) network.add(id);
  network.linkRandomly(ids, 5);
  network.run(1_000);
  return { network, ids };
}

describe('64 peers', () => {
  it('SRDS’07 §3.3: after the first broadcast the eager links are a spanning tree, and a payload costs N − 1 pushes', () => {
    const { network, ids } = mesh(64, 1);
    network.publish('p00', 'first');
    network.run(5_000);
    const before = network.sent.get('gossip') ?? 0;
    network.publish('p00', 'second');
    network.run(5_000);
    expect((network.sent.get('gossip') ?? 0) - before).toBe(63);
    for (const id of ids) expect(bodies(network, id)).toEqual(['first', 'second']);
    const eagerEnds = ids.reduce((sum, id) => sum + network.peer(id).core.eagerPeers().length, 0);
    expect(eagerEnds).toBe(2 * 63);
  });

  it('a partition that outlasts every graft timer loses nothing that is still held', () => {
    // The longest wait, so that a graft means a hole and not an impatient peer.
    const { network, ids } = mesh(64, 2, { graft1MinMs: 400 });
    network.publish('p00', 'warm');
    network.run(3_000);
    const left = new Set(ids.slice(0, 32));
    const cuts: [string, string][] = [];
    for (const a of ids) {
      for (const b of ids) if (a < b && left.has(a) !== left.has(b) && network.isLinked(a, b)) cuts.push([a, b]);
    }
    for (const [a, b] of cuts) network.cut(a, b);
    for (let i = 0; i < 40; i++) {
      network.publish(`p0${i % 8}`, `left ${i}`);
      network.publish(`p${40 + (i % 8)}`, `right ${i}`);
      network.run(1_500);
    }
    network.run(30_000);
    // One link is enough: what comes over it is told on from hop to hop.
    const [a, b] = cuts[0] as [string, string];
    network.link(a, b);
    network.run(10_000);
    for (const id of ids) {
      expect(bodies(network, id)).toHaveLength(81);
      expect(new Set(bodies(network, id)).size).toBe(81);
    }
    // One message is grafted over it, and then the tree is whole: the next needs no repair.
    network.publish('p01', 'first');
    network.run(5_000);
    const grafts = network.sent.get('graft') ?? 0;
    network.publish('p00', 'after');
    network.run(5_000);
    network.publish('p63', 'after that');
    network.run(5_000);
    for (const id of ids) expect(bodies(network, id)).toHaveLength(84);
    expect(network.sent.get('graft') ?? 0).toBe(grafts);
  });

  it('half of the peers crash and the survivors are linked anew: nothing that they publish is lost', () => {
    const { network, ids } = mesh(64, 3);
    network.publish('p00', 'warm');
    network.run(3_000);
    const survivors = ids.filter((_, i) => i % 2 === 0);
    network.publish('p02', 'in flight');
    network.run(20);
    for (const id of ids) if (!survivors.includes(id)) network.crash(id);
    network.publish('p04', 'while broken');
    network.run(300);
    network.linkRandomly(survivors, 5);
    network.run(5_000);
    for (const id of survivors)
      expect(new Set(bodies(network, id))).toEqual(new Set(['warm', 'in flight', 'while broken']));
  });

  it('an idle mesh sends nothing', () => {
    const { network } = mesh(16, 4);
    for (let i = 0; i < 8; i++) network.publish('p03', `m${i}`);
    network.run(600_000);
    const before = [...network.sent.values()].reduce((sum, count) => sum + count, 0);
    network.run(600_000);
    expect([...network.sent.values()].reduce((sum, count) => sum + count, 0)).toBe(before);
  });
});
