import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { LinkRecorder, numberOf, testGossip, testPeer } from '@starling/testing';
import { encodeHello } from '@starling/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defaultGrpcTransportConfig, type GrpcTransportConfig } from './config.ts';
import { GrpcTransport, type LinkTrouble } from './grpc-transport.ts';
import type { MutualTls } from './mutual-tls.ts';
import { rawDial, rawHello } from './test-support/raw-peer.ts';
import { TestAuthority, testTls } from './test-support/test-authority.ts';

setLogVerbosity(logVerbosity.NONE);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
  stranger = await TestAuthority.create();
});

/** A started transport with the name that it says, and TLS of whomever. */
async function peer(name: string, tls: MutualTls | null, changes: Partial<GrpcTransportConfig> = {}) {
  const troubles: LinkTrouble[] = [];
  const config = { ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0, ...changes };
  const transport = new GrpcTransport(config, tls, (trouble) => troubles.push(trouble));
  const port = await transport.listen();
  const heard = new LinkRecorder();
  await transport.start(testPeer(name, `127.0.0.1:${port}`), heard);
  cleanups.push(() => transport.stop());
  return { transport, heard, port, troubles, address: `127.0.0.1:${port}` };
}

const day = 86_400_000;

describe('a dial that is refused says why, on both sides', () => {
  it.each([
    {
      what: 'the dialler’s certificate has expired',
      dialler: () => authority.mutualTls('a', day, Date.now() - 2 * day),
      acceptor: () => authority.mutualTls('b'),
      reason: 'untrusted',
      out: /certificate.*expired/i,
      inbound: { reason: 'untrusted', detail: /certificate.*expired/i },
    },
    {
      what: 'the acceptor’s certificate has expired',
      dialler: () => authority.mutualTls('a'),
      acceptor: () => authority.mutualTls('b', day, Date.now() - 2 * day),
      reason: 'untrusted',
      out: /certificate.*expired/i,
      inbound: null,
    },
    {
      what: 'neither knows the other’s authority',
      dialler: () => stranger.mutualTls('a'),
      acceptor: () => authority.mutualTls('b'),
      reason: 'untrusted',
      out: /certificate of the other side is refused.*(?:issuer|verify|self-signed)/i,
      inbound: null,
    },
    {
      what: 'only the acceptor does not know the other’s authority',
      dialler: async () => testTls({ ...(await stranger.keys('a')), authorities: authority.bundle }),
      acceptor: () => authority.mutualTls('b'),
      reason: 'untrusted',
      out: /certificate is refused.*(?:issuer|verify|self-signed)/i,
      inbound: { reason: 'untrusted', detail: /certificate is refused/i },
    },
    {
      what: 'the certificate is for another mesh, by a trusted authority',
      dialler: async () => {
        const other = await TestAuthority.create('other');
        return { tls: testTls({ ...(await other.keys('a')), authorities: authority.bundle }), trusts: other.bundle };
      },
      acceptor: () => authority.mutualTls('b'),
      reason: 'wrong-mesh',
      out: /the mesh here is "default", not "other"/,
      inbound: { reason: 'wrong-mesh', detail: /the mesh here is "default", not "other"/ },
    },
    {
      what: 'the dialler does not encrypt',
      dialler: async () => null,
      acceptor: () => authority.mutualTls('b'),
      reason: 'untrusted',
      out: /links are encrypted here, and this one is not/,
      inbound: { reason: 'tls-mismatch', detail: /links are encrypted here/ },
    },
    {
      what: 'the acceptor does not encrypt',
      dialler: () => authority.mutualTls('a'),
      acceptor: async () => null,
      reason: 'tls-mismatch',
      out: /the other side does not encrypt/,
      inbound: { reason: 'tls-mismatch', detail: /it encrypts, and links are in plain text here/ },
    },
  ] as const)('$what', async ({ dialler, acceptor, reason, out, inbound }) => {
    const made = await dialler();
    const trusts = made !== null && 'trusts' in made ? made.trusts : null;
    const dials = made !== null && 'tls' in made ? made.tls : made;
    let accepts = await acceptor();
    if (trusts !== null) {
      const keys = await authority.keys('b');
      accepts = testTls({ ...keys, authorities: keys.authorities + trusts });
    }
    const a = await peer('a', dials);
    const b = await peer('b', accepts);
    await expect(a.transport.contact(b.address)).rejects.toMatchObject({ reason, message: expect.stringMatching(out) });
    expect(a.transport.counters.dialsFailed[reason]).toBe(1);
    expect(a.troubles).toMatchObject([{ direction: 'out', reason, address: b.address }]);
    expect(b.heard.of('up')).toEqual([]);
    if (inbound === null) return;
    await expect.poll(() => b.troubles.length).toBeGreaterThan(0);
    expect(b.troubles).toMatchObject([
      { direction: 'in', reason: inbound.reason, detail: expect.stringMatching(inbound.detail) },
    ]);
    expect(b.transport.counters.refused[inbound.reason]).toBe(1);
  });

  it('the dialler says it is another peer than its certificate', async () => {
    const a = await peer('a', await authority.mutualTls('mallory'));
    const b = await peer('b', await authority.mutualTls('b'));
    await expect(a.transport.contact(b.address)).rejects.toMatchObject({
      reason: 'not-certified',
      message: expect.stringMatching(/says it is axx.*its certificate is that of malloryxx/),
    });
    expect(b.transport.counters.refused['not-certified']).toBe(1);
    expect(b.heard.of('up')).toEqual([]);
  });

  it('the dialler is banned: its certificate is good, and is that of whom the mesh has revoked', async () => {
    const a = await peer('a', await authority.mutualTls('a'));
    const b = await peer('b', await authority.mutualTls('b'));
    b.heard.banned.add(testPeer('a', '').id);
    await expect(a.transport.contact(b.address)).rejects.toMatchObject({
      reason: 'banned',
      message: expect.stringMatching(/axx.* is banned here/),
    });
    expect(a.transport.counters.dialsFailed.banned).toBe(1);
    expect(b.transport.counters.refused.banned).toBe(1);
    expect(a.troubles).toMatchObject([{ direction: 'out', reason: 'banned' }]);
    expect(b.troubles).toMatchObject([{ direction: 'in', reason: 'banned' }]);
    await expect(b.transport.contact(a.address)).rejects.toMatchObject({ reason: 'banned' });
    expect([...a.heard.of('up'), ...b.heard.of('up')]).toEqual([]);
  });

  it('who is banned under another peer’s name is refused for the name', async () => {
    const a = await peer('a', await authority.mutualTls('mallory'));
    const b = await peer('b', await authority.mutualTls('b'));
    b.heard.banned.add(testPeer('a', '').id);
    await expect(a.transport.contact(b.address)).rejects.toMatchObject({ reason: 'not-certified' });
    expect(b.transport.counters.refused).toMatchObject({ banned: 0, 'not-certified': 1 });
  });

  it('the acceptor says it is another peer than its certificate', async () => {
    const a = await peer('a', await authority.mutualTls('a'));
    const b = await peer('b', await authority.mutualTls('mallory'));
    await expect(a.transport.contact(b.address)).rejects.toMatchObject({ reason: 'not-certified' });
    expect(a.heard.of('up')).toEqual([]);
  });

  it('another peer answers than the one that is meant, before it is told anything', async () => {
    const a = await peer('a', await authority.mutualTls('a'));
    const b = await peer('b', await authority.mutualTls('b'));
    a.transport.open(testPeer('c', b.address));
    expect(await a.heard.untilDown()).toEqual(['refused']);
    expect(a.transport.counters.dialsFailed['wrong-peer']).toBe(1);
    expect(b.transport.counters.refused.duplicate + b.transport.counters.acceptTimeouts).toBe(0);
  });
});

