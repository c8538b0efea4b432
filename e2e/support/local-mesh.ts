import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from '@starling/client';
import { Authority, createIdentity, createRequest, Issuer, NamePolicy, namesOf } from '@starling/identity';
import type { LinkKeys } from '@starling/transport-grpc';
import { newToken, tokenLine } from '../../apps/cli/src/tokens/token.ts';
import { peerMemory } from '../../apps/cli/src/up/peer-memory.ts';
import { until } from './poll.ts';
import { freeBasePort } from './ports.ts';

const meshName = 'e2e';

/** Processes that begin together. 16: a mesh of that size starts in about 10 s on two cores, one of 64 at once hardly at all. */
const startedAtOnce = 16;

/** The peer of this checkout, built by `npm run build`. */
export const peerScript = fileURLToPath(new URL('../../apps/peer/dist/main.js', import.meta.url));

/** What a test needs of a peer's `/status`. */
export interface PeerStatus {
  readonly id: string;
  readonly ready: boolean;
  readonly meshSize: number;
  readonly neighbors: readonly { readonly id: string }[];
}

export interface PeerProcess {
  readonly index: number;
  readonly name: string;
  readonly link: string;
  readonly api: string;
  readonly http: string;
  process: ChildProcess;
  output: string;
}

/** Rejects when the peer does not answer within a second. */
export async function statusOf({ http }: PeerProcess): Promise<PeerStatus> {
  const response = await fetch(`http://${http}/status`, { signal: AbortSignal.timeout(1_000) });
  return (await response.json()) as PeerStatus;
}

/** Sizes of the connected parts of these peers, the largest first, by links that both ends report. */
export function partsOf(statuses: Iterable<PeerStatus>): number[] {
  return islandsOf(statuses).map(({ length }) => length);
}

/** Ids of the peers of each connected part, likewise. */
export function islandsOf(statuses: Iterable<PeerStatus>): string[][] {
  const neighbors = new Map(
    Array.from(statuses, ({ id, neighbors }) => [id, new Set(neighbors.map((peer) => peer.id))]),
  );
  const left = new Set(neighbors.keys());
  const islands: string[][] = [];
  for (const first of left) {
    left.delete(first);
    const part = [first];
    for (const id of part) {
      for (const other of neighbors.get(id) ?? []) {
        if (left.has(other) && neighbors.get(other)?.has(id)) {
          left.delete(other);
          part.push(other);
        }
      }
    }
    islands.push(part);
  }
  return islands.sort((a, b) => b.length - a.length);
}

