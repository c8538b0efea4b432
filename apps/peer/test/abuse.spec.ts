import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { fromStatus } from '@starling/client';
import {
  AdminService,
  GetPeerRequestSchema,
  MeshService,
  PublishRequestSchema,
  PublishStreamRequestSchema,
  SubscribeRequestSchema,
  toGrpcDefinition,
} from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { collect, RawClient } from './raw-client.ts';

const mesh = toGrpcDefinition(MeshService);
const admin = toGrpcDefinition(AdminService);
const folder = mkdtempSync(join(tmpdir(), 'starling-abuse-'));
const tokens = join(folder, 'tokens');
const tokenOf = (name: string): string => `Bearer token-of-${name}`;

const testMesh = new TestMesh();
let peer: RunningPeer;
const clients: RawClient[] = [];
const sockets: Socket[] = [];
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  const names = ['good', 'greedy', 'streams', 'stalls', 'sleeps', 'paced'];
  const lines = names.map(
    (name) => `client ${name} sha256:${createHash('sha256').update(`token-of-${name}`).digest('hex')}\n`,
  );
  writeFileSync(tokens, lines.join(''));
  peer = await testMesh.start({
    STARLING_LOG_LEVEL: 'silent',
    STARLING_TOKENS_FILE: tokens,
    STARLING_API_CONNECTIONS_MAX: '40',
    STARLING_API_NEWCOMERS_MAX: '12',
    STARLING_API_NEWCOMER_MAX_MS: '1500',
    STARLING_REQUEST_MAX_MS: '1000',
    STARLING_STREAMS_PER_CALLER_MAX: '3',
    STARLING_READ_RATE_MAX: '10',
    STARLING_PUBLISH_RATE_MAX: '50',
  });
  await until(() => peer.peer.overlay.ready().ready);
});

afterAll(async () => {
  for (const client of clients) client.close();
  for (const session of sessions) session.destroy();
  for (const socket of sockets) socket.destroy();
  await testMesh.stop();
  rmSync(folder, { recursive: true, force: true });
});

function as(name: string): RawClient {
  const client = new RawClient(apiOf(peer), tokenOf(name));
  clients.push(client);
  return client;
}

function rawSocket(...bytes: (string | Buffer)[]): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port: peer.ports.api });
  socket.on('error', () => {}).resume();
  for (const part of bytes) socket.write(part);
  sockets.push(socket);
  return socket;
}

function session(): ClientHttp2Session {
  const made = connectHttp2(`http://${apiOf(peer)}`);
  made.on('error', () => {});
  sessions.push(made);
  return made;
}

const headersOf = (name: string, path: string) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
  authorization: tokenOf(name),
});

/** A peer that is well answers a good caller. */
async function isWell(): Promise<boolean> {
  const one = as('good');
  return one.unary(admin.getPeer, create(GetPeerRequestSchema)).then(
    () => true,
    () => false,
  );
}

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${httpOf(peer)}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe('a caller', () => {
  it('that calls too often is told when to come again, in its own class, and nobody else is', async () => {
    const greedy = as('greedy');
    const ask = () => greedy.unary(admin.getPeer, create(GetPeerRequestSchema)).catch(fromStatus);
    const answers = await Promise.all(Array.from({ length: 60 }, ask));
    const refused = answers.filter((answer) => 'reason' in answer);
    expect(refused.length).toBeGreaterThanOrEqual(20);
    for (const error of refused) {
      expect(error).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'TOO_MANY_CALLS',
        metadata: { class: 'read' },
      });
      expect('retryAfterMs' in error && error.retryAfterMs).toBeGreaterThan(0);
    }
    expect(await greedy.unary(mesh.publish, create(PublishRequestSchema, { topic: 't' }))).toBeDefined();
    expect(await isWell()).toBe(true);
    const wait = Math.max(...refused.map((error) => ('retryAfterMs' in error ? (error.retryAfterMs ?? 0) : 0)));
    expect(wait).toBeLessThanOrEqual(101);
    await until(async () => !('reason' in (await ask())));
  });

  it('that opens too many streams is refused the next, until one ends', async () => {
    const client = as('streams');
    const open = () => client.stream(mesh.subscribe, create(SubscribeRequestSchema, { topics: ['>'] }));
    const streams = Array.from({ length: 3 }, open);
    for (const stream of streams) stream.on('error', () => {}).resume();
    await until(() => peer.peer.subscriptions.size === 3);
    expect(fromStatus(await collect(open()).catch((error: unknown) => error))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_STREAMS',
      retryAfterMs: 5_000,
    });
    streams[0]?.cancel();
    await until(() => peer.peer.subscriptions.size === 2);
    const again = open();
    again.on('error', () => {}).resume();
    await until(() => peer.peer.subscriptions.size === 3);
    for (const stream of [...streams, again]) stream.cancel();
    await until(() => peer.peer.access.streams === 0);
  });

  it('that publishes a stream faster than it may is read no faster, and loses nothing', async () => {
    const call = as('paced').duplex(mesh.publishStream);
    const answers = collect(call);
    const startedAt = performance.now();
    for (let i = 0; i < 200; i++) call.write(create(PublishStreamRequestSchema, { message: { topic: 't' } }));
    call.end();
    const results = await answers;
    expect(results.map(({ result }) => result.case)).toEqual(results.map(() => 'accepted'));
    expect(results).toHaveLength(200);
    // 100 at once, then 50 a second.
    expect(performance.now() - startedAt).toBeGreaterThan(1_500);
  });

  it('whose request never comes is not waited for', async () => {
    const stream = session().request(headersOf('stalls', admin.getPeer.path));
    const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    stream.on('error', () => {});
    stream.write(Buffer.from([0, 0, 0, 0]));
    expect(await trailers).toMatchObject({ 'grpc-status': '4' });
    expect(await metric('starling_calls_refused_total{reason="request-stalled"}')).toBe(1);
  });

  it('with more metadata than a call may have is refused', async () => {
    const stream = session().request({ ...headersOf('good', admin.getPeer.path), 'x-large': 'x'.repeat(20_000) });
    stream.on('error', () => {});
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    expect(headers).toMatchObject({ 'grpc-status': '8' });
    expect(await metric('starling_calls_refused_total{reason="metadata-too-large"}')).toBe(1);
    stream.destroy();
  });
});

