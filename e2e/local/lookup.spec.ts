import { connect, type StarlingClient } from '@starling/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';

const replicas = 5;
const count = 12;
let mesh: LocalMesh;
const clients = new Map<string, StarlingClient>();

beforeAll(async () => {
  mesh = await LocalMesh.start(count, { STARLING_LOOKUP_REPLICAS: String(replicas) }, 120_000);
  for (const { name, api } of mesh.peers) {
    clients.set(name, await connect({ addresses: [api], ...mesh.access, learnAddresses: false }));
  }
}, 180_000);

afterAll(() => {
  for (const client of clients.values()) client.close();
  mesh?.stop();
});

const clientOf = ({ name }: PeerProcess): StarlingClient => clients.get(name) as StarlingClient;
const key = Buffer.from('song');

describe(`a record that ${replicas} of ${count} processes hold`, { timeout: 360_000 }, () => {
  it('is found at every peer, also after kill -9 of all its holders but one, and gets its holders back', async () => {
    const [first] = mesh.peers as [PeerProcess];
    const record = { key, value: Buffer.from('la') };
    const put = await clientOf(first).putRecord({ what: { case: 'record', value: record } });
    // More than half had it in time; the others are asked all the same.
    expect(put.wantedCount).toBe(replicas);
    expect(put.holderCount * 2).toBeGreaterThan(replicas);
    let holders: string[] = [];
    // Who was too busy to answer at all has it when it is put again, 35 s later.
    await until('all holders have it', 90_000, async () => {
      const { holderCount, cost } = await clientOf(first).getRecord({ key, answers: replicas, trace: true });
      holders = cost?.hops.filter(({ outcome }) => outcome === 'records').map(({ peerName }) => peerName) ?? [];
      return holderCount === replicas;
    });
    for (const peer of mesh.peers) {
      const { records } = await clientOf(peer).getRecord({ key });
      expect(records.map(({ value }) => Buffer.from(value).toString())).toEqual(['la']);
    }

    // The peer that put it may be one of the holders, without a call: it stays.
    const victims = mesh.peers.filter(({ name }) => holders.slice(0, replicas - 1).includes(name));
    expect(victims).toHaveLength(replicas - 1);
    mesh.kill(victims);
    await until('they are gone', 5_000, () => victims.every(({ process }) => process.signalCode !== null));
    const survivors = mesh.running;
    expect(survivors).toHaveLength(count - victims.length);
    for (const peer of survivors) {
      const { records } = await clientOf(peer).getRecord({ key, timeout: { seconds: 10n } }, { timeoutMs: 12_000 });
      expect(
        records.map(({ value }) => Buffer.from(value).toString()),
        peer.name,
      ).toEqual(['la']);
    }

    // At once where the directory knows that holders died; one that fewer than two survivors knew as neighbour expires in 3 min.
    await until('as many holders as before', 240_000, async () => {
      const { holderCount } = await clientOf(first).getRecord({ key, answers: replicas });
      return holderCount >= replicas;
    });
  });
});
