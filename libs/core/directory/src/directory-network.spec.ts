import { describe, expect, it } from 'vitest';
import { DirectoryNetwork, idsOf } from '../spec/directory-network.ts';
import { defaultDirectoryConfig } from './config.ts';

/** `count` peers that know each other. */
function settledMesh(count: number, seed = 1): { readonly network: DirectoryNetwork; readonly ids: string[] } {
  const network = new DirectoryNetwork(seed);
  const ids = idsOf(count);
  for (const id of ids) network.add(id);
  network.weave(ids);
  network.run(5_000);
  expect(network.agreeOn(ids)).toBe(true);
  return { network, ids };
}

describe('64 directories', () => {
  it('know each other seconds after they start', () => {
    settledMesh(64);
  });

  it('an idle mesh sends a digest per peer and round, and the refreshes', () => {
    const { network, ids } = settledMesh(64);
    network.messages = 0;
    network.broadcasts = 0;
    const { refreshPerPeerMs, digestIntervalMs } = defaultDirectoryConfig;
    network.run(2 * 64 * refreshPerPeerMs);
    expect(network.broadcasts).toBeLessThanOrEqual(3 * ids.length);
    expect(network.messages).toBeLessThanOrEqual(((2 * 64 * refreshPerPeerMs) / digestIntervalMs) * 1.2 * ids.length);
    expect(network.downs).toEqual([]);
  });

  it('one that no refresh reaches asks its neighbours before it lists anybody as gone', () => {
    const { network, ids } = settledMesh(64);
    network.deaf.add('p10');
    const { refreshPerPeerMs, missedRefreshes } = defaultDirectoryConfig;
    network.run(3 * missedRefreshes * 64 * refreshPerPeerMs);
    expect(network.downs).toEqual([]);
    expect(network.agreeOn(ids)).toBe(true);
    network.kill('p40');
    network.run(missedRefreshes * 64 * refreshPerPeerMs + 60_000);
    expect(network.agreeOn(ids.filter((id) => id !== 'p40'))).toBe(true);
  });

  it('half of them crash: the others list nobody dead seconds later, also whom nobody misses', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const { network, ids } = settledMesh(64, seed);
      for (const id of ids.filter((_, at) => at % 2 === 0)) network.kill(id);
      const survivors = [...network.nodes.keys()];
      network.weave(survivors);
      network.run(8_000);
      expect(network.core('p01').upIds().length).toBeLessThanOrEqual(survivors.length + 1);
      network.run(defaultDirectoryConfig.loneAccusationMs + 2_000);
      expect(network.agreeOn(survivors)).toBe(true);
      expect(network.dials).toBeLessThan(2 * 8 * 64);
    }
  });

  it('whom one neighbour alone misses is dialled by others, and mostly gone in seconds', () => {
    let goneSoon = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { network, ids } = settledMesh(64, seed);
      network.add('leaf');
      network.link('leaf', 'p03');
      network.run(1_000);
      network.kill('leaf');
      network.run(6_000);
      if (network.agreeOn(ids)) goneSoon++;
      network.run(defaultDirectoryConfig.loneAccusationMs);
      expect(network.agreeOn(ids)).toBe(true);
    }
    // In 2 % of the cases nobody thinks of looking (see `secondOpinions`).
    expect(goneSoon).toBeGreaterThanOrEqual(6);
  });

  it('two islands become one directory within seconds of the first link', () => {
    const network = new DirectoryNetwork(3);
    const islands = [idsOf(32, 'a'), idsOf(32, 'b')] as const;
    for (const island of islands) {
      for (const id of island) network.add(id);
      network.weave(island);
    }
    network.run(60_000);
    network.link('a00', 'b00');
    network.run(5_000);
    expect(network.agreeOn(islands.flat())).toBe(true);
  });

  it('a partition that heals: nobody is listed dead again once the halves have met, and all are back in seconds', () => {
    const { network, ids } = settledMesh(64);
    const half = new Set(ids.slice(0, 32));
    const cut: [string, string][] = [];
    for (const a of half) {
      for (const b of network.nodes.get(a)?.neighbors ?? []) if (!half.has(b)) cut.push([a, b]);
    }
    for (const [a, b] of cut) network.unlink(a, b, true);
    network.run(60_000);
    network.downs.length = 0;
    for (const [a, b] of cut.slice(0, 2)) network.link(a, b);
    network.run(5_000);
    expect(network.agreeOn(ids)).toBe(true);
    expect(network.downs).toEqual([]);
  });

  it('one that leaves is gone everywhere at once, and its new life is welcome', () => {
    const { network, ids } = settledMesh(64);
    network.leave('p07');
    network.run(200);
    expect(network.agreeOn(ids.filter((id) => id !== 'p07'))).toBe(true);
    network.add('p07', 2);
    network.link('p07', 'p20');
    network.run(1_000);
    expect(network.agreeOn(ids)).toBe(true);
  });
});

describe('small meshes', () => {
  it('of two, and of three of which two die at once', () => {
    for (const count of [2, 3]) {
      const { network, ids } = settledMesh(count);
      for (const id of ids.slice(1)) network.kill(id);
      network.run(5_000);
      expect(network.core('p00').upIds()).toEqual(['p00']);
    }
  });

  it('a peer with a single neighbour is missed as well', () => {
    const { network, ids } = settledMesh(8);
    network.add('leaf');
    network.link('leaf', 'p03');
    network.run(1_000);
    network.kill('leaf');
    network.run(defaultDirectoryConfig.loneAccusationMs + 2_000);
    expect(network.agreeOn(ids)).toBe(true);
  });
});
