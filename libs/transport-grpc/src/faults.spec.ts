import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { LinkRecorder, testGossip, testPeer, testPing } from '@starling/testing';
import { encodeHello, FrameEncoder, toOutgoing } from '@starling/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultGrpcTransportConfig, type GrpcTransportConfig } from './config.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { rawDial, rawHello, rawLink, rawServer } from './test-support/raw-peer.ts';

// grpc-js writes refused ports to the console.
setLogVerbosity(logVerbosity.NONE);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function peer(
  name: string,
  changes: Partial<GrpcTransportConfig> = {},
): Promise<{ transport: GrpcTransport; heard: LinkRecorder; port: number }> {
  const transport = new GrpcTransport({ ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0, ...changes });
  const port = await transport.listen();
  const heard = new LinkRecorder();
  await transport.start(testPeer(name, `127.0.0.1:${port}`), heard);
  cleanups.push(() => transport.stop());
  return { transport, heard, port };
}

/** Shows that a transport still does its work. */
async function expectAlive(port: number): Promise<void> {
  const probe = await peer('probe');
  await probe.transport.contact(`127.0.0.1:${port}`);
}

async function tcpServer(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket);
  await listening(server);
  return (server.address() as AddressInfo).port;
}

async function listening(server: NetServer): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

describe('dialling what is no peer', () => {
  it('gives up on a server that accepts and is silent, within the connect deadline', async () => {
    const port = await tcpServer(() => {});
    const a = await peer('a');
    const before = performance.now();
    await expect(a.transport.contact(`127.0.0.1:${port}`)).rejects.toMatchObject({ reason: 'timeout' });
    expect(performance.now() - before).toBeLessThan(1_500);
    a.transport.open(testPeer('b', `127.0.0.1:${port}`));
    expect(await a.heard.untilDown()).toEqual(['unanswered']);
  });

  it('gives up on a server that speaks HTTP/1', async () => {
    const server = createHttpServer((_, response) => response.end('hello'));
    await listening(server);
    const a = await peer('a');
    await expect(a.transport.contact(`127.0.0.1:${(server.address() as AddressInfo).port}`)).rejects.toThrow();
  });

  it('gives up on a server that answers with garbage', async () => {
    const port = await tcpServer((socket) => socket.write(Buffer.alloc(4_096, 0xa5)));
    const a = await peer('a');
    await expect(a.transport.contact(`127.0.0.1:${port}`)).rejects.toThrow();
  });

  it.each([
    ['silence after the call', () => {}, 'timeout'],
    ['garbage for a hello', (write: (b: Buffer) => void) => write(Buffer.from('no hello')), 'bad-hello'],
    ['an empty frame', (write: (b: Buffer) => void) => write(Buffer.alloc(0)), 'bad-hello'],
    [
      'another mesh',
      (write: (b: Buffer) => void) => write(encodeHello(rawHello('b', { mesh: 'other' }))),
      'wrong-mesh',
    ],
    [
      'a version of the future',
      (write: (b: Buffer) => void) => write(encodeHello(rawHello('b', { version: 9, versionMin: 8 }))),
      'wrong-version',
    ],
  ])('gives up on %s', async (_, answer, reason) => {
    const server = await rawServer((call) => {
      answer((bytes) => call.write(bytes));
    });
    cleanups.push(server.stop);
    const a = await peer('a', { connectTimeoutMs: 300, answerTimeoutMs: 100 });
    await expect(a.transport.contact(`127.0.0.1:${server.port}`)).rejects.toMatchObject({ reason });
    expect(a.heard.events).toEqual([]);
    expect(a.transport.counters.dialsFailed[reason as 'timeout']).toBe(1);
  });

  it('waits longer for whoever has taken the connection: it is alive, if too busy to answer', async () => {
    const server = await rawServer((call) => {
      setTimeout(() => call.write(encodeHello(rawHello('b'))), 600);
    });
    cleanups.push(server.stop);
    const a = await peer('a', { connectTimeoutMs: 300 });
    expect(await a.transport.contact(`127.0.0.1:${server.port}`)).toMatchObject({ name: 'b' });
  });

  it('takes a version of the future that still speaks this one', async () => {
    const server = await rawServer((call) => {
      call.write(encodeHello(rawHello('b', { version: 2, versionMin: 1 })));
    });
    cleanups.push(server.stop);
    const a = await peer('a');
    expect(await a.transport.contact(`127.0.0.1:${server.port}`)).toMatchObject({ name: 'b' });
  });
});