describe('a port that takes links', () => {
  it('gives a stranger without a certificate no answer but the reason', async () => {
    const b = await peer('b', await authority.mutualTls('b'));
    const { stream, cut } = rawDial(b.port);
    cleanups.push(cut);
    stream.write(encodeHello(rawHello('a')));
    await stream.until(() => stream.ended !== null);
    expect(stream.frames).toMatchObject([{ kind: 'frame', hello: null, refusal: { reason: 'untrusted' } }]);
    expect(b.heard.of('up')).toEqual([]);
  });

  it('speaks TLS 1.3 and nothing older', async () => {
    const b = await peer('b', await authority.mutualTls('b'));
    const code = await new Promise<string>((resolve) => {
      connectTls({ host: '127.0.0.1', port: b.port, maxVersion: 'TLSv1.2', rejectUnauthorized: false }).on(
        'error',
        (error: Error & { code?: string }) => resolve(error.code ?? ''),
      );
    });
    expect(code).toMatch(/PROTOCOL_VERSION|HANDSHAKE_FAILURE|ECONNRESET/);
    await expect.poll(() => b.transport.counters.refused.handshake).toBe(1);
  });

  it('closes what says nothing, and what is too much', async () => {
    const b = await peer('b', await authority.mutualTls('b'), { acceptTimeoutMs: 50, connectionsMax: 1 });
    const open = (): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect(b.port, '127.0.0.1')
          .on('error', () => {})
          .on('close', () => resolve());
        cleanups.push(() => socket.destroy());
      });
    await Promise.all([open(), open()]);
    expect(b.transport.counters.refused).toMatchObject({ busy: 1, handshake: 1 });
  });
});

