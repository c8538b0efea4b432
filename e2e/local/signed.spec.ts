import { connect, type StarlingClient } from '@starling/client';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalMesh } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { freeBasePort } from '../support/ports.ts';
import { TreacherousRelay } from '../support/treacherous-relay.ts';

let mesh: LocalMesh | undefined;
let relay: TreacherousRelay | undefined;
const clients: StarlingClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await relay?.stop();
  mesh?.stop();
});

/** Two peers that know nobody but the relay between them, and what is heard at the second of what is published at the first. */
async function twoPeersAndARelay(signatures: string) {
  const port = await freeBasePort(10);
  mesh = await LocalMesh.prepare(2, { STARLING_SIGNATURES: signatures, STARLING_BOOTSTRAP: `127.0.0.1:${port}` });
  relay = await TreacherousRelay.start(mesh, port);
  const running = mesh;
  for (const { index } of running.peers) running.spawn(index);
  await until('both are linked with the relay', 60_000, async () => {
    const statuses = await running.statuses();
    return statuses.length === 2 && statuses.every(({ neighbors }) => neighbors.length === 1);
  });
  const [publisher, subscriber] = (await Promise.all(
    running.peers.map(async ({ api }) => {
      const client = await connect({ addresses: [api], ...running.access, learnAddresses: false });
      clients.push(client);
      return client;
    }),
  )) as [StarlingClient, StarlingClient];
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const listen = async () => {
      for await (const event of subscriber.subscribe({ topics: ['news'] })) {
        if (event.kind === 'live') resolve();
        if (event.kind === 'message') heard.push(Buffer.from(event.payload).toString());
      }
    };
    listen().catch(reject);
  });
  return { heard, relay, publish: (payload: string) => publisher.publish({ topic: 'news', payload }) };
}

async function refused(): Promise<number> {
  const page = await (await fetch(`http://${mesh?.peers[1]?.http}/metrics`)).text();
  return Number(/starling_signature_checks_total\{result="refused-altered"\} (\d+)/.exec(page)?.[1] ?? 0);
}

describe('a relay with a valid certificate that alters what it passes on', { timeout: 200_000 }, () => {
  it('deceives a mesh that believes its members', async () => {
    const { heard, relay, publish } = await twoPeersAndARelay('links');
    relay.alter = () => Buffer.from('altered');
    await publish('true');
    await until('what it made of it', 30_000, () => heard.length > 0);
    expect(heard).toEqual(['altered']);
  });

  it('deceives nobody where messages are signed', async () => {
    const { heard, relay, publish } = await twoPeersAndARelay('signed');
    relay.alter = () => Buffer.from('altered');
    await publish('one');
    await publish('two');
    await until('both are refused', 30_000, async () => (await refused()) === 2);
    expect(relay.relayed).toBe(2);
    // It was no broken link.
    relay.alter = null;
    await publish('three');
    await until('what it passed on as it came', 30_000, () => heard.length > 0);
    expect(heard).toEqual(['three']);
  });
});
