import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { connect, type StarlingClient, StarlingError } from '@starling/client';
import { signedBytes } from '@starling/core-kademlia';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOf, TestMesh, until } from './peers.ts';

const peersCount = 5;
const testMesh = new TestMesh();
const clients: StarlingClient[] = [];
const at = (i: number) => clients[i] as StarlingClient;
const idOf = (i: number) => testMesh.peers[i]?.peer.overlay.self.id ?? '';
const text = (of: string) => Uint8Array.from(Buffer.from(of));

beforeAll(async () => {
  await testMesh.start({ STARLING_LOOKUP_OFFERS: 'thumbnails', STARLING_LOOKUP_REPLICAS: '2' });
  await testMesh.startAll(peersCount - 1, { STARLING_LOOKUP_REPLICAS: '2' }).catch(() => {});
  await until(() => testMesh.peers.every(({ peer: { overlay } }) => overlay.size === peersCount));
  for (const peer of testMesh.peers) {
    clients.push(await connect({ tls: 'off', addresses: [apiOf(peer)], learnAddresses: false }));
  }
}, 60_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await testMesh.stop();
});

const put = (client: StarlingClient, key: string, value: string, version = 0) =>
  client.putRecord({
    what: { case: 'record', value: { key: text(key), value: text(value), version: BigInt(version) } },
    trace: true,
  });

describe('a record', () => {
  it('put at one peer is found at all, in one call or none', async () => {
    const stored = await put(at(0), 'song', 'la');
    expect(stored).toMatchObject({ holderCount: 2, wantedCount: 2, record: { publisher: idOf(0) } });
    let own = 0;
    for (const client of clients) {
      const got = await client.getRecord({ key: text('song'), trace: true });
      expect(got.records.map(({ value }) => Buffer.from(value).toString())).toEqual(['la']);
      expect(got.cost?.fullTable).toBe(true);
      expect(got.cost?.hops.length).toBe(got.cost?.callCount);
      if (got.cost?.callCount === 0) own++;
    }
    expect(own).toBe(2);
  });

  it('of one publisher is replaced by its newer version, not by another publisher', async () => {
    await put(at(0), 'state', 'one', 1);
    await put(at(0), 'state', 'two', 2);
    await expect(put(at(0), 'state', 'late', 1)).rejects.toMatchObject({ reason: 'RECORD_SUPERSEDED' });
    await put(at(1), 'state', 'other', 9);
    const all = await at(3).getRecord({ key: text('state') });
    expect(all.records.map(({ value }) => Buffer.from(value).toString())).toEqual(['other', 'two']);
    const own = await at(3).getRecord({ key: text('state'), publisher: idOf(0), answers: 2 });
    expect(own.records.map(({ value }) => Buffer.from(value).toString())).toEqual(['two']);
  });

  it("may be signed by its sender, for one's own key outlives any peer", async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const expiresAt = Date.now() + 60_000;
    const unsigned = { kind: 'value', key: text('mine'), value: text('x'), version: 5, expiresAt } as const;
    const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const signature = sign('sha256', signedBytes(unsigned), { key, dsaEncoding: 'ieee-p1363' });
    const record = {
      ...{ key: unsigned.key, value: unsigned.value, version: 5n, expireTime: timestampFromMs(expiresAt) },
      ...{ publicKey: publicKey.export({ type: 'spki', format: 'der' }), signature },
    };
    await at(0).putRecord({ what: { case: 'record', value: record } });
    const [found] = (await at(4).getRecord({ key: text('mine') })).records;
    expect(found?.publisher).toMatch(/^[a-z2-7]{52}$/);
    expect(found?.publisher).not.toBe(idOf(0));
    const forged = at(0).putRecord({ what: { case: 'record', value: { ...record, value: text('y') } } });
    await expect(forged).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'record.signature' }],
    });
  });

  it('that nobody put is not found', async () => {
    await expect(at(2).getRecord({ key: text('nothing') })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'RECORD_NOT_FOUND',
      lookupCost: { hops: [] },
    });
    const error = await at(2)
      .getRecord({ key: text('nothing'), trace: true })
      .catch((failure: unknown) => failure as StarlingError);
    const { callCount = 0, hops = [] } = (error as StarlingError).lookupCost ?? {};
    expect(callCount).toBeGreaterThan(0);
    expect(hops).toHaveLength(callCount);
    expect(new Set(hops.map(({ outcome }) => outcome))).toEqual(new Set(['peers']));
  });
});

describe('what a peer offers', () => {
  it('by its configuration is found everywhere by that name', async () => {
    let names: (string | undefined)[] = [];
    await until(async () => {
      names = (await at(3).findPeers({ name: 'thumbnails' })).providers.map(({ peer }) => peer?.name);
      return names.length > 0;
    });
    expect(names).toEqual(['peer-0']);
    expect((await at(3).findPeers({ name: 'nothing' })).providers).toEqual([]);
  });

  it('by order of a client, too', async () => {
    for (const i of [1, 2]) await at(i).putRecord({ what: { case: 'offer', value: 'ocr' } });
    const { providers } = await at(4).findPeers({ name: 'ocr' });
    expect(providers.map(({ peer }) => peer?.id).sort()).toEqual([idOf(1), idOf(2)].sort());
  });
});

describe('what is wrong', () => {
  const key = text('k');
  const record = (value: object) => ({ what: { case: 'record' as const, value: { key, ...value } } });
  it.each([
    ['no key', record({ key: new Uint8Array() }), 'record.key'],
    ['a value above 64 KiB', record({ value: new Uint8Array(65_537) }), 'record.value'],
    ['a past', record({ expireTime: timestampFromMs(1) }), 'record.expire_time'],
    ['a far future', record({ expireTime: timestampFromMs(Date.now() + 8 * 86_400_000) }), 'record.expire_time'],
    ['a key that is none', record({ publicKey: text('x'), signature: text('y'), version: 1n }), 'record.public_key'],
    ['nothing', {}, 'record'],
    ['too many paths', { ...record({}), paths: 9 }, 'paths'],
    ['an endless timeout', { ...record({}), timeout: { seconds: 61n } }, 'timeout'],
    ['an empty offer', { what: { case: 'offer' as const, value: '' } }, 'offer'],
  ])('a put of %s is refused by its field', async (_name, request, field) => {
    const error = await at(0)
      .putRecord(request)
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StarlingError);
    expect((error as StarlingError).violations.map((violation) => violation.field)).toContain(field);
  });

  it.each([
    [{ key: new Uint8Array(513) }, 'key'],
    [{ key, answers: 21 }, 'answers'],
    [{ key, limit: 17 }, 'limit'],
  ])('so is a get', async (request, field) => {
    await expect(at(0).getRecord(request)).rejects.toMatchObject({ violations: [{ field }] });
  });
});
