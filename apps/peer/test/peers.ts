import { loadConfig } from '../src/config/load.ts';
import { createLogs } from '../src/logs/logs.ts';
import { RunningPeer } from '../src/process/running-peer.ts';

/** Real peers in this process, on free ports of the loopback, for tests. */
export class TestMesh {
  readonly peers: RunningPeer[] = [];

  /** Starts a peer that knows those before it. `env` beats the defaults for tests. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<RunningPeer> {
    const bootstrap = this.peers.map(({ ports }) => `127.0.0.1:${ports.link}`).slice(0, 2);
    const loaded = loadConfig({
      STARLING_NAME: `peer-${this.peers.length}`,
      STARLING_LINK_HOST: '127.0.0.1',
      STARLING_API_HOST: '127.0.0.1',
      STARLING_HTTP_HOST: '127.0.0.1',
      STARLING_LINK_PORT: '0',
      STARLING_API_PORT: '0',
      STARLING_HTTP_PORT: '0',
      STARLING_BOOTSTRAP: bootstrap.join(','),
      STARLING_SEED_TIMEOUT_MS: bootstrap.length === 0 ? '0' : '10000',
      STARLING_LOG_LEVEL: 'error',
      ...(env.STARLING_TLS_DIR === undefined && { STARLING_INSECURE: 'true' }),
      ...env,
    });
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    const peer = await RunningPeer.start(loaded.config, createLogs(loaded.config, loaded.config.name));
    this.peers.push(peer);
    return peer;
  }

  /** Starts so many, and waits until all are ready, know each other and have two neighbours where there are two. */
  async startAll(count: number, env: Readonly<Record<string, string>> = {}): Promise<RunningPeer[]> {
    for (let i = 0; i < count; i++) await this.start(env);
    const isSettled = ({ peer: { overlay } }: RunningPeer): boolean =>
      overlay.ready().ready && overlay.size === count && overlay.neighbors.length >= Math.min(2, count - 1);
    await until(() => this.peers.every(isSettled));
    return this.peers;
  }

  async stop(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.stop(200)));
  }
}

export function apiOf(peer: RunningPeer): string {
  return `127.0.0.1:${peer.ports.api}`;
}

export function httpOf(peer: RunningPeer): string {
  return `http://127.0.0.1:${peer.ports.http}`;
}

/** Resolves when the condition holds; looks again and again. Rejects after `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The first `count` items of an endless stream. */
export async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
