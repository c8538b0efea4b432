import type { LookupRecord } from '@starling/core-kademlia';
import { describe, expect, it } from 'vitest';
import { defaultMeshConfig } from './config.ts';
import { Network } from './network.test-support.ts';

const config = {
  hyparview: { ...defaultMeshConfig.hyparview, activeCapacity: 3 },
  lookup: { ...defaultMeshConfig.lookup, k: 3 },
};
const ids = Array.from({ length: 14 }, (_, i) => `p${i}`);
const text = (of: string) => Uint8Array.from(of, (letter) => letter.charCodeAt(0));
const record: LookupRecord = {
  ...{ kind: 'value', key: text('song'), value: text('la'), version: 1, expiresAt: 3_600_000 },
  ...{ publisher: 'p0', publicKey: text('p0'), signature: text('signed') },
};

function settled(): Network {
  const network = new Network(3, config);
  for (const [i, id] of ids.entries()) network.add(id, i === 0 ? undefined : 'p0');
  network.run(20_000);
  return network;
}

function get(network: Network, id: string, lookupId: string) {
  const wanted = { recordKind: 'value', publisher: '', answers: 1, limit: 1, paths: 1, timeoutMs: 2_000 } as const;
  network.command(id, { kind: 'getRecord', lookupId, key: record.key, ...wanted });
  network.run(200);
  const ended = network.nodes
    .get(id)
    ?.events.find((event) => event.kind === 'lookupFinished' && event.lookupId === lookupId);
  return ended?.kind === 'lookupFinished' ? ended.result : undefined;
}

describe('a lookup in a mesh', () => {
  it('reaches peers that are no neighbours, over links that are let go, and knows all members from the directory', () => {
    const network = settled();
    const links = () => ids.map((id) => network.nodes.get(id)?.mesh.linkCount ?? 0);
    const neighbors = ids.map((id) => network.nodes.get(id)?.mesh.root.membership.activeView().length ?? 0);
    network.command('p0', { kind: 'putRecord', lookupId: 'put', record, paths: 1, timeoutMs: 2_000, keep: false });
    network.run(200);
    let strangers = 0;
    for (const id of ids) {
      const result = get(network, id, 'get');
      expect(result, id).toMatchObject({ outcome: 'found', isFullTable: true });
      expect(result?.rpcs).toBeLessThanOrEqual(1);
      const { membership } = network.nodes.get(id)?.mesh.root ?? {};
      if (result?.hops.some(({ peer }) => membership?.isNeighbor(peer.id) === false)) strangers++;
    }
    expect(strangers).toBeGreaterThan(0);
    network.run(60_000);
    expect(links()).toEqual(neighbors);
  });

  it('finds its records after holders crashed, once the directory knows', () => {
    const network = settled();
    network.command('p0', { kind: 'putRecord', lookupId: 'put', record, paths: 1, timeoutMs: 2_000, keep: false });
    network.run(200);
    const holds = (id: string) => (network.nodes.get(id)?.mesh.lookup.store.count ?? 0) > 0;
    const holders = ids.filter(holds);
    expect(holders).toHaveLength(3);
    for (const id of holders.slice(0, 2)) network.crash(id);
    network.run(60_000);
    const living = ids.filter((id) => !holders.slice(0, 2).includes(id));
    expect(living.filter(holds).length).toBeGreaterThanOrEqual(3);
    for (const id of living) expect(get(network, id, 'again')?.outcome, id).toBe('found');
  });
});