describe('being dialled by what is no peer', () => {
  it.each([
    ['HTTP/1', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['garbage', Buffer.alloc(10_000, 0x5a)],
    ['half a preface', 'PRI * HTTP/2.0\r\n'],
    ['nothing at all', ''],
  ])('shrugs off %s', async (_, bytes) => {
    const a = await peer('a');
    const socket = connect(a.port, '127.0.0.1').on('error', () => {});
    cleanups.push(() => socket.destroy());
    await new Promise((resolve) => socket.once('connect', resolve));
    if (bytes !== '') await new Promise((resolve) => socket.write(bytes, resolve));
    await expectAlive(a.port);
  });

  it('shrugs off TLS', async () => {
    const a = await peer('a');
    const socket = connectTls({ port: a.port, host: '127.0.0.1', rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    await new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
    await expectAlive(a.port);
  });

  it.each([
    ['garbage', Buffer.from('no hello'), 'bad-hello'],
    ['an empty frame', Buffer.alloc(0), 'bad-hello'],
    ['messages', Buffer.from([0x22, 0x03, 0x82, 0x01, 0x00]), 'bad-hello'],
    ['a hello without an id', encodeHello(rawHello('b', { peer: { ...testPeer('b', 'h:1'), id: '' } })), 'bad-hello'],
    ['an address that is none', encodeHello(rawHello('b', { peer: testPeer('b', 'unix:/x') })), 'bad-hello'],
    ['another mesh', encodeHello(rawHello('b', { mesh: 'other' })), 'wrong-mesh'],
    ['an old version', encodeHello(rawHello('b', { version: 0, versionMin: 0 })), 'wrong-version'],
    ['its own id', encodeHello(rawHello('a')), 'self'],
  ] as const)('refuses %s, with the reason', async (_, first, reason) => {
    const a = await peer('a');
    const { stream } = rawDial(a.port);
    stream.write(first);
    await stream.until(() => stream.ended !== null);
    expect(stream.frames).toMatchObject([{ kind: 'frame', refusal: { reason } }]);
    expect(a.transport.counters.refused[reason]).toBe(1);
    expect(a.heard.events).toEqual([]);
  });

  it('refuses a dialler that speaks before it has confirmed', async () => {
    const a = await peer('a');
    const { stream } = rawDial(a.port);
    stream.write(encodeHello(rawHello('b')));
    stream.write(frameOf(testPing(1)));
    await stream.until(() => stream.ended !== null);
    expect(a.heard.events).toEqual([]);
  });

  it('drops a dialler that does not confirm in time', async () => {
    const a = await peer('a', { acceptTimeoutMs: 100 });
    const { stream } = rawDial(a.port);
    stream.write(encodeHello(rawHello('b')));
    await stream.until(() => stream.ended !== null);
    expect(a.transport.counters.acceptTimeouts).toBe(1);
    expect(a.heard.events).toEqual([]);
  });

  it('takes no more streams than its bound', async () => {
    const a = await peer('a', { streamsMax: 2 });
    const links = [await rawLink(a.port, 'b'), await rawLink(a.port, 'c')];
    await a.heard.untilUp(2);
    const third = rawDial(a.port);
    third.stream.write(encodeHello(rawHello('d')));
    await third.stream.until(() => third.stream.ended !== null);
    expect(third.stream.frames).toMatchObject([{ refusal: { reason: 'busy' } }]);
    await expect(a.transport.contact('127.0.0.1:1')).rejects.toMatchObject({ reason: 'busy' });
    for (const { cut } of links) cut();
    await a.heard.untilDown(2);
    await rawLink(a.port, 'd');
    await a.heard.untilUp(3);
  });
});

describe('a link', () => {
  it('ends when a frame cannot be read, and nothing throws', async () => {
    const a = await peer('a');
    const { stream } = await rawLink(a.port, 'b');
    await a.heard.untilUp();
    stream.write(Buffer.from([0x22, 0xff, 0xff]));
    expect(await a.heard.untilDown()).toEqual(['lost']);
    expect(a.transport.counters.malformedFrames).toBe(1);
    await expectAlive(a.port);
  });

  it('ignores and counts what a later version says', async () => {
    const a = await peer('a');
    const { stream } = await rawLink(a.port, 'b');
    // A message of kind 100, a field 99 of the frame, an empty message; then one that is known.
    stream.write(Buffer.from([0x22, 0x03, 0xa2, 0x06, 0x00, 0x9a, 0x06, 0x01, 0x41, 0x22, 0x00]));
    stream.write(frameOf(testPing(5)));
    expect(await a.heard.untilMessages(1)).toEqual([testPing(5)]);
    expect(a.transport.counters.unknownMessages).toBe(3);
  });

  it('ends when a frame is larger than allowed', async () => {
    const a = await peer('a');
    const { stream } = await rawLink(a.port, 'b');
    await a.heard.untilUp();
    stream.write(Buffer.alloc(4 * 1024 * 1024));
    expect(await a.heard.untilDown()).toEqual(['lost']);
    await expectAlive(a.port);
  });

  it('does not send what nobody would take', async () => {
    const [a, b] = [await peer('a'), await peer('b')];
    const { id } = await a.transport.contact(`127.0.0.1:${b.port}`);
    const { bodyBytesMax } = defaultGrpcTransportConfig.frames;
    expect(a.transport.send(id, testGossip(1, bodyBytesMax + 1))).toBe(false);
    expect(a.transport.counters.oversized).toBe(1);
    expect(a.transport.send(id, testGossip(2, bodyBytesMax))).toBe(true);
    expect(a.transport.send(id, testGossip(3))).toBe(true);
    expect(await b.heard.untilMessages(2)).toHaveLength(2);
  });

  it('is replaced when its peer has begun a new life and dials again', async () => {
    const a = await peer('a');
    await rawLink(a.port, 'b');
    await a.heard.untilUp();
    const second = await rawLink(a.port, 'b');
    await a.heard.untilUp(2);
    expect(a.heard.events.map((event) => event.kind)).toEqual(['up', 'down', 'up']);
    second.stream.write(frameOf(testPing(7)));
    expect(await a.heard.untilMessages(1)).toEqual([testPing(7)]);
  });

  it('refuses a dial that crossed the link that there is', async () => {
    const a = await peer('a');
    const session = 77n;
    const first = rawDial(a.port);
    first.stream.write(encodeHello(rawHello('b', { session, number: 5 })));
    await first.stream.until(() => first.stream.frames.length > 0);
    first.stream.write(Buffer.from([0x18, 1]));
    await a.heard.untilUp();
    const late = rawDial(a.port);
    late.stream.write(encodeHello(rawHello('b', { session, number: 4 })));
    await late.stream.until(() => late.stream.ended !== null);
    expect(late.stream.frames).toMatchObject([{ refusal: { reason: 'duplicate' }, hello: { peer: { name: 'a' } } }]);
    expect(a.heard.events).toHaveLength(1);
  });

  it('breaks at once when the connection does', async () => {
    const a = await peer('a');
    const { cut } = await rawLink(a.port, 'b');
    await a.heard.untilUp();
    cut();
    expect(await a.heard.untilDown()).toEqual(['lost']);
  });

  it('breaks when the connection is half open: keep-alive', async () => {
    const b = await peer('b');
    let frozen = false;
    // A wire that can go dead without a word, as a network does.
    const port = await tcpServer((socket) => {
      const upstream = connect(b.port, '127.0.0.1').on('error', () => {});
      cleanups.push(() => upstream.destroy());
      socket.on('data', (bytes) => frozen || upstream.write(bytes));
      upstream.on('data', (bytes) => frozen || socket.write(bytes));
    });
    const a = await peer('a', { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 100 });
    await a.transport.contact(`127.0.0.1:${port}`);
    frozen = true;
    expect(await a.heard.untilDown()).toEqual(['lost']);
  });

  it('closes within its deadline though the other side is frozen', async () => {
    const stuck = await rawServer((call) => {
      call.write(encodeHello(rawHello('b')));
    });
    cleanups.push(stuck.stop);
    const a = await peer('a', { closeTimeoutMs: 100 });
    const { id } = await a.transport.contact(`127.0.0.1:${stuck.port}`);
    for (let seq = 0; seq < 100; seq++) a.transport.send(id, testGossip(seq, 50_000));
    const before = performance.now();
    await a.transport.stop();
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe('a reader that does not read', () => {
  const queues = { controlBytesMax: 10_000, repairBytesMax: 10_000, payloadBytesMax: 500_000, bulkBytesMax: 500_000 };

  async function stuckLink(): Promise<{ a: Awaited<ReturnType<typeof peer>>; id: string }> {
    const stuck = await rawServer((call) => {
      call.write(encodeHello(rawHello('b')));
    });
    cleanups.push(stuck.stop);
    const a = await peer('a', { queues, closeTimeoutMs: 100 });
    const { id } = await a.transport.contact(`127.0.0.1:${stuck.port}`);
    return { a, id };
  }

  it('costs bounded memory: payloads are dropped and counted, the link stays', async () => {
    const { a, id } = await stuckLink();
    let refused = 0;
    for (let seq = 0; seq < 2_000; seq++) {
      if (!a.transport.send(id, testGossip(seq, 2_000))) refused++;
      if (seq % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(a.transport.stats(id)?.queuedBytes).toBeLessThanOrEqual(queues.payloadBytesMax);
    }
    expect(refused).toBeGreaterThan(1_000);
    expect(a.transport.counters.payloadsDropped).toBe(refused);
    expect(a.heard.of('down')).toEqual([]);
  });

  it('is no neighbour when it takes no control messages: the link is closed', async () => {
    const { a, id } = await stuckLink();
    for (let seq = 0; seq < 300; seq++) a.transport.send(id, testGossip(seq, 2_000));
    await new Promise((resolve) => setImmediate(resolve));
    for (let nonce = 0; a.transport.send(id, testPing(nonce)); nonce++) expect(nonce).toBeLessThan(10_000);
    expect(await a.heard.untilDown()).toEqual(['lost']);
    expect(a.transport.counters.queueOverflows).toBe(1);
  });
});

describe('batching', () => {
  it('puts what is queued in one turn into one frame, control first, and sends it in that turn', async () => {
    const a = await peer('a');
    const { stream } = await rawLink(a.port, 'b');
    await a.heard.untilUp();
    const { id } = testPeer('b', 'h:1');
    for (let seq = 1; seq <= 100; seq++) a.transport.send(id, testGossip(seq));
    a.transport.send(id, testPing(1));
    await stream.until(() => stream.frames.length === 2);
    const frame = stream.frames[1];
    expect(frame).toMatchObject({ kind: 'frame' });
    if (frame?.kind !== 'frame') return;
    expect(frame.messages).toHaveLength(101);
    expect(frame.messages[0]).toEqual(testPing(1));
    a.transport.send(id, testPing(2));
    await stream.until(() => stream.frames.length === 3);
    expect(stream.frames[2]).toMatchObject({ messages: [testPing(2)] });
  });
});

describe('listening', () => {
  it('says which port is taken', async () => {
    const a = await peer('a');
    const second = new GrpcTransport({ ...defaultGrpcTransportConfig, host: '127.0.0.1', port: a.port });
    await expect(second.listen()).rejects.toMatchObject({ name: 'ListenError', reason: 'port-in-use', port: a.port });
    const elsewhere = new GrpcTransport({ ...defaultGrpcTransportConfig, host: '192.0.2.1', port: 0 });
    await expect(elsewhere.listen()).rejects.toMatchObject({ reason: 'bad-address' });
  });
});

function frameOf(message: ReturnType<typeof testPing>): Buffer {
  const encoder = new FrameEncoder(defaultGrpcTransportConfig.frames);
  encoder.add(toOutgoing(message));
  return encoder.take();
}