/** Real peers as processes of this machine, seen only from outside. */
export class LocalMesh {
  readonly peers: PeerProcess[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #script: string;

  readonly #folder = mkdtempSync(join(tmpdir(), 'starling-mesh-'));
  #issuer: Issuer | null = null;
  #authority: Authority | null = null;
  /** PEM of the mesh's authority, when there is one. */
  readonly caFile = join(this.#folder, 'ca.pem');
  readonly #tokensFile = join(this.#folder, 'tokens');
  /** What `connect` needs to be let in: an operator's token, over TLS. */
  access: Pick<ConnectOptions, 'tls' | 'token'> = { tls: 'off' };

  private constructor(env: Readonly<Record<string, string>>, script: string) {
    this.#env = env;
    this.#script = script;
  }

  /**
   * Starts `count` peers of `script` and waits until each is ready and all of them are one mesh. They have certificates and know
   * a token, unless `env` has STARLING_INSECURE.
   */
  static async start(
    count: number,
    env: Readonly<Record<string, string>> = {},
    timeoutMs = 60_000,
    script = peerScript,
  ): Promise<LocalMesh> {
    const mesh = await LocalMesh.prepare(count, env, script);
    try {
      await mesh.spawnAll([...mesh.peers.keys()], timeoutMs);
      return mesh;
    } catch (error) {
      mesh.stop();
      throw error;
    }
  }

  /** The same, but starts none of them yet: `spawn` does. */
  static async prepare(
    count: number,
    env: Readonly<Record<string, string>> = {},
    script = peerScript,
  ): Promise<LocalMesh> {
    if (!existsSync(script)) throw new Error(`${script} is not there: run npm run build`);
    const mesh = new LocalMesh(env, script);
    const base = await freeBasePort(10 * count);
    const addresses = (index: number) => ({
      link: `127.0.0.1:${base + 10 * index}`,
      api: `127.0.0.1:${base + 10 * index + 1}`,
      http: `127.0.0.1:${base + 10 * index + 2}`,
    });
    try {
      if (env.STARLING_INSECURE === undefined) await mesh.#openAuthority(count);
      for (let index = 0; index < count; index++) {
        mesh.peers.push({ index, name: `peer-${index}`, ...addresses(index), output: '', process: undefined as never });
      }
      return mesh;
    } catch (error) {
      mesh.stop();
      throw error;
    }
  }

  /** A member that is not one of these processes: its id, and what it proves it by. */
  async newMember(): Promise<{ readonly id: string; readonly mesh: string; readonly keys: LinkKeys }> {
    if (this.#authority === null) throw new Error('an insecure mesh has no members to certify');
    const identity = createIdentity();
    const policy = { names: new NamePolicy([]), lifetimeMs: 3_600_000 };
    const issued = await this.#authority.issue(await createRequest(identity, namesOf([])), policy);
    if (!issued.ok) throw new Error(issued.problem);
    const key = identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const keys = { key, certificate: issued.certificate, authorities: this.#authority.bundle };
    return { id: identity.id, mesh: this.#env.STARLING_MESH ?? meshName, keys };
  }

  get running(): PeerProcess[] {
    return this.peers.filter(({ process }) => process?.exitCode === null && process.signalCode === null);
  }

  /**
   * (Re)starts these peers and waits until all that run are ready and one mesh. A few at a time: more than the machine has
   * cores for would only make each other late.
   */
  async spawnAll(indices: readonly number[], timeoutMs = 60_000): Promise<void> {
    for (let from = 0; from < indices.length; from += startedAtOnce) {
      for (const index of indices.slice(from, from + startedAtOnce)) this.spawn(index);
      await until('every peer is ready', timeoutMs, async () => {
        this.#assertRunning();
        return (await this.statuses()).filter((status) => status.ready).length === this.running.length;
      });
    }
    await until('one mesh', timeoutMs, async () => {
      const parts = await this.parts();
      return parts.length === 1 && parts[0] === this.running.length;
    });
  }

  /** (Re)starts one peer at its ports. */
  spawn(index: number, env: Readonly<Record<string, string>> = {}): void {
    const peer = this.peers[index] as PeerProcess;
    const [host = '', linkPort = ''] = peer.link.split(':');
    const contacts = this.peers.filter((other) => other.index !== index).slice(0, 3);
    peer.process = spawn(process.execPath, [this.#script], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...peerMemory,
        STARLING_NAME: peer.name,
        STARLING_MESH: meshName,
        ...(this.#issuer !== null && { STARLING_TLS_DIR: this.#tlsDir(index), STARLING_TOKENS_FILE: this.#tokensFile }),
        STARLING_LINK_HOST: host,
        STARLING_LINK_PORT: linkPort,
        STARLING_API_HOST: host,
        STARLING_API_PORT: peer.api.split(':')[1],
        STARLING_HTTP_HOST: host,
        STARLING_HTTP_PORT: peer.http.split(':')[1],
        STARLING_BOOTSTRAP: contacts.map(({ link }) => link).join(','),
        STARLING_PARENT_PID: String(process.pid),
        STARLING_SEED_TIMEOUT_MS: '2000',
        STARLING_LOG_FORMAT: 'json',
        ...this.#env,
        ...env,
      },
    });
    const keep = (chunk: Buffer) => {
      peer.output = (peer.output + chunk.toString()).slice(-20_000);
    };
    peer.process.stdout?.on('data', keep);
    peer.process.stderr?.on('data', keep);
    peer.process.stdin?.on('error', () => {});
  }

  /** (Re)starts one peer with a certificate that is good for so long and that nobody renews. */
  async spawnUnrenewed(index: number, lifetimeMs: number): Promise<void> {
    const dir = join(this.#folder, `tls-${index}-unrenewed`);
    mkdirSync(dir);
    const issuer = new Issuer({
      authority: () => this.#authority as Authority,
      policy: { names: new NamePolicy([]), lifetimeMs },
      dirs: [dir],
      pollMs: 50,
      on: () => {},
    });
    await issuer.start();
    this.spawn(index, { STARLING_TLS_DIR: dir });
    await until('the certificate is there', 20_000, () => existsSync(join(dir, 'tls.crt')));
    issuer.close();
  }

  /** The authority as `starling ca init` would have left it. */
  authorityDir(): string {
    const authority = this.#authority as Authority;
    const dir = join(this.#folder, 'ca');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, 'ca.key'), authority.key, { mode: 0o600 });
    writeFileSync(join(dir, 'ca.crt'), authority.certificate);
    return dir;
  }

  kill(peers: readonly PeerProcess[], signal: NodeJS.Signals = 'SIGKILL'): void {
    for (const { process } of peers) process.kill(signal);
  }

  /** Status of every running peer that answers. */
  async statuses(): Promise<PeerStatus[]> {
    const answers = await Promise.allSettled(this.running.map(statusOf));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Sizes of the connected parts of the running peers, the largest first; a peer that does not answer is a part of its own. */
  async parts(): Promise<number[]> {
    const statuses = await this.statuses();
    return [...partsOf(statuses), ...Array.from({ length: this.running.length - statuses.length }, () => 1)];
  }

  /** Kills what still runs. */
  stop(): void {
    this.#issuer?.close();
    for (const { process } of this.peers) process?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Answers the peers as `starling up` does, in this process. */
  async #openAuthority(count: number): Promise<void> {
    const authority = await Authority.create(this.#env.STARLING_MESH ?? meshName);
    this.#authority = authority;
    const dirs = Array.from({ length: count }, (_, index) => this.#tlsDir(index));
    for (const dir of dirs) mkdirSync(dir);
    this.#issuer = new Issuer({
      authority: () => authority,
      policy: { names: new NamePolicy([]), lifetimeMs: 3_600_000 },
      dirs,
      pollMs: 1_000,
      on: () => {},
    });
    await this.#issuer.start();
    writeFileSync(this.caFile, authority.bundle);
    const token = newToken('operator');
    writeFileSync(this.#tokensFile, `${tokenLine('operator', 'e2e', token)}\n`, { mode: 0o600 });
    this.access = { tls: { ca: authority.bundle }, token };
  }

  #tlsDir(index: number): string {
    return join(this.#folder, `tls-${index}`);
  }

  #assertRunning(): void {
    for (const peer of this.peers) {
      if (typeof peer.process?.exitCode === 'number') throw new Error(`${peer.name} ended: ${peer.output.slice(-500)}`);
    }
  }
}
