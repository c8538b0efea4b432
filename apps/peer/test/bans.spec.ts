import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { connect, type StarlingClient } from '@starling/client';
import type { Ban } from '@starling/core-bans';
import { OperatorKey } from '@starling/identity';
import { BanScope, BanSource, encodeBanStatement } from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { TestIssuer } from './secure-mesh.ts';

const folder = mkdtempSync(join(tmpdir(), 'starling-bans-'));
const operator = OperatorKey.create();
const keysFile = join(folder, 'operator.pub');
const mesh = new TestMesh();
const clients: StarlingClient[] = [];
let issuer: TestIssuer;

async function start(name: string): Promise<RunningPeer> {
  return mesh.start({
    ...(await issuer.peer(name)),
    STARLING_NAME: name,
    STARLING_DATA_DIR: join(folder, name),
    STARLING_OPERATOR_KEYS_FILE: keysFile,
  });
}

async function clientOf(peer: RunningPeer): Promise<StarlingClient> {
  const client = await connect({
    addresses: [apiOf(peer)],
    learnAddresses: false,
    tls: { ca: issuer.authority.bundle },
    token: issuer.token,
  });
  clients.push(client);
  return client;
}

const idOf = (peer: RunningPeer): string => peer.peer.overlay.self.id;
const knows = (peer: RunningPeer, id: string): boolean => peer.peer.overlay.mesh.isBanned(id);
const linked = (peer: RunningPeer, id: string): boolean => peer.peer.overlay.neighbors.some((each) => each.id === id);

function record(subject: string, changes: Partial<Ban> = {}, key = operator, meshName = 'starling') {
  const now = Date.now();
  const ban = {
    subject,
    number: now,
    issuedAt: now,
    bannedUntil: now + 600_000,
    expiresAt: now + 600_000,
    reason: 'floods',
    by: 'ann',
    ...changes,
  };
  const statement = encodeBanStatement(meshName, ban) as Uint8Array<ArrayBuffer>;
  const signed = key.signBan(statement);
  return { statement, signature: signed.signature as Uint8Array<ArrayBuffer>, key: signed.key };
}