describe('a connection', () => {
  // HEADERS without END_HEADERS, and no CONTINUATION after it.
  const halfHeaders = Buffer.concat([Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1]), Buffer.from([0x83])]);

  it.each([
    ['nothing', []],
    ['half a preface', [preface.subarray(0, 10)]],
    ['a preface and no call', [preface, settings]],
    ['half a header', [preface, settings, halfHeaders]],
  ])('that sends %s is closed in time', async (_what, bytes) => {
    const socket = rawSocket(...bytes);
    await until(() => socket.destroyed, 5_000);
    expect(await isWell()).toBe(true);
  });

  it('that makes calls which are refused is closed in time', async () => {
    const stranger = session();
    const ask = (): void => {
      if (stranger.destroyed || stranger.closed) return;
      const stream = stranger.request(headersOf('nobody', admin.getPeer.path));
      stream.on('error', () => {}).resume();
      stream.on('close', () => setTimeout(ask, 50));
      stream.end(Buffer.alloc(5));
    };
    ask();
    await until(() => stranger.destroyed, 5_000);
  });

  it('that guesses tokens has to connect again and again', async () => {
    const guesser = session();
    let refused = 0;
    while (!guesser.destroyed && !guesser.closed && refused < 1_000) {
      const stream = guesser.request(headersOf(`nobody-${refused}`, admin.getPeer.path));
      await new Promise<void>((resolve) => {
        stream.on('response', () => refused++);
        stream
          .on('error', () => {})
          .on('close', resolve)
          .resume();
        stream.end(Buffer.alloc(5));
      });
    }
    expect(refused).toBeLessThanOrEqual(100);
    expect(refused).toBeGreaterThan(90);
    expect(await metric('starling_api_connections_closed_total{reason="refused"}')).toBe(1);
    expect(await isWell()).toBe(true);
  });

  it('over which a call was let in stays', async () => {
    const client = as('good');
    await client.unary(mesh.publish, create(PublishRequestSchema, { topic: 't' }));
    const before = await metric('starling_api_connections_closed_total{reason="no-call"}');
    const idle = rawSocket();
    await until(() => idle.destroyed, 5_000);
    expect(await metric('starling_api_connections_closed_total{reason="no-call"}')).toBe(before + 1);
    expect(await metric('starling_api_connections{state="known"}')).toBeGreaterThanOrEqual(1);
    await client.unary(mesh.publish, create(PublishRequestSchema, { topic: 't' }));
  });

  it('of a crowd that never calls makes room for who does', async () => {
    const crowd = Array.from({ length: 30 }, () => rawSocket());
    await until(() => crowd.filter((socket) => socket.destroyed).length >= 18);
    expect(peer.peer.connections.newcomers).toBeLessThanOrEqual(12);
    expect(await metric('starling_api_connections_closed_total{reason="crowded"}')).toBeGreaterThanOrEqual(18);
    expect(await isWell()).toBe(true);
    for (const socket of crowd) socket.destroy();
  });

  it('beyond the last one is closed, and those that are known stay', async () => {
    await until(() => peer.peer.connections.newcomers === 0);
    const known: ClientHttp2Session[] = [];
    const others = peer.peer.connections.known;
    while (peer.peer.connections.known < 40) {
      const one = session();
      known.push(one);
      const before = peer.peer.connections.known;
      const stream = one.request(headersOf('good', mesh.publish.path));
      stream.on('error', () => {}).resume();
      stream.end(Buffer.alloc(5));
      await until(() => peer.peer.connections.known > before);
    }
    const late = rawSocket(preface);
    await until(() => late.destroyed);
    expect(await metric('starling_api_connections_closed_total{reason="full"}')).toBeGreaterThanOrEqual(1);
    expect(known.every((one) => !one.destroyed)).toBe(true);
    for (const one of known) one.destroy();
    // Those of the clients of the tests before stay.
    await until(() => peer.peer.connections.known === others);
  });

  it('that does not take the end of its stream is broken off', async () => {
    const sleeper = session();
    // A window that never opens: headers come through, data does not.
    sleeper.settings({ initialWindowSize: 0 });
    const stream = sleeper.request(headersOf('sleeps', mesh.subscribe.path));
    stream.on('error', () => {});
    stream.pause();
    stream.end(Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x3e]));
    await until(() => peer.peer.subscriptions.size === 1);
    writeFileSync(tokens, `client good sha256:${createHash('sha256').update('token-of-good').digest('hex')}\n`);
    await until(() => peer.peer.subscriptions.size === 0);
    await until(() => sleeper.destroyed, 12_000);
    expect(await metric('starling_api_connections_closed_total{reason="stalled"}')).toBe(1);
  });
});