describe('rotation', () => {
  it('new handshakes use the new keys, links that are up stay', async () => {
    const old = await authority.mutualTls('a');
    const a = await peer('a', old);
    const b = await peer('b', await authority.mutualTls('b'));
    await b.transport.contact(a.address);
    await a.heard.untilUp();

    // From now on a trusts and shows the other authority only.
    old.setKeys(await stranger.keys('a'));
    const c = await peer('c', await stranger.mutualTls('c'));
    await c.transport.contact(a.address);
    const d = await peer('d', await authority.mutualTls('d'));
    await expect(d.transport.contact(a.address)).rejects.toMatchObject({ reason: 'untrusted' });
    await expect(a.transport.contact(d.address)).rejects.toMatchObject({ reason: 'untrusted' });

    expect(b.transport.send(testPeer('a', '').id, testGossip(7))).toBe(true);
    await a.heard.untilMessages(1);
    expect(a.heard.of('down')).toEqual([]);
  });

  it('keys that do not belong together change nothing', async () => {
    const tls = await authority.mutualTls('a');
    const keys = await authority.keys('a');
    expect(() => tls.setKeys({ ...keys, key: 'no key' })).toThrow();
    const a = await peer('a', tls);
    const b = await peer('b', await authority.mutualTls('b'));
    await b.transport.contact(a.address);
  });

  it('a link is dialled anew when the certificate that it began with expires, and nothing is lost', async () => {
    const tls = await authority.mutualTls('b', 6_000);
    const a = await peer('a', await authority.mutualTls('a'));
    const b = await peer('b', tls);
    await a.transport.contact(b.address);
    tls.setKeys(await authority.keys('b'));
    const id = testPeer('b', '').id;
    let sent = 0;
    while (a.transport.counters.linksRenewed === 0 || a.heard.of('up').length < 2) {
      if (a.transport.send(id, testGossip(sent + 1))) sent++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect.poll(() => b.heard.of('message').length).toBe(sent);
    expect(b.heard.of('message').map(({ message }) => numberOf(message))).toEqual(
      Array.from({ length: sent }, (_, i) => i + 1),
    );
    expect(a.transport.counters).toMatchObject({ linksRenewed: 1, linksLost: 0 });
  });
});
