import { setTimeout as pause } from 'node:timers/promises';
import { connect, type StarlingClient } from '@starling/client';
import { meshTls } from './mesh-tls.ts';
import { token } from './token.ts';

/** Where to publish and listen, and how fast. */
export interface TrafficOptions {
  readonly addresses: readonly string[];
  /** Messages a second. */
  readonly rate: number;
}

/** How long the last messages may take. */
const settleMs = 30_000;
/** How long one message is tried to be published before the run has failed. */
const publishWithinMs = 30_000;

/**
 * Publishes numbered messages and listens to them, each through the SDK on a connection of its own, until SIGTERM. Then waits for
 * the last ones and says what became of them. Resolves with the exit code: 0 when every message that was acknowledged was
 * heard.
 */
export async function traffic(options: TrafficOptions, say: (line: string) => void): Promise<number> {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  process.once('SIGINT', () => stop.abort());

  const { addresses } = options;
  const access = { tls: meshTls(), ...token() };
  const listener = await connect({ addresses, ...access });
  // With several addresses, at another peer.
  const publisher = await connect({ addresses: addresses.toReversed(), ...access });
  const topic = `mesh-check.traffic-${Date.now()}`;
  const heard = new Set<number>();
  let gaps = 0;
  const subscription = listener.subscribe({ topics: [topic] });
  const listening = new Promise<void>((resolve, reject) => {
    const read = async () => {
      for await (const event of subscription) {
        if (event.kind === 'live') resolve();
        if (event.kind === 'gap') gaps++;
        if (event.kind === 'message') heard.add(Number(event.headers.number));
      }
    };
    read().catch((error: unknown) => {
      reject(error);
      say(`the subscription ended: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
  await listening;
  say(`listening at ${listener.address}, publishing at ${publisher.address}`);

  let published = 0;
  const origins = new Set<string>();
  while (!stop.signal.aborted) {
    origins.add(await publishOne(publisher, topic, published));
    published++;
    await pause(1_000 / options.rate);
  }
  const end = Date.now() + settleMs;
  while (heard.size < published && Date.now() < end) await pause(20);
  subscription.close();
  const missing = Array.from({ length: published }, (_, number) => number).filter((number) => !heard.has(number));
  say(
    `${published} published at ${origins.size} peers, ${missing.length} missed, ${gaps} gaps, ` +
      `the subscription moved ${subscription.moves} times`,
  );
  if (missing.length > 0) say(`missed: ${missing.slice(0, 50).join(', ')}`);
  return published > 0 && missing.length === 0 ? 0 : 1;
}

/**
 * Publishes until it is acknowledged, which may take another peer; answers the peer that took it. A neighbour has to hold
 * it as well: what only a killed peer had is lost, and no mesh can change that.
 */
async function publishOne(publisher: StarlingClient, topic: string, number: number): Promise<string> {
  const end = Date.now() + publishWithinMs;
  for (;;) {
    try {
      const message = { topic, payload: `message ${number}`, headers: { number: `${number}` } };
      return (await publisher.publish(message, { heldBy: 1, timeoutMs: 5_000 })).origin;
    } catch (error) {
      if (Date.now() >= end) throw error;
      await pause(50);
    }
  }
}
