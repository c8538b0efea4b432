import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { connect } from '@starling/client';
import { byteMutations, mutated } from '@starling/testing';
import {
  AdminService,
  GetPeerRequestSchema,
  MeshService,
  PublishRequestSchema,
  QueryRequestSchema,
  SearchService,
  toGrpcDefinition,
} from '@starling/wire';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methodPolicy } from '../src/auth/policy.ts';
import { loadConfig } from '../src/config/load.ts';
import { createLogs } from '../src/logs/logs.ts';
import { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, until } from './peers.ts';

const token = 'token-of-the-fuzzer';
const folder = mkdtempSync(join(tmpdir(), 'starling-fuzz-'));
const mesh = toGrpcDefinition(MeshService);
const search = toGrpcDefinition(SearchService);
const admin = toGrpcDefinition(AdminService);

let peer: RunningPeer;
let session: ClientHttp2Session;
let logLines = 0;
const defects: string[] = [];
/** What a good client sends over one connection: calls of every kind, as bytes. */
let recorded: Buffer;

beforeAll(async () => {
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, `client fuzzer sha256:${createHash('sha256').update(token).digest('hex')}\n`);
  const loaded = loadConfig({
    STARLING_NAME: 'fuzzed',
    STARLING_LINK_HOST: '127.0.0.1',
    STARLING_API_HOST: '127.0.0.1',
    STARLING_HTTP_HOST: '127.0.0.1',
    STARLING_LINK_PORT: '0',
    STARLING_API_PORT: '0',
    STARLING_HTTP_PORT: '0',
    STARLING_SEED_TIMEOUT_MS: '0',
    STARLING_INSECURE: 'true',
    STARLING_TOKENS_FILE: tokens,
    STARLING_LOG_FORMAT: 'json',
    STARLING_API_NEWCOMER_MAX_MS: '2000',
    STARLING_REQUEST_MAX_MS: '2000',
    // Of each class as many as the fuzzer makes: what is refused for its rate would not be read.
    STARLING_READ_RATE_MAX: '0',
    STARLING_SEARCH_RATE_MAX: '0',
    STARLING_LOOKUP_RATE_MAX: '0',
    STARLING_PUBLISH_RATE_MAX: '0',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const logs = createLogs(loaded.config, 'fuzzed', {
    write: (line: string) => {
      logLines++;
      if (line.includes('"level":"error"')) defects.push(line);
    },
  });
  peer = await RunningPeer.start(loaded.config, logs);
  await until(() => peer.peer.overlay.ready().ready);
  recorded = await record();
  session = connectHttp2(`http://${apiOf(peer)}`);
  session.on('error', () => {});
});

afterAll(async () => {
  session?.destroy();
  await peer?.stop(200);
  rmSync(folder, { recursive: true, force: true });
});

/** A conversation of the SDK, read by a proxy on its way. */
async function record(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connectTcp(peer.ports.api, '127.0.0.1');
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const client = await connect({ tls: 'off', addresses: [`127.0.0.1:${port}`], learnAddresses: false, token });
  await client.publish({ topic: 'fuzz', payload: 'hello', headers: { a: 'b' } });
  await client.putDocuments([{ id: 'd', fields: { title: 'a starling', n: [1, null, { deep: true }] } }]);
  for await (const event of client.query('starling')) if (event.kind === 'summary') break;
  await client.putRecord({ what: { case: 'record', value: { key: Buffer.from('k'), value: Buffer.from('v') } } });
  await client.putRecord({ what: { case: 'offer', value: 'fuzz' } });
  await client.getRecord({ key: Buffer.from('k'), trace: true });
  await client.findPeers({ name: 'fuzz' });
  await Array.fromAsync(client.listPeers({ pageSize: 1 }));
  for await (const event of client.subscribe({ topics: ['fuzz'], from: 'all' })) if (event.kind === 'live') break;
  client.close();
  for (const socket of sockets) socket.destroy();
  proxy.close();
  return Buffer.concat(chunks);
}

const mutations = fc.array(byteMutations, { minLength: 1, maxLength: 6 });

/** Sends bytes and waits until the peer has closed, or said nothing for a while; whichever. */
function send(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTcp(peer.ports.api, '127.0.0.1');
    let quiet: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve();
    };
    const rest = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(done, 50);
    };
    socket.on('error', () => {});
    socket.on('close', done);
    socket.on('data', rest);
    socket.on('connect', () => socket.write(bytes, rest));
  });
}

