import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type Settings } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { testPeer } from '@starling/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultGrpcTransportConfig } from './config.ts';
import { exchangePath } from './frame-stream.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { TestAuthority } from './test-support/test-authority.ts';

/** RFC 9113 §6.9.2. */
const initialWindowBytes = 65_535;
const windowBytes = 3_000_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function peer(authority: TestAuthority | null): Promise<number> {
  const config = { ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0, windowBytes };
  const transport = new GrpcTransport(config, authority && (await authority.mutualTls('a')));
  cleanups.push(() => transport.stop());
  const port = await transport.listen();
  await transport.start(testPeer('a', `127.0.0.1:${port}`), {
    linkUp: () => {},
    message: () => {},
    batch: (deliver) => deliver(),
    linkDown: () => {},
  });
  return port;
}

/** Opens a stream, and has everything read that the server said at once. */
async function call(
  url: string,
  credentials: { key?: string; cert?: string } = {},
): Promise<{ session: ClientHttp2Session; settings: Settings[] }> {
  const settings: Settings[] = [];
  const session = connect(url, { rejectUnauthorized: false, ...credentials });
  cleanups.push(() => session.destroy());
  session.on('error', () => {}).on('remoteSettings', (each) => settings.push(each));
  await open(session);
  return { session, settings };
}

async function open(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({ ':method': 'POST', ':path': exchangePath, 'content-type': 'application/grpc' });
  stream.on('error', () => {});
  if (stream.pending) await once(stream, 'ready');
  // An answer overtakes what else is to be sent (nghttp2), but not what was sent before it was asked for.
  for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => session.ping(() => resolve()));
  stream.close();
}

describe('what a peer lets its dialler send before it has read it', () => {
  it('is the window that it has as a dialler: of the stream and of the connection', async () => {
    const { session, settings } = await call(`http://127.0.0.1:${await peer(null)}`);
    await expect.poll(() => settings.at(-1)?.initialWindowSize).toBe(windowBytes);
    await expect.poll(() => session.state.remoteWindowSize).toBeGreaterThanOrEqual(windowBytes);
  });

  it('is said once for a connection, however many streams it opens', async () => {
    const { session, settings } = await call(`http://127.0.0.1:${await peer(null)}`);
    for (let i = 0; i < 20; i++) await open(session);
    expect(settings.map((each) => each.initialWindowSize)).toEqual([initialWindowBytes, windowBytes]);
  });

  it('is that for a member, by its certificate', async () => {
    const authority = await TestAuthority.create();
    const { key, certificate } = await authority.keys('b');
    const { settings } = await call(`https://127.0.0.1:${await peer(authority)}`, { key, cert: certificate });
    await expect.poll(() => settings.at(-1)?.initialWindowSize).toBe(windowBytes);
  });

  it('is no more than HTTP/2 gives anybody, for who has proved nothing', async () => {
    const { session, settings } = await call(`https://127.0.0.1:${await peer(await TestAuthority.create())}`);
    expect(settings.map((each) => each.initialWindowSize)).toEqual([initialWindowBytes]);
    expect(session.state.remoteWindowSize).toBe(initialWindowBytes);
  });

  it('leaves other servers of the process alone', async () => {
    await peer(null);
    const other = createServer().on('stream', (stream) => stream.respond({ ':status': 200 }));
    cleanups.push(() => other.close());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { session } = await call(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    expect(session.state.remoteWindowSize).toBe(initialWindowBytes);
  });
});
