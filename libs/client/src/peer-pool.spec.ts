import { createServer, type Server as TcpServer } from 'node:net';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerPool } from './peer-pool.ts';
import { plainDialling } from './tls.ts';

const servers: Server[] = [];
const silent: TcpServer[] = [];
const pools: PeerPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
  for (const server of servers.splice(0)) server.forceShutdown();
  for (const server of silent.splice(0)) server.close();
});

/** A gRPC server without methods: enough to be dialled. */
function peer(): Promise<{ readonly address: string; readonly server: Server }> {
  const server = new Server();
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve({ address: `127.0.0.1:${port}`, server });
    });
  });
}

/** Takes connections and says nothing, as a host that swallows packets would. */
function silentPeer(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}));
  silent.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(`127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`);
    });
  });
}

function poolOf(seeds: readonly string[], connectTimeoutMs = 60_000): PeerPool {
  const metadata = (): Metadata => new Metadata();
  const pool = new PeerPool({ seeds, dialling: plainDialling, connectTimeoutMs, metadata });
  pools.push(pool);
  return pool;
}

describe('a pool of peers', () => {
  it('does not wait for silent hosts while another one answers', async () => {
    const { address } = await peer();
    // The silent ones alone would take a minute each.
    const pool = poolOf([await silentPeer(), await silentPeer(), address]);
    expect((await pool.acquire(Date.now() + 20_000)).address).toBe(address);
  });

  it('goes to another peer once the connection broke, without waiting for it to come back', async () => {
    const [first, second] = [await peer(), await peer()];
    const pool = poolOf([first.address, second.address]);
    const before = await pool.acquire(Date.now() + 5_000);
    expect(before.address).toBe(first.address);
    first.server.forceShutdown();
    await new Promise<void>((resolve) => {
      before.client
        .getChannel()
        .watchConnectivityState(before.client.getChannel().getConnectivityState(false), Date.now() + 5_000, () =>
          resolve(),
        );
    });
    // IDLE counts as usable: it dials again by itself. Make it, so that the loss shows.
    before.client.getChannel().getConnectivityState(true);
    await new Promise<void>((resolve) => before.client.waitForReady(Date.now() + 500, () => resolve()));
    expect((await pool.acquire(Date.now() + 5_000)).address).toBe(second.address);
  });

  it('says that no peer answers when none does', async () => {
    const pool = poolOf(['127.0.0.1:1', '127.0.0.1:2']);
    await expect(pool.acquire(Date.now() + 500)).rejects.toMatchObject({ reason: 'UNREACHABLE' });
  });
});
