import { create } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  MeshService,
  PublishRequestSchema,
  PublishResponseSchema,
  type PublishStreamRequest,
  type PublishStreamResponse,
  PublishStreamResponseSchema,
  toGrpcDefinition,
} from '@starling/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StarlingClient } from './index.ts';
import { PeerCalls } from './peer-calls.ts';
import { PublishStream } from './publish-stream.ts';

type Call = ServerDuplexStream<PublishStreamRequest, PublishStreamResponse>;

let server: Server;
let address: string;
let client: StarlingClient;
/** Payloads as the peer got them, and the calls that brought them. */
const got: string[] = [];
let calls: Call[] = [];
/** Whether it acknowledges what it gets. */
let isAnswering = true;

function acknowledge(call: Call): void {
  const value = create(PublishResponseSchema, { messageId: 'm' });
  call.write(create(PublishStreamResponseSchema, { result: { case: 'accepted', value } }));
}

beforeEach(async () => {
  got.length = 0;
  calls = [];
  isAnswering = true;
  server = new Server();
  server.addService(toGrpcDefinition(MeshService), {
    publishStream: (call: Call) => {
      calls.push(call);
      call.on('data', ({ message }: PublishStreamRequest) => {
        got.push(Buffer.from(message?.payload ?? []).toString());
        if (isAnswering) acknowledge(call);
      });
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
  client = new StarlingClient({ addresses: [address], tls: 'off', learnAddresses: false });
});
afterEach(() => {
  client.close();
  server.forceShutdown();
});

const payloads = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

describe('a publish stream', () => {
  it.each([
    [1, 0],
    [1, 1],
    [3, 2],
    [256, 1],
    [256, 2],
    [256, 5],
  ])(
    'keeps the order in which it was given messages, before the call is open as after: %d outstanding, %d steps from one to the next',
    async (window, steps) => {
      await client.ready();
      const stream = client.publishStream(window);
      const receipts: Promise<unknown>[] = [];
      for (const payload of payloads(200)) {
        receipts.push(stream.publish({ topic: 'a', payload }));
        // As lines come from a pipe, while promises of those before are on their way.
        for (let step = 0; step < steps; step++) await Promise.resolve();
        if (receipts.length % 50 === 0) await new Promise(setImmediate);
      }
      await Promise.all(receipts);
      expect(got).toEqual(payloads(200));
      await stream.close();
    },
  );

  it('has no more of them under way than was said', async () => {
    isAnswering = false;
    const stream = client.publishStream(2);
    const receipts = payloads(4).map((payload) => stream.publish({ topic: 'a', payload }));
    await expect.poll(() => got).toEqual(['m0', 'm1']);
    acknowledge(calls[0] as Call);
    await receipts[0];
    await expect.poll(() => got).toEqual(['m0', 'm1', 'm2']);
    isAnswering = true;
    for (let i = 0; i < 2; i++) acknowledge(calls[0] as Call);
    await Promise.all(receipts);
    expect(got).toEqual(payloads(4));
  });

  it('closes when what it was given is acknowledged, and takes no more', async () => {
    const stream = client.publishStream(2);
    const receipts = payloads(20).map((payload) => stream.publish({ topic: 'a', payload }));
    await stream.close();
    expect(got).toEqual(payloads(20));
    await Promise.all(receipts);
    await expect(stream.publish({ topic: 'a', payload: 'late' })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('rejects what was under way when its call breaks, and sends what waits by another', async () => {
    isAnswering = false;
    const stream = client.publishStream(2);
    const receipts = payloads(3).map((payload) => stream.publish({ topic: 'a', payload }));
    await expect.poll(() => got).toEqual(['m0', 'm1']);
    isAnswering = true;
    calls[0]?.emit('error', { code: status.UNAVAILABLE, details: 'it leaves' });
    for (const receipt of receipts.slice(0, 2)) await expect(receipt).rejects.toMatchObject({ name: 'StarlingError' });
    await receipts[2];
    expect([calls.length, got]).toEqual([2, ['m0', 'm1', 'm2']]);
    await stream.close();
  });

  it('gives up a peer that acknowledges nothing, and goes on by another call', async () => {
    isAnswering = false;
    const peer = new PeerCalls({ addresses: [address], tls: 'off', learnAddresses: false });
    const stream = new PublishStream(peer, 2, 2_000);
    const first = stream.send(create(PublishRequestSchema, { topic: 'a' }));
    const silent = stream.send(create(PublishRequestSchema, { topic: 'a' }));
    // One that was acknowledged does not make it wait for the other for ever.
    await expect.poll(() => got.length).toBe(2);
    acknowledge(calls[0] as Call);
    await first;
    await expect(silent).rejects.toMatchObject({
      reason: 'UNREACHABLE',
      message: expect.stringMatching(/acknowledged nothing for 2000 ms/),
    });
    isAnswering = true;
    await expect(stream.send(create(PublishRequestSchema, { topic: 'a' }))).resolves.toMatchObject({ id: 'm' });
    await stream.close();
    peer.close();
  });
});