beforeAll(async () => {
  writeFileSync(keysFile, operator.publicPem);
  issuer = await TestIssuer.create();
  for (const name of ['a', 'b', 'c', 'd']) await start(name);
  await until(() => mesh.peers.every(({ peer: { overlay } }) => overlay.ready().ready && overlay.size === 4));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await mesh.stop();
  issuer?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a ban of the mesh over real links', { timeout: 60_000 }, () => {
  it('is refused with the reason when it is forged, of an unknown operator, for another mesh, expired or older, and changes nothing', async () => {
    const [a] = mesh.peers as [RunningPeer];
    const client = await clientOf(a);
    const refusal = (made: ReturnType<typeof record>) =>
      client.banPeer({ scope: BanScope.MESH, record: made }).then(
        () => 'taken',
        (error) => error.metadata?.refusal,
      );
    const forged = record('x');
    forged.signature[3] = (forged.signature[3] as number) ^ 1;
    expect(await refusal(forged)).toBe('forged');
    expect(await refusal(record('x', {}, OperatorKey.create()))).toBe('unknownKey');
    expect(await refusal(record('x', {}, operator, 'another'))).toBe('malformed');
    expect(await refusal(record('x', { bannedUntil: 5, expiresAt: 6 }))).toBe('expired');
    expect(await refusal(record('y', { number: 9 }))).toBe('taken');
    expect(await refusal(record('y', { number: 8 }))).toBe('stale');
    expect(a.peer.overlay.mesh.bans.stats.refused).toMatchObject({
      forged: 1,
      unknownKey: 1,
      malformed: 1,
      expired: 1,
      stale: 1,
    });
    expect(knows(a, 'x')).toBe(false);
    await expect(client.banPeer({ peerId: 'z', scope: BanScope.MESH, record: record('x') })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
    });
    await expect(client.banPeer({ peerId: 'z', scope: BanScope.MESH })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
    });
  });

  it('reaches everybody, closes the links, refuses new ones with a count, and is told with who and why', async () => {
    const [a, b, c, d] = mesh.peers as [RunningPeer, RunningPeer, RunningPeer, RunningPeer];
    const client = await clientOf(a);
    const { ban } = await client.banPeer({ peerId: idOf(d), scope: BanScope.MESH, record: record(idOf(d)) });
    expect(ban).toMatchObject({ peerId: idOf(d), scope: BanScope.MESH, reason: 'floods', by: 'ann', lifted: false });
    await until(() => [a, b, c].every((peer) => knows(peer, idOf(d)) && !linked(peer, idOf(d))));
    // It may be at a dial again, which is refused: a moment without any link is enough.
    await until(() => d.peer.overlay.neighbors.length === 0 && d.peer.overlay.host.links.size === 0);
    // It looks for the mesh again and is told why not.
    await until(
      async () =>
        (await (await fetch(`${httpOf(d)}/metrics`)).text()).match(
          /starling_dials_failed_total\{reason="banned"\} [1-9]/,
        ) !== null,
    );
    // Nobody would hear what its clients say: Kubernetes is to send none there.
    const probe = await fetch(`${httpOf(d)}/readyz`);
    expect([probe.status, await probe.json()]).toMatchObject([503, { reason: 'banned from the mesh by an operator' }]);
    expect((await fetch(`${httpOf(d)}/healthz`)).status).toBe(200);
    const listed = await Array.fromAsync((await clientOf(b)).listPeers());
    expect(listed.find(({ id }) => id === idOf(d))?.ban).toMatchObject({ reason: 'floods', by: 'ann' });
    for await (const { event } of (await clientOf(b)).watchTopology()) {
      if (event.case === undefined) continue;
      const silent = event.value.silentPeers.find(({ id }) => id === idOf(d));
      if (silent === undefined) continue;
      expect(silent.ban).toMatchObject({ reason: 'floods', by: 'ann' });
      break;
    }
    const own = (await (await clientOf(d)).getPeer()).report?.peer?.ban;
    expect(own).toMatchObject({ reason: 'floods', scope: BanScope.MESH });
    const { bans, operatorKeys } = await (await clientOf(c)).listBans();
    expect(operatorKeys).toEqual([operator.id]);
    const entry = bans.find(({ peerId }) => peerId === idOf(d));
    expect(entry).toMatchObject({ source: BanSource.OPERATOR, by: 'ann', reason: 'floods' });
    expect(timestampMs(entry?.until as never)).toBeGreaterThan(Date.now());
    const metrics = await (await fetch(`${httpOf(a)}/metrics`)).text();
    expect(metrics).toMatch(/starling_banned_peers\{scope="mesh"\} 2/);
  });

  it('is kept over a restart, for the owner alone, and told to a late joiner', async () => {
    const [a, , , d] = mesh.peers as [RunningPeer, RunningPeer, RunningPeer, RunningPeer];
    const late = await start('late');
    await until(() => knows(late, idOf(d)));
    await a.stop(200);
    expect(statSync(join(folder, 'a', 'bans.json')).mode & 0o777).toBe(0o600);
    // Back without anybody to ask: what it knows is what it kept.
    const alone = new TestMesh();
    const again = await alone.start({
      ...(await issuer.peer('a')),
      STARLING_DATA_DIR: join(folder, 'a'),
      STARLING_OPERATOR_KEYS_FILE: keysFile,
      STARLING_BOOTSTRAP: '',
    });
    expect(idOf(again)).toBe(idOf(a));
    expect(knows(again, idOf(d))).toBe(true);
    await alone.stop();
  });

  it('that is lifted lets the peer back in', async () => {
    const [, b, c, d] = mesh.peers as [RunningPeer, RunningPeer, RunningPeer, RunningPeer];
    const client = await clientOf(b);
    const now = Date.now();
    await client.unbanPeer({ scope: BanScope.MESH, record: record(idOf(d), { issuedAt: now, bannedUntil: now }) });
    await until(() => !knows(b, idOf(d)) && !knows(c, idOf(d)));
    await until(() => d.peer.overlay.neighbors.length > 0, 30_000);
    await until(() => d.peer.overlay.ready().ready);
    expect((await client.listBans()).bans.map(({ peerId }) => peerId)).not.toContain(idOf(d));
    expect((await client.listBans({ showLifted: true })).bans.find(({ peerId }) => peerId === idOf(d))).toMatchObject({
      lifted: true,
    });
  });

  it('by an operator whose key is taken back is forgotten', async () => {
    const [, b, c] = mesh.peers as [RunningPeer, RunningPeer, RunningPeer];
    await (await clientOf(b)).banPeer({ scope: BanScope.MESH, record: record('w') });
    await until(() => knows(c, 'w'));
    writeFileSync(keysFile, OperatorKey.create().publicPem);
    await until(() => !knows(b, 'w') && !knows(c, 'w'));
  });
});

describe('a ban at one peer', { timeout: 60_000 }, () => {
  const someId = 'p'.repeat(52);

  it('holds there alone, says who called, and is lifted there', async () => {
    const [, b, c, d] = mesh.peers as [RunningPeer, RunningPeer, RunningPeer, RunningPeer];
    const client = await clientOf(b);
    const { ban } = await client.banPeer({ peerId: idOf(d), reason: 'noisy', duration: { seconds: 600n, nanos: 0 } });
    expect(ban).toMatchObject({ scope: BanScope.PEER, source: BanSource.OPERATOR, reason: 'noisy', by: 'test' });
    await until(() => knows(b, idOf(d)) && !linked(b, idOf(d)));
    expect(knows(c, idOf(d))).toBe(false);
    await client.unbanPeer({ peerId: idOf(d) });
    expect((await client.listBans()).bans).toEqual([]);
    expect(knows(b, idOf(d))).toBe(false);
  });

  it.each([
    ['itself', (b: RunningPeer) => ({ peerId: idOf(b), reason: 'x' })],
    // It would stand there and keep nobody out.
    ['the beginning of an id', (b: RunningPeer) => ({ peerId: idOf(b).slice(0, 10), reason: 'x' })],
    ['without a reason', () => ({ peerId: someId })],
    ['for no time', () => ({ peerId: someId, reason: 'x', duration: { seconds: 0n, nanos: 0 } })],
    [
      'for longer than there are dates',
      () => ({ peerId: someId, reason: 'x', duration: { seconds: 2n ** 63n - 1n, nanos: 0 } }),
    ],
    ['in a scope that is none', () => ({ peerId: someId, reason: 'x', scope: -1 as BanScope })],
    ['with an escape in the reason', () => ({ peerId: someId, reason: '\u001b[2J' })],
  ])('of %s is refused', async (_what, request) => {
    const [, b] = mesh.peers as [RunningPeer, RunningPeer];
    await expect((await clientOf(b)).banPeer(request(b))).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
  });
});
