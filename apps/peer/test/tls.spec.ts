import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type StarlingClient } from '@starling/client';
import { Authority } from '@starling/identity';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { TestIssuer } from './secure-mesh.ts';

const meshes: TestMesh[] = [];
const issuers: TestIssuer[] = [];
const clients: StarlingClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const mesh of meshes.splice(0)) await mesh.stop();
  for (const issuer of issuers.splice(0)) issuer.close();
});

async function issuerOf(lifetimeMs?: number): Promise<TestIssuer> {
  const issuer = await TestIssuer.create('starling', lifetimeMs);
  issuers.push(issuer);
  return issuer;
}

function newMesh(): TestMesh {
  const mesh = new TestMesh();
  meshes.push(mesh);
  return mesh;
}

async function clientOf(issuer: TestIssuer, ...peers: RunningPeer[]): Promise<StarlingClient> {
  const ca = readFileSync(issuer.caFile, 'utf8');
  const client = await connect({
    addresses: peers.map(apiOf),
    tls: { ca },
    token: issuer.token,
    learnAddresses: false,
  });
  clients.push(client);
  return client;
}

async function metric(peer: RunningPeer, line: string): Promise<number> {
  const text = await (await fetch(`${httpOf(peer)}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length) ?? Number.NaN,
  );
}

describe('peers with certificates', () => {
  it('are one mesh, serve an encrypted API, and let nobody in without one', async () => {
    const issuer = await issuerOf();
    const mesh = newMesh();
    const first = await mesh.start(await issuer.peer('0'));
    const second = await mesh.start(await issuer.peer('1'));
    await until(() => [first, second].every(({ peer }) => peer.overlay.size === 2 && peer.overlay.ready().ready));

    const [publisher, subscriber] = [await clientOf(issuer, first), await clientOf(issuer, second)];
    const heard = (async () => {
      for await (const event of subscriber.subscribe({ topics: ['a'], from: 'all' })) {
        if (event.kind === 'message') return Buffer.from(event.payload).toString();
      }
      return null;
    })();
    await publisher.publish({ topic: 'a', payload: 'sealed' });
    expect(await heard).toBe('sealed');
    await expect(
      connect({ addresses: [apiOf(first)], tls: 'off', learnAddresses: false, timeoutMs: 500 }),
    ).rejects.toMatchObject({ reason: 'UNREACHABLE' });

    expect(await metric(first, 'starling_insecure')).toBe(0);
    const expiry = await metric(first, 'starling_certificate_expiry_timestamp_seconds{certificate="own"}');
    expect(expiry * 1_000).toBeGreaterThan(Date.now());

    // A stranger with an authority of its own, and one that does not encrypt: each finds nobody, and says why.
    const stranger = await issuerOf();
    const outsider = newMesh();
    const bootstrap = `127.0.0.1:${first.ports.link}`;
    const alone = { STARLING_BOOTSTRAP: bootstrap, STARLING_SEED_TIMEOUT_MS: '0' };
    const other = await outsider.start({ ...alone, ...(await stranger.peer('0')) });
    const plain = await outsider.start({ ...alone });
    await until(async () => (await metric(other, 'starling_dials_failed_total{reason="untrusted"}')) > 0);
    await until(async () => (await metric(plain, 'starling_dials_failed_total{reason="untrusted"}')) > 0);
    expect(await metric(first, 'starling_links_refused_total{reason="tls-mismatch"}')).toBeGreaterThan(0);
    expect(await metric(plain, 'starling_insecure')).toBe(1);
    expect(other.peer.overlay.neighbors).toEqual([]);
    expect(first.peer.overlay.size).toBe(2);
  });

  it('keep their identity when the certificate is renewed, and use the new one without a word lost', async () => {
    const issuer = await issuerOf(6_000);
    const mesh = newMesh();
    const peers: RunningPeer[] = [];
    for (const name of ['0', '1', '2']) {
      peers.push(await mesh.start({ ...(await issuer.peer(name)), STARLING_CANARY: 'false' }));
    }
    await until(() => peers.every(({ peer }) => peer.overlay.size === 3 && peer.overlay.ready().ready));
    const ids = peers.map(({ peer }) => peer.overlay.self.id);
    const [first, second] = peers as [RunningPeer, RunningPeer];
    const publisher = await clientOf(issuer, first);
    const subscriber = await clientOf(issuer, second);
    const heard: number[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const event of subscriber.subscribe({ topics: ['n'], from: 'all', signal: stop.signal })) {
        if (event.kind === 'message') heard.push(Number(Buffer.from(event.payload).toString()));
        if (event.kind === 'gap') heard.push(Number.NaN);
      }
    })();
    let sent = 0;
    const renewals = (): Promise<number[]> =>
      Promise.all(peers.map((peer) => metric(peer, 'starling_links_renewed_total')));
    // Until the links themselves have been dialled anew: twice the certificates' time, about.
    await until(async () => {
      await publisher.publish({ topic: 'n', payload: String(++sent) });
      return (await renewals()).reduce((sum, count) => sum + count, 0) >= 2;
    }, 25_000);
    await until(() => heard.length >= sent);
    stop.abort();
    await listening.catch(() => {});
    expect(heard).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
    expect(peers.map(({ peer }) => peer.overlay.self.id)).toEqual(ids);
    expect(await metric(first, 'starling_certificate_changes_total{result="renewed"}')).toBeGreaterThan(0);
    expect(await metric(first, 'starling_links_lost_total')).toBe(0);
  });

  it('trust two authorities during a change-over', async () => {
    const issuer = await issuerOf();
    const mesh = newMesh();
    const before = await mesh.start(await issuer.peer('0'));
    const [old, next] = [issuer.authority, await Authority.create('starling')];
    issuer.authority = old.trusting(next.certificate);
    await until(async () => (await metric(before, 'starling_certificate_changes_total{result="renewed"}')) === 1);
    issuer.authority = next.trusting(old.certificate);
    const after = await mesh.start(await issuer.peer('1'));
    await until(() => [before, after].every(({ peer }) => peer.overlay.neighbors.length === 1));
    issuer.writeBundle();
    await clientOf(issuer, before);
  });
});

describe('a peer without a certificate', () => {
  it('does not start, and says in one line where it looked', async () => {
    const issuer = await issuerOf();
    const start = newMesh().start({ STARLING_TLS_DIR: join(issuer.root, 'nobody'), STARLING_TLS_WAIT_MS: '100' });
    await expect(start).rejects.toThrow(/^no certificate in .*nobody within 100 ms: [^\n]+$/);
  });
});
