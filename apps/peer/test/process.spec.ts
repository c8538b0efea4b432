import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ReceivedMessage, type StarlingClient } from '@starling/client';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildPeer, ChildPeer } from './child-peer.ts';
import { until } from './peers.ts';

const children: ChildPeer[] = [];
const clients: StarlingClient[] = [];
const directories: string[] = [];

function start(env: Readonly<Record<string, string>> = {}, stdin: 'ignore' | 'pipe' = 'ignore'): ChildPeer {
  const child = new ChildPeer(env, stdin);
  children.push(child);
  return child;
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'starling-peer-'));
  directories.push(made);
  return made;
}

async function clientOf(...addresses: string[]): Promise<StarlingClient> {
  const client = await connect({ tls: 'off', addresses, learnAddresses: false });
  clients.push(client);
  return client;
}

async function isReady(http: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${http}/readyz`).catch(() => null);
  return response?.status === 200;
}

beforeAll(() => buildPeer(), 60_000);

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const child of children) if (child.exit === null) child.kill();
  await Promise.all(children.splice(0).map((child) => child.exited()));
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});

describe('start', () => {
  it('costs less than a second and a half of CPU until it listens, however busy the machine is', async () => {
    const child = start();
    await child.ports();
    expect(child.lines().find((line) => line.message === 'the peer listens')?.startCpuMs).toBeLessThan(1_500);
  });

  it('stops with every wrong setting on a line of its own', async () => {
    const child = start({ STARLING_LINK_PORT: 'x', STARLING_MESH: 'a b', STARLING_CANARYY: 'on' });
    expect(await child.exited()).toBe(64);
    expect(child.stderr.trim().split('\n')).toEqual([
      'STARLING_CANARYY is no setting and is ignored: did you mean STARLING_CANARY?',
      'STARLING_MESH=a b: must be lower-case letters, digits, ".", "_" or "-"',
      'STARLING_LINK_PORT=x: must be a whole number from 0 to 65535',
    ]);
  });

  it.each(['LINK', 'API', 'HTTP'])('stops with one line when the %s port is in use', async (which) => {
    const server = createServer().listen(0, '127.0.0.1');
    await until(() => server.listening);
    const { port } = server.address() as AddressInfo;
    const child = start({ [`STARLING_${which}_PORT`]: String(port) });
    expect(await child.exited()).toBe(69);
    expect(child.stderr).toBe(`port ${port} is in use: stop the other program or set STARLING_${which}_PORT\n`);
    server.close();
  });

  it('stops with one line when the data directory cannot be used', async () => {
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    const child = start({ STARLING_DATA_DIR: file });
    expect(await child.exited()).toBe(69);
    expect(child.stderr).toMatch(/^cannot .*\n$/);
    expect(child.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s: leaves the mesh in order, with a line for each step', async (signal) => {
    const first = start({ STARLING_SEED_TIMEOUT_MS: '0' });
    const { link } = await first.ports();
    const second = start({ STARLING_BOOTSTRAP: `127.0.0.1:${link}` });
    const { http } = await second.ports();
    await until(() => isReady(http));
    const startedAt = Date.now();
    second.kill(signal);
    expect(await second.exited()).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect(second.lines().map((line) => line.message)).toEqual(
      expect.arrayContaining([
        'the peer is draining',
        'stopping: left the mesh',
        'stopping: finished the calls of clients',
        'stopping: closed the links',
        'stopping: closed HTTP',
        'stopped',
      ]),
    );
    await until(() => first.lines().some((line) => line.message === 'a neighbour went' && line.reason === 'left'));
  });

  it('is over in time though subscribers hold their calls open', async () => {
    const child = start({ STARLING_SEED_TIMEOUT_MS: '0' });
    const { api } = await child.ports();
    const client = await clientOf(`127.0.0.1:${api}`);
    const events = client.subscribe({ topics: ['>'], giveUpAfterMs: 500 })[Symbol.asyncIterator]();
    await events.next();
    child.kill('SIGTERM');
    expect(await child.exited()).toBe(0);
    await expect(events.next()).rejects.toMatchObject({ reason: 'UNREACHABLE' });
  });

  it('follows within a second when the parent process is gone', async () => {
    const parent = spawn('sleep', ['60']);
    const child = start({ STARLING_PARENT_PID: String(parent.pid) });
    await child.ports();
    parent.kill('SIGKILL');
    const startedAt = Date.now();
    expect(await child.exited()).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(1_200);
  });

  it('follows within a second when standard input ends', async () => {
    const child = start({ STARLING_PARENT_STDIN: '1' }, 'pipe');
    await child.ports();
    child.process.stdin?.end();
    const startedAt = Date.now();
    expect(await child.exited()).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(1_200);
  });
});

describe('a peer that dies', () => {
  /** Three peers as processes; every client-side address. */
  async function mesh(): Promise<{ readonly peers: ChildPeer[]; readonly apis: string[]; readonly link: number }> {
    const first = start({ STARLING_SEED_TIMEOUT_MS: '0' });
    const { link } = await first.ports();
    const others = [1, 2].map(() => start({ STARLING_BOOTSTRAP: `127.0.0.1:${link}` }));
    const peers = [first, ...others];
    const ports = await Promise.all(peers.map((peer) => peer.ports()));
    await until(async () => (await Promise.all(ports.map(({ http }) => isReady(http)))).every(Boolean));
    return { peers, apis: ports.map(({ api }) => `127.0.0.1:${api}`), link };
  }

  it('by kill -9 costs its subscribers nothing: the SDK goes on at another, without a loss or a repeat', async () => {
    const { peers, apis } = await mesh();
    const [first = '', second = '', third = ''] = apis;
    const publisher = await clientOf(second);
    const client = await clientOf(first, third);
    const subscription = client.subscribe({ topics: ['count'] });
    const heard: string[] = [];
    const reading = (async () => {
      for await (const event of subscription) {
        if (event.kind === 'message') heard.push(new TextDecoder().decode((event as ReceivedMessage).payload));
        if (heard.length === 300) break;
      }
    })();
    await until(() => client.address === first);
    for (let i = 0; i < 300; i++) {
      await publisher.publish({ topic: 'count', payload: String(i) });
      if (i === 100) peers[0]?.kill('SIGKILL');
    }
    await reading;
    expect(heard).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
    expect(subscription.moves).toBeGreaterThanOrEqual(1);
  });

  it('and comes back has caught up before it is ready', async () => {
    const { peers, apis, link } = await mesh();
    const [, second = ''] = apis;
    const publisher = await clientOf(second);
    peers[2]?.kill('SIGKILL');
    await peers[2]?.exited();
    // Enough that catching up takes longer than finding a neighbour.
    const count = 4_000;
    const stream = publisher.publishStream();
    const payload = new Uint8Array(4 * 1024);
    await Promise.all(Array.from({ length: count }, () => stream.publish({ topic: 'missed', payload })));
    await stream.close();
    const back = start({ STARLING_BOOTSTRAP: `127.0.0.1:${link}` });
    const { api, http } = await back.ports();
    await until(() => isReady(http));
    const status = (await (await fetch(`http://127.0.0.1:${http}/status`)).json()) as { store: { messages: number } };
    expect(status.store.messages).toBe(count);
    const client = await clientOf(`127.0.0.1:${api}`);
    const sequences: bigint[] = [];
    for await (const event of client.subscribe({ topics: ['missed'], from: 'all' })) {
      if (event.kind === 'live') break;
      if (event.kind === 'message') sequences.push(event.sequence);
    }
    expect(sequences).toEqual(Array.from({ length: count }, (_, i) => BigInt(i + 1)));
  });

  it('keeps its identity over a restart when it has a data directory', async () => {
    const env = { STARLING_DATA_DIR: directory() };
    const idOf = (child: ChildPeer) => child.lines().find((line) => line.message === 'the peer listens')?.id;
    const before = start(env);
    await before.ports();
    before.kill();
    await before.exited();
    const after = start(env);
    await after.ports();
    expect(idOf(after)).toBe(idOf(before));
  });
});
