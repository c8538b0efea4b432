import { describe, expect, it } from 'vitest';
import { DirectoryNetwork, idsOf, infoOf } from '../spec/directory-network.ts';
import { defaultDirectoryConfig } from './config.ts';
import type { MemberRecord } from './messages.ts';

const { digestIntervalMs } = defaultDirectoryConfig;

function versionsAt(network: DirectoryNetwork, at: string, ids: readonly string[]): (string | undefined)[] {
  return ids.map((id) => network.core(at).get(id)?.version);
}

function repairsIn(network: DirectoryNetwork): number {
  return [...network.nodes.values()].reduce((sum, { core }) => sum + core.repairStats.repairs, 0);
}

describe('what a peer runs', () => {
  it('is known everywhere, and a restart with another version as well', () => {
    const network = new DirectoryNetwork(1);
    const ids = idsOf(8);
    for (const id of ids) network.add(id, 1, '1.0.0');
    network.weave(ids);
    network.run(5_000);
    for (const id of ids) expect(versionsAt(network, id, ids)).toEqual(Array(8).fill('1.0.0'));

    network.leave('p03');
    network.add('p03', 2, '1.1.0');
    network.link('p03', 'p00');
    network.run(5_000);
    for (const id of ids) expect(versionsAt(network, id, ['p03', 'p04'])).toEqual(['1.1.0', '1.0.0']);
  });

  it('is not known of older peers, nor through them; two that say theirs tell each other what is known', () => {
    const network = new DirectoryNetwork(1);
    for (const id of ['old-a', 'old-b']) network.add(id);
    for (const id of ['new-a', 'new-b']) network.add(id, 1, '2.0.0');
    network.link('new-a', 'old-a');
    network.run(5_000);
    network.link('old-a', 'old-b');
    network.link('old-b', 'new-b');
    network.run(2 * digestIntervalMs);
    // All that new-b has is what old-b told it by repair: who broadcast its arrival had done so before.
    expect(network.agreeOn(['old-a', 'old-b', 'new-a', 'new-b'])).toBe(true);
    expect(versionsAt(network, 'new-b', ['new-a', 'old-a'])).toEqual([undefined, undefined]);

    network.link('new-a', 'new-b');
    network.run(1_000);
    for (const at of ['new-a', 'new-b']) {
      const known = versionsAt(network, at, ['new-a', 'new-b', 'old-a', 'old-b']);
      expect(known).toEqual(['2.0.0', '2.0.0', undefined, undefined]);
    }
  });

  it('costs nothing once it is known, also where half of the mesh is of older peers', () => {
    const network = new DirectoryNetwork(1);
    const ids = idsOf(32);
    for (const [at, id] of ids.entries()) network.add(id, 1, at % 2 === 0 ? '2.0.0' : undefined);
    network.weave(ids);
    network.run(3 * digestIntervalMs);
    expect(network.agreeOn(ids)).toBe(true);
    const before = repairsIn(network);
    network.run(20 * digestIntervalMs);
    expect(repairsIn(network)).toBe(before);
  });

  it('of two words about one life all keep the same, whatever came first', () => {
    const told = (version: string): MemberRecord => ({ info: infoOf('a', 1, version), state: 'up', ttlMs: 600_000 });
    for (const order of [
      ['1.0.0', '2.0.0'],
      ['2.0.0', '1.0.0'],
    ]) {
      const network = new DirectoryNetwork(1);
      network.add('me', 1, '1.0.0');
      for (const version of order) {
        const records = [told(version)];
        const message = { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records, reply: false } as const;
        network.message('me', 'b', message);
      }
      expect(network.core('me').get('a')?.version).toBe('2.0.0');
    }
  });

  it('is refuted by the peer itself when others say what it does not run', () => {
    const network = new DirectoryNetwork(1);
    for (const id of ['a', 'b']) network.add(id, 1, '1.0.0');
    network.link('a', 'b');
    network.run(5_000);
    const records = [{ info: infoOf('a', 1, '9.9.9'), state: 'up', ttlMs: 600_000 } as const];
    network.message('b', 'x', { kind: 'directoryRecords', bucketCount: 1, buckets: [0], records, reply: false });
    network.run(2 * digestIntervalMs);
    expect(network.core('b').get('a')).toMatchObject({ version: '1.0.0', incarnation: 2 });
  });
});
