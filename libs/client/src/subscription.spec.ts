import { create } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import {
  MeshService,
  type SubscribeRequest,
  type SubscribeResponse,
  SubscribeResponseSchema,
  toGrpcDefinition,
} from '@starling/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { CursorSet } from './cursor-set.ts';
import { StarlingClient, type SubscriptionEvent } from './index.ts';
import { SeenIds } from './seen-ids.ts';

type Call = ServerWritableStream<SubscribeRequest, SubscribeResponse>;
type Event = SubscribeResponse['event'];

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

/** A real gRPC server whose Subscribe does what the test says. */
async function serve(subscribe: (call: Call) => void): Promise<string> {
  const server = new Server();
  server.addService({ subscribe: toGrpcDefinition(MeshService).subscribe }, { subscribe });
  servers.push(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `127.0.0.1:${port}`;
}

function message(origin: string, sequence: number): Event {
  const value = {
    messageId: `${origin}/${sequence}`,
    origin,
    sequence: BigInt(sequence),
    cursor: `${origin}@${sequence}`,
  };
  return create(SubscribeResponseSchema, { event: { case: 'message', value } }).event;
}

function checkpoint(cursor: string): Event {
  return create(SubscribeResponseSchema, { event: { case: 'checkpoint', value: { cursor, live: true } } }).event;
}

function write(call: Call, ...events: Event[]): void {
  for (const event of events) call.write(create(SubscribeResponseSchema, { event }));
}

function breakOff(call: Call, code: status): void {
  call.emit('error', { code, details: 'broken for the test' });
}

async function read(
  client: StarlingClient,
  count: number,
): Promise<{ events: SubscriptionEvent[]; moves: number; duplicates: number }> {
  const subscription = client.subscribe({ topics: ['t'], giveUpAfterMs: 5_000 });
  const events: SubscriptionEvent[] = [];
  for await (const event of subscription) {
    events.push(event);
    if (events.length === count) break;
  }
  client.close();
  return { events, moves: subscription.moves, duplicates: subscription.duplicates };
}

const clientOf = (...addresses: string[]): StarlingClient =>
  new StarlingClient({ addresses, tls: 'off', learnAddresses: false });

describe('subscription', () => {
  it('goes on at another peer from where its reader stands, and drops what comes twice', async () => {
    const asked: string[][] = [];
    const first = await serve((call) => {
      write(call, message('a', 1), checkpoint('c1'), message('a', 2), message('b', 1), message('a', 3));
      breakOff(call, status.UNAVAILABLE);
    });
    const second = await serve((call) => {
      asked.push(call.request.cursors);
      write(call, message('a', 3), message('b', 2), checkpoint('c2'));
    });
    const { events, moves, duplicates } = await read(clientOf(first, second), 7);
    expect(events.map((event) => (event.kind === 'message' ? event.id : event.kind))).toEqual([
      'a/1',
      'live',
      'a/2',
      'b/1',
      'a/3',
      'b/2',
      'live',
    ]);
    expect(asked).toEqual([['c1', 'b@1', 'a@3']]);
    expect({ moves, duplicates }).toEqual({ moves: 1, duplicates: 1 });
  });

  it('begins at its own beginning when its peer goes before it said anything', async () => {
    const startedAt = Date.now();
    const asked: SubscribeRequest[] = [];
    const first = await serve((call) => breakOff(call, status.UNAVAILABLE));
    const second = await serve((call) => {
      asked.push(call.request);
      write(call, message('a', 1));
    });
    await read(clientOf(first, second), 1);
    const since = Number(asked[0]?.sinceTime?.seconds) * 1_000 + Number(asked[0]?.sinceTime?.nanos) / 1e6;
    expect(Math.abs(since - startedAt)).toBeLessThan(2_000);
  });

  it('fails at once with what every peer would refuse', async () => {
    let calls = 0;
    const address = await serve((call) => {
      calls++;
      breakOff(call, status.INVALID_ARGUMENT);
    });
    await expect(read(clientOf(address, address), 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(calls).toBe(1);
  });

  it('surfaces gaps and remembers that they were told', async () => {
    const value = { origin: 'a', firstSequence: 2n, lastSequence: 5n, reason: 'evicted', cursor: 'a@5' };
    const gap = create(SubscribeResponseSchema, { event: { case: 'gap', value } }).event;
    const address = await serve((call) => write(call, gap));
    const client = clientOf(address);
    const subscription = client.subscribe({ topics: ['t'] });
    for await (const event of subscription) {
      expect(event).toMatchObject({ kind: 'gap', firstSequence: 2n, lastSequence: 5n, reason: 'evicted' });
      break;
    }
    expect(subscription.cursors).toEqual(['a@5']);
    client.close();
  });

  it('ends when it is closed, without an error', async () => {
    const address = await serve((call) => write(call, checkpoint('c')));
    const client = clientOf(address);
    const subscription = client.subscribe({ topics: ['t'] });
    const kinds: string[] = [];
    for await (const event of subscription) {
      kinds.push(event.kind);
      subscription.close();
    }
    expect(kinds).toEqual(['live']);
    client.close();
  });

  it('says after a while that no peer is there', async () => {
    const client = clientOf('127.0.0.1:1');
    const subscription = client.subscribe({ topics: ['t'], giveUpAfterMs: 300 });
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      reason: 'UNREACHABLE',
      message: 'no peer answers at 127.0.0.1:1',
    });
    client.close();
  });
});

describe('cursor set', () => {
  it('keeps what was given until a checkpoint stands for it', () => {
    const cursors = new CursorSet(['g1', 'g2']);
    cursors.passed('a', 'a1');
    cursors.passed('a', 'a2');
    expect(cursors.list()).toEqual(['g1', 'g2', 'a2']);
    cursors.checkpoint('c');
    expect(cursors.list()).toEqual(['c']);
  });

  it('never has more than the API takes', () => {
    const cursors = new CursorSet(['g']);
    for (let i = 0; i < 10_000; i++) cursors.passed(`o${i}`, `c${i}`);
    expect(cursors.list()).toHaveLength(4_096);
    expect(cursors.list().at(-1)).toBe('c9999');
  });
});

describe('seen ids', () => {
  it('know the last so many', () => {
    const seen = new SeenIds(2);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map((id) => seen.add(id))).toEqual([true, true, false, true, true, true]);
  });
});
