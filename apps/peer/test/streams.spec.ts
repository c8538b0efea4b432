import { create } from '@bufbuild/protobuf';
import { connect, type StarlingClient } from '@starling/client';
import { MeshService, SubscribeRequestSchema, type SubscribeResponse, toGrpcDefinition } from '@starling/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPeer } from '../src/process/running-peer.ts';
import { apiOf, httpOf, TestMesh, until } from './peers.ts';
import { RawClient } from './raw-client.ts';

const { subscribe } = toGrpcDefinition(MeshService);
const testMesh = new TestMesh();
let peers: RunningPeer[];
let publisher: StarlingClient;

beforeAll(async () => {
  // 4 MiB are held: what a reader that sleeps through more than that misses must be said.
  peers = await testMesh.startAll(2, { STARLING_STORE_BYTES_MAX: String(4 * 1024 * 1024) });
  publisher = await connect({ tls: 'off', addresses: [apiOf(peers[0] as RunningPeer)], learnAddresses: false });
});

afterAll(async () => {
  publisher?.close();
  await testMesh.stop();
});

/** One metric's value, all its series summed. */
async function metric(peer: RunningPeer, name: string): Promise<number> {
  const text = await (await fetch(`${httpOf(peer)}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

describe('a slow subscriber', () => {
  it('costs no memory, holds up nobody, and is told exactly what it missed', async () => {
    const [, second] = peers as [RunningPeer, RunningPeer];
    const raw = new RawClient(apiOf(second));
    const call = raw.stream(subscribe, create(SubscribeRequestSchema, { topics: ['bulk'] }));
    call.on('error', () => {});
    const events: SubscribeResponse['event'][] = [];
    call.on('data', ({ event }: SubscribeResponse) => events.push(event));
    await until(() => events.length === 1);
    call.pause();

    const payload = new Uint8Array(32 * 1024);
    const count = 400;
    const stream = publisher.publishStream();
    const receipts = await Promise.all(Array.from({ length: count }, () => stream.publish({ topic: 'bulk', payload })));
    await stream.close();
    const last = receipts.at(-1)?.sequence ?? 0n;
    await until(async () => (await metric(second, 'starling_messages_delivered_total')) >= count);
    expect(await metric(second, 'starling_store_bytes')).toBeLessThanOrEqual(4 * 1024 * 1024);

    call.resume();
    const isOver = (event: SubscribeResponse['event']): boolean =>
      event.case === 'message' && event.value.sequence === last;
    await until(() => events.some(isOver));
    const seen = events.flatMap((event) => {
      if (event.case === 'message') return [event.value.sequence];
      if (event.case !== 'gap') return [];
      const { firstSequence, lastSequence, reason } = event.value;
      expect(reason).toBe('slow');
      return Array.from({ length: Number(lastSequence - firstSequence) + 1 }, (_, i) => firstSequence + BigInt(i));
    });
    const first = receipts[0]?.sequence ?? 0n;
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => first + BigInt(i)));
    expect(events.some((event) => event.case === 'gap')).toBe(true);
    expect(await metric(second, 'starling_subscription_gaps_total')).toBeGreaterThan(0);
    expect(await metric(second, 'starling_backpressure_events_total')).toBeGreaterThan(0);
    call.cancel();
    raw.close();
    await until(() => second.peer.subscriptions.size === 0);
  });
});

describe('metrics', () => {
  it('say what a counting client knows to be true', async () => {
    const [first, second] = peers as [RunningPeer, RunningPeer];
    const before = await Promise.all([
      metric(first, 'starling_messages_published_total'),
      metric(second, 'starling_messages_delivered_total'),
      metric(second, 'starling_subscription_messages_total'),
      metric(first, 'grpc_server_handled_total'),
    ]);
    const client = await connect({ tls: 'off', addresses: [apiOf(second)], learnAddresses: false });
    const events = client.subscribe({ topics: ['counted'] })[Symbol.asyncIterator]();
    await events.next();
    for (let i = 0; i < 40; i++) await publisher.publish({ topic: i % 4 === 0 ? 'counted' : 'other', payload: '' });
    for (let i = 0; i < 10; i++) expect((await events.next()).value?.kind).toBe('message');
    await until(async () => (await metric(second, 'starling_messages_delivered_total')) === before[1] + 40);
    expect(await metric(first, 'starling_messages_published_total')).toBe(before[0] + 40);
    expect(await metric(second, 'starling_subscription_messages_total')).toBe(before[2] + 10);
    expect(await metric(first, 'grpc_server_handled_total')).toBe(before[3] + 40);
    expect(await metric(second, 'starling_subscriptions')).toBe(1);
    client.close();
    await until(async () => (await metric(second, 'starling_subscriptions')) === 0);
    expect(await metric(first, 'starling_cluster_size_estimate')).toBe(2);
  });

  it('stay within their budget of series on a peer that worked', async () => {
    const text = await (await fetch(`${httpOf(peers[0] as RunningPeer)}/metrics`)).text();
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(2_000);
  });
});