/** One call over a connection that is in order, with any bytes as its message. Resolves with the status, or null. */
function call(path: string, message: Buffer, isLengthTrue: boolean): Promise<string | null> {
  return new Promise((resolve) => {
    if (session.closed || session.destroyed) session = connectHttp2(`http://${apiOf(peer)}`).on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${token}`,
    });
    let status: string | null = null;
    const read = (headers: Record<string, unknown>): void => {
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
    };
    const give = setTimeout(() => stream.close(8), 1_000);
    stream
      .on('response', read)
      .on('trailers', read)
      .on('error', () => {});
    // Streams that a good request opens have no end of their own.
    stream.on('data', () => stream.close(8));
    stream.on('close', () => {
      clearTimeout(give);
      resolve(status);
    });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(isLengthTrue ? message.length : (message.length * 7 + 3) % 2 ** 32, 1);
    stream.end(Buffer.concat([prefix, message]));
  });
}

/** It answers, it holds nothing for the fuzzer, and it says little. */
async function isWell(linesBefore: number): Promise<void> {
  const client = await connect({ tls: 'off', addresses: [apiOf(peer)], learnAddresses: false, token });
  expect((await client.getPeer()).mesh).toBe('starling');
  await client.publish({ topic: 'well', payload: '' });
  client.close();
  const { subscriptions, watches, queries, access, connections } = peer.peer;
  const held = () => subscriptions.size + watches.size + queries.size + access.streams;
  await until(() => held() === 0);
  await until(() => connections.newcomers + connections.known <= 1);
  expect(logLines - linesBefore).toBeLessThan(300);
  expect(defects).toEqual([]);
}

describe('the API', () => {
  it('outlives any bytes instead of a connection, and any change to the bytes of a good one', async () => {
    const before = logLines;
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutations, fc.uint8Array({ maxLength: 400 })), async (change) => {
        await send(change instanceof Uint8Array ? Buffer.from(change) : mutated(recorded, change));
      }),
      { numRuns: 150 },
    );
    await isWell(before);
  }, 120_000);

  it('answers any bytes instead of a message, of any method, and any change to a good one', async () => {
    const before = logLines;
    const good = [
      {
        path: mesh.publish.path,
        bytes: mesh.publish.requestSerialize(
          create(PublishRequestSchema, { topic: 'fuzz', payload: new Uint8Array(20), headers: { a: 'b' } }),
        ),
      },
      {
        path: search.query.path,
        bytes: search.query.requestSerialize(create(QueryRequestSchema, { text: 'starling', limit: 3 })),
      },
      { path: admin.getPeer.path, bytes: admin.getPeer.requestSerialize(create(GetPeerRequestSchema)) },
    ];
    const seen = new Set<string | null>();
    // An operator's method is none of the fuzzer's: its token has not the rights, so nothing is read.
    const paths = Object.keys(methodPolicy);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          // Mostly what a method is meant to read, a little wrong: that gets furthest.
          {
            weight: 3,
            arbitrary: fc.tuple(fc.constantFrom(...good), fc.array(byteMutations, { maxLength: 2 }), fc.constant(true)),
          },
          {
            weight: 1,
            arbitrary: fc.tuple(
              fc.record({ path: fc.constantFrom(...paths), bytes: fc.uint8Array({ maxLength: 200 }) }),
              mutations,
              fc.boolean(),
            ),
          },
        ),
        async ([{ path, bytes }, changes, isLengthTrue]) => {
          const status = await call(path, mutated(Buffer.from(bytes), changes), isLengthTrue);
          seen.add(status);
          if (status !== null) expect(Number(status)).toBeLessThanOrEqual(16);
        },
      ),
      { numRuns: 500 },
    );
    session.destroy();
    // Taken, refused for what it says (3) and for its rights (7), no message at all (13): the bytes get that far.
    for (const status of ['0', '3', '7', '13']) expect(seen).toContain(status);
    await isWell(before);
  }, 120_000);
});
