import { randomUUID } from 'node:crypto';
import { connect, type StarlingClient } from '@starling/client';
import { exitCode } from '../exit-codes.ts';
import { json } from '../output.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface BenchOptions extends SessionOptions {
  readonly messages: string;
  readonly size: string;
  readonly rate: string;
  readonly subscribers: string;
}

/** Messages whose acknowledgement is awaited at once: twice the window of the SDK's stream, so that it is never idle. */
const inFlightMax = 512;

/** What one run of the benchmark measured. Times in ms; from publication by the publisher's clock, so use one machine. */
export interface BenchResult {
  readonly peers: number;
  readonly subscribers: number;
  readonly messages: number;
  readonly sizeBytes: number;
  /** 0: as fast as the peer acknowledges. */
  readonly ratePerSecond: number;
  readonly publishSeconds: number;
  readonly publishedPerSecond: number;
  readonly expected: number;
  readonly delivered: number;
  readonly deliveryRatio: number;
  readonly deliveredPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Publishes at one peer, subscribes at several, and says how much arrived and how late. */
export function bench(options: BenchOptions): Promise<number> {
  const messages = wholeNumber('--messages', options.messages, 1, 10_000_000);
  const size = wholeNumber('--size', options.size, 16, 1024 * 1024);
  const rate = wholeNumber('--rate', options.rate, 0, 1_000_000);
  const wanted = wholeNumber('--subscribers', options.subscribers, 1, 1_000);
  return withClient(options, 'client', async (publisher, access) => {
    const peers = await Array.fromAsync(publisher.listPeers());
    const addresses = peers.map((peer) => peer.apiAddress).filter(Boolean);
    const targets = Array.from({ length: Math.min(wanted, addresses.length) }, (_, i) => addresses[i] as string);
    const clients = await Promise.all(
      targets.map((address) => connect({ addresses: [address], learnAddresses: false, ...access })),
    );
    try {
      const result = await run(publisher, clients, {
        peers: peers.length,
        messages,
        size,
        rate,
        timeoutMs: milliseconds('--timeout', options.timeout),
      });
      console.log(options.output === 'json' ? json(result) : describe(result));
      return result.deliveryRatio === 1 ? exitCode.ok : exitCode.incomplete;
    } finally {
      for (const client of clients) client.close();
    }
  });
}

interface Load {
  readonly peers: number;
  readonly messages: number;
  readonly size: number;
  readonly rate: number;
  readonly timeoutMs: number;
}

/** Also what `npm run bench` measures with. `timeoutMs`: how long to wait for the last message after publishing. */
async function run(publisher: StarlingClient, clients: readonly StarlingClient[], load: Load): Promise<BenchResult> {
  const topic = `bench.${randomUUID()}`;
  const latencies: number[] = [];
  const stop = new AbortController();
  const expected = load.messages * clients.length;
  let lastAt = 0;
  const all = Promise.withResolvers<void>();
  const live = clients.map((client) => {
    const isLive = Promise.withResolvers<void>();
    const listen = async () => {
      for await (const event of client.subscribe({ topics: [topic], signal: stop.signal })) {
        if (event.kind === 'live') isLive.resolve();
        if (event.kind !== 'message') continue;
        lastAt = performance.now();
        latencies.push(Date.now() - Number(event.headers.sent));
        if (latencies.length >= expected) all.resolve();
      }
    };
    listen().catch((error: unknown) => {
      isLive.reject(error);
      all.reject(error);
    });
    return isLive.promise;
  });
  await Promise.all(live);

  const payload = new Uint8Array(load.size).fill(42);
  const stream = publisher.publishStream();
  const startedAt = performance.now();
  const receipts: Promise<unknown>[] = [];
  for (let i = 0; i < load.messages; i++) {
    if (load.rate > 0) {
      const wait = startedAt + (i * 1_000) / load.rate - performance.now();
      if (wait > 1) await new Promise((done) => setTimeout(done, wait));
    }
    receipts.push(stream.publish({ topic, payload, headers: { sent: String(Date.now()) } }));
    // The stream's window bounds what is under way; waiting for the oldest lets it push back.
    if (receipts.length >= inFlightMax) await receipts.shift();
  }
  await Promise.all(receipts);
  await stream.close();
  const publishSeconds = (performance.now() - startedAt) / 1_000;
  const timer = setTimeout(() => all.resolve(), load.timeoutMs);
  await all.promise;
  clearTimeout(timer);
  stop.abort();

  const seconds = Math.max(0.001, (lastAt - startedAt) / 1_000);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN;
  return {
    peers: load.peers,
    subscribers: clients.length,
    messages: load.messages,
    sizeBytes: load.size,
    ratePerSecond: load.rate,
    publishSeconds,
    publishedPerSecond: load.messages / publishSeconds,
    expected,
    delivered: latencies.length,
    deliveryRatio: latencies.length / expected,
    deliveredPerSecond: latencies.length / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  };
}

function describe(result: BenchResult): string {
  return [
    `${result.messages} messages of ${result.sizeBytes} bytes, published at one of ${result.peers} peers, heard at ${result.subscribers}`,
    `  published  ${result.publishedPerSecond.toFixed(0)} messages/s`,
    `  delivered  ${result.delivered} of ${result.expected} (ratio ${result.deliveryRatio.toFixed(4)}), ${result.deliveredPerSecond.toFixed(0)}/s`,
    `  latency    p50 ${result.p50Ms.toFixed(0)} ms, p99 ${result.p99Ms.toFixed(0)} ms, max ${result.maxMs.toFixed(0)} ms`,
  ].join('\n');
}
