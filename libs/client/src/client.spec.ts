import { create } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import {
  AdminService,
  MeshService,
  type QueryRequest,
  type QueryResponse,
  QueryResponseSchema,
  SearchService,
  toGrpcDefinition,
} from '@starling/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { StarlingClient } from './index.ts';

type QueryCall = ServerWritableStream<QueryRequest, QueryResponse>;

const servers: Server[] = [];
const clients: StarlingClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) server.forceShutdown();
});

/** A real gRPC server. What it is not told to answer it takes and leaves open; `open` is how many calls of that kind there are. */
class Peer {
  address = '';
  open = 0;
  queries = 0;

  static async start(query: (call: QueryCall) => void = () => {}): Promise<Peer> {
    const peer = new Peer();
    const hold = (call: { on(event: 'cancelled', listener: () => void): unknown }): void => {
      peer.open++;
      call.on('cancelled', () => peer.open--);
    };
    const server = new Server();
    servers.push(server);
    server.addService(toGrpcDefinition(MeshService), { publish: hold, publishStream: hold, subscribe: hold });
    server.addService(toGrpcDefinition(AdminService), {
      watchTopology: hold,
      queryPeers: hold,
      getPeer: (call: ServerUnaryCall<unknown, unknown>) => hold(call),
    });
    server.addService(toGrpcDefinition(SearchService), {
      respond: hold,
      query: (call: QueryCall) => {
        peer.queries++;
        hold(call);
        query(call);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    peer.address = `127.0.0.1:${port}`;
    return peer;
  }

  async has(open: number): Promise<void> {
    await expect.poll(() => this.open).toBe(open);
  }
}

function clientOf(...addresses: string[]): StarlingClient {
  const client = new StarlingClient({ addresses, tls: 'off', learnAddresses: false });
  clients.push(client);
  return client;
}

const summary = create(QueryResponseSchema, { event: { case: 'summary', value: { complete: true } } });
const hit = create(QueryResponseSchema, { event: { case: 'hit', value: { document: { id: 'd' } } } });
const leave = (call: QueryCall): void => void call.emit('error', { code: status.UNAVAILABLE, details: 'it leaves' });
const answer = (call: QueryCall): void => {
  call.write(summary);
  call.end();
};
const kinds = async (client: StarlingClient) =>
  (await Array.fromAsync(client.query('x', { timeoutMs: 2_000 }))).map(({ kind }) => kind);

describe('close', () => {
  it('ends subscriptions, watches and engines quietly, and rejects calls that wait, at the peer too', async () => {
    const peer = await Peer.start();
    const client = clientOf(peer.address);
    const stream = client.publishStream();
    const quiet = [
      Array.fromAsync(client.subscribe({ topics: ['a'] })),
      Array.fromAsync(client.watchTopology()),
      client.respond({ name: 'e', topics: ['a'] }, () => []).closed,
    ];
    const rejected = [
      client.publish({ topic: 'a', payload: '' }),
      client.getPeer(),
      client.queryPeers('count(*)'),
      Array.fromAsync(client.query('x')),
      stream.publish({ topic: 'a', payload: '' }),
    ].map((call) => expect(call).rejects.toMatchObject({ name: 'StarlingError', code: 'CANCELLED' }));
    await peer.has(8);
    client.close();
    await Promise.all([...quiet, ...rejected]);
    await peer.has(0);
    await stream.close();
    await expect(client.getPeer()).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a signal', () => {
  it.each([
    [
      'publish',
      (client: StarlingClient, signal: AbortSignal) => client.publish({ topic: 'a', payload: '' }, { signal }),
    ],
    ['getPeer', (client: StarlingClient, signal: AbortSignal) => client.getPeer({ signal })],
    ['queryPeers', (client: StarlingClient, signal: AbortSignal) => client.queryPeers('count(*)', { signal })],
    ['query', (client: StarlingClient, signal: AbortSignal) => Array.fromAsync(client.query('x', { signal }))],
  ])('breaks %s off at the peer, and one that has fired lets none begin', async (_what, call) => {
    const peer = await Peer.start();
    const client = clientOf(peer.address);
    const stop = new AbortController();
    const answered = expect(call(client, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await peer.has(1);
    stop.abort();
    await answered;
    await peer.has(0);
    await expect(call(client, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(peer.queries).toBeLessThanOrEqual(1);
  });

  it('ends the wait for a peer that is not there', async () => {
    const client = clientOf('127.0.0.1:1');
    const stop = new AbortController();
    const waiting = [
      client.getPeer({ signal: stop.signal, timeoutMs: 600_000 }),
      Array.fromAsync(client.query('x', { signal: stop.signal })),
    ];
    const endless = Array.fromAsync(client.subscribe({ topics: ['a'], signal: stop.signal }));
    stop.abort();
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await endless).toEqual([]);
  });
});

describe('a query', () => {
  it('goes to another peer when the first one leaves before it has said anything', async () => {
    const [going, staying] = [await Peer.start(leave), await Peer.start(answer)];
    expect(await kinds(clientOf(going.address, staying.address))).toEqual(['summary']);
    expect([going.queries, staying.queries]).toEqual([1, 1]);
  });

  it('does not begin again when it has', async () => {
    const going = await Peer.start((call) => {
      call.write(hit);
      leave(call);
    });
    const staying = await Peer.start();
    await expect(kinds(clientOf(going.address, staying.address))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(staying.queries).toBe(0);
  });

  it('that is not read to its end is ended at the peer', async () => {
    const peer = await Peer.start((call) => void call.write(hit));
    for await (const _ of clientOf(peer.address).query('x')) break;
    await peer.has(0);
  });
});

describe('what cannot be meant', () => {
  const never = Number.POSITIVE_INFINITY;
  it.each([
    ['a deadline that is none', (c: StarlingClient) => c.getPeer({ timeoutMs: never })],
    [
      'a deadline that is no number',
      (c: StarlingClient) => c.publish({ topic: 'a', payload: '' }, { timeoutMs: Number.NaN }),
    ],
    ['a query for ever', (c: StarlingClient) => Array.fromAsync(c.query('x', { timeoutMs: never }))],
    ['a question for ever', (c: StarlingClient) => c.queryPeers('count(*)', { timeoutMs: never })],
    ['less than no neighbour', (c: StarlingClient) => c.publish({ topic: 'a', payload: '' }, { heldBy: -1 })],
    [
      'half a neighbour',
      (c: StarlingClient) => c.publishStream().publish({ topic: 'a', payload: '' }, { heldBy: 1.5 }),
    ],
    ['less than no hit', (c: StarlingClient) => Array.fromAsync(c.query('x', { limit: -1 }))],
    ['half a version', (c: StarlingClient) => c.putDocuments([{ id: 'd', fields: {}, version: 1.5 }])],
    ['half a page', (c: StarlingClient) => Array.fromAsync(c.listPeers({ pageSize: 0.5 }))],
    ['no date', async (c: StarlingClient) => c.subscribe({ topics: ['a'], from: { since: new Date('soon') } })],
  ])('%s is INVALID_REQUEST', async (_what, call) => {
    const peer = await Peer.start();
    await expect(call(clientOf(peer.address))).rejects.toMatchObject({
      name: 'StarlingError',
      reason: 'INVALID_REQUEST',
    });
    expect(peer.open).toBe(0);
  });

  it('a client whose calls have no deadline is none', () => {
    expect(() => new StarlingClient({ addresses: ['127.0.0.1:1'], tls: 'off', timeoutMs: never })).toThrow(
      'timeoutMs is Infinity',
    );
  });

  it('but a subscription may wait for peers for ever, and for a token', async () => {
    const peer = await Peer.start();
    const token = async () => 'a-token';
    const client = new StarlingClient({ addresses: [peer.address], tls: 'off', learnAddresses: false, token });
    clients.push(client);
    const subscription = Array.fromAsync(client.subscribe({ topics: ['a'], giveUpAfterMs: never }));
    await peer.has(1);
    client.close();
    expect(await subscription).toEqual([]);
  });
});
