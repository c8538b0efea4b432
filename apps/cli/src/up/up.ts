import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultData } from '../authority-file.ts';
import { operatorPublicFile } from '../bans/find-operator-key.ts';
import { ensureOperatorKey } from '../bans/local-operator.ts';
import { CliError, exitCode } from '../exit-codes.ts';
import { ensureMeshTokens, tokenPath } from '../tokens/mesh-tokens.ts';
import { parseUpOptions, upUsage } from '../up-options.mjs';
import { Child } from './child.ts';
import { forgetAuthority, LocalAuthority, localMeshName, tlsDirectory } from './local-authority.ts';
import { peerMemory } from './peer-memory.ts';
import { firstTaken, portsOf } from './ports.ts';

/** Every stop of a child: this long for a graceful end, then SIGKILL, so that the whole is over within 5 s. */
const stopGraceMs = 3_500;
const startDeadlineMs = 90_000;
const pollMs = 50;

interface UpOptions {
  readonly peers: number;
  readonly basePort: number;
  readonly dashboard: boolean;
  readonly dashboardPort: number;
  readonly data: string;
  readonly insecure: boolean;
  readonly signed: boolean;
}

// The bundle is apps/cli/dist/starling.js; the other products lie beside it.
const apps = join(dirname(fileURLToPath(import.meta.url)), '../..');
const peerScript = join(apps, 'peer/dist/main.js');
const dashboardScript = join(apps, 'dashboard/start.mjs');

/** Runs a local mesh until it is told to stop. Resolves with the exit code. */
export async function up(args: readonly string[]): Promise<number> {
  const options = parseUpOptions(args);
  if (options.help) {
    console.log(upUsage);
    return exitCode.ok;
  }
  if (options.problem) throw new CliError(`${options.problem}\n${upUsage}`, exitCode.usage);
  await checkPorts(options);
  return new LocalMesh(options).run();
}

async function checkPorts(options: UpOptions): Promise<void> {
  const peers = Array.from({ length: options.peers }, (_, index) => Object.values(portsOf(options.basePort, index)));
  const peerPort = await firstTaken(peers.flat());
  if (peerPort !== undefined) {
    throw new CliError(
      `port ${peerPort} is in use: stop the other program, or choose other ports with --base-port`,
      exitCode.environment,
    );
  }
  if (options.dashboard && (await firstTaken([options.dashboardPort])) !== undefined) {
    throw new CliError(
      `port ${options.dashboardPort} is in use: stop the other program, or choose another with --dashboard-port, or start with --no-dashboard`,
      exitCode.environment,
    );
  }
}

class LocalMesh {
  readonly #options: UpOptions;
  readonly #children: Child[] = [];
  /** File of the hashes that the peers know. */
  #tokens = '';
  #authority: LocalAuthority | null = null;
  #isStopping = false;
  #finish: (code: number) => void = () => {};

  constructor(options: UpOptions) {
    this.#options = options;
  }

  async run(): Promise<number> {
    const finished = new Promise<number>((done) => {
      this.#finish = done;
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void this.#stop(0));
    this.#watchParent();
    try {
      await this.#start();
    } catch (error) {
      if (!this.#isStopping) {
        console.error(`starling: ${error instanceof Error ? error.message : String(error)}`);
        void this.#stop(exitCode.environment);
      }
    }
    return finished;
  }

  async #start(): Promise<void> {
    const { peers, dashboard } = this.#options;
    const data = resolve(this.#options.data);
    try {
      mkdirSync(join(data, 'logs'), { recursive: true, mode: 0o700 });
      this.#tokens = ensureMeshTokens(data);
      ensureOperatorKey(data);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new Error(
        `cannot write to the data directory ${data}: ${(error as Error).message}; choose another with --data`,
      );
    }
    if (!this.#options.insecure) this.#authority = await LocalAuthority.start(data, peers);
    else forgetAuthority(data);
    const started = performance.now();
    const all = Array.from({ length: peers }, (_, index) => this.#spawnPeer(index, data));
    let ready = 0;
    this.#progress(`starting ${peers} peers: 0 ready`);
    await Promise.all(
      all.map(async (child, index) => {
        await this.#untilReady(child, `http://127.0.0.1:${portsOf(this.#options.basePort, index).http}/readyz`);
        ready++;
        this.#progress(`starting ${peers} peers: ${ready} ready`);
      }),
    );
    if (dashboard) {
      this.#progress('starting the dashboard');
      const child = this.#spawnDashboard(data);
      await this.#untilReady(child, `http://127.0.0.1:${this.#options.dashboardPort}/healthz`);
    }
    this.#progress('');
    if (this.#isStopping) return;
    console.log(this.#screen(data, (performance.now() - started) / 1000));
  }

  #spawnPeer(index: number, data: string): Child {
    const { basePort, peers } = this.#options;
    const ports = portsOf(basePort, index);
    // Three addresses are enough to find the mesh again whichever peers are alive; the peers tell each other the rest.
    const contacts = [0, 1, 2, peers - 1].filter((other) => other >= 0 && other < peers && other !== index);
    const dataDir = join(data, 'peers', String(index));
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return this.#spawn(`peer-${index}`, peerScript, join(data, 'logs', `peer-${index}.log`), {
      ...peerMemory,
      STARLING_NAME: `peer-${index}`,
      STARLING_MESH: localMeshName,
      STARLING_DATA_DIR: dataDir,
      ...(this.#options.signed && { STARLING_SIGNATURES: 'signed' }),
      ...(this.#authority === null
        ? { STARLING_INSECURE: 'true', STARLING_TLS_DIR: '', STARLING_TOKENS_FILE: '' }
        : {
            STARLING_INSECURE: '',
            STARLING_TLS_DIR: tlsDirectory(data, index),
            STARLING_TLS_WAIT_MS: '20000',
            STARLING_TOKENS_FILE: this.#tokens,
          }),
      STARLING_OPERATOR_KEYS_FILE: join(data, operatorPublicFile),
      STARLING_LINK_HOST: '127.0.0.1',
      STARLING_LINK_PORT: String(ports.link),
      STARLING_API_HOST: '127.0.0.1',
      STARLING_API_PORT: String(ports.api),
      STARLING_HTTP_HOST: '127.0.0.1',
      STARLING_HTTP_PORT: String(ports.http),
      STARLING_BOOTSTRAP: [...new Set(contacts)].map((other) => `127.0.0.1:${portsOf(basePort, other).link}`).join(','),
      STARLING_PARENT_STDIN: 'true',
      STARLING_DRAIN_TIMEOUT_MS: '1000',
    });
  }

  #spawnDashboard(data: string): Child {
    const { basePort, peers, dashboardPort } = this.#options;
    const addresses = Array.from({ length: peers }, (_, index) => `127.0.0.1:${portsOf(basePort, index).api}`);
    return this.#spawn('dashboard', dashboardScript, join(data, 'logs', 'dashboard.log'), {
      PORT: String(dashboardPort),
      HOSTNAME: '127.0.0.1',
      STARLING_PEERS: addresses.slice(0, 32).join(','),
      ...(this.#authority === null
        ? { STARLING_CA_FILE: '', STARLING_TOKEN_FILE: '' }
        : {
            STARLING_CA_FILE: this.#authority.file,
            STARLING_TOKEN_FILE: tokenPath(data, 'viewer'),
            // The console asks its user for this one, and says where it is.
            STARLING_TOKEN_HINT: tokenPath(data, 'client'),
          }),
    });
  }

  #spawn(name: string, script: string, logFile: string, env: Readonly<Record<string, string>>): Child {
    const child = new Child({ name, script, logFile, env });
    this.#children.push(child);
    void child.ended.then((how) => {
      if (this.#isStopping) return;
      const running = this.#children.filter((other) => other.isRunning && other.name !== 'dashboard').length;
      console.error(
        `starling: ${name} (pid ${child.pid}) ended: ${how}; ${running} peers are running; its log: ${logFile}`,
      );
      if (running === 0) {
        console.error('starling: no peer is left');
        void this.#stop(exitCode.unavailable);
      }
    });
    return child;
  }

  async #untilReady(child: Child, url: string): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    let reason = 'no answer';
    while (performance.now() < deadline) {
      if (this.#isStopping) throw new Error('stopped');
      if (!child.isRunning) throw new Error(`${child.name} did not start: ${child.lastWords()}`);
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
        if (response.ok) return;
        reason = (await response.text()).slice(0, 200);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      await new Promise((done) => setTimeout(done, pollMs));
    }
    throw new Error(
      `${child.name} was not ready within ${startDeadlineMs / 1000} s (${reason}); its log: ${child.logFile}`,
    );
  }

  async #stop(code: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#progress('');
    for (const child of this.#children) child.signal('SIGTERM');
    const all = Promise.all(this.#children.map((child) => child.ended));
    const timer = setTimeout(() => {
      for (const child of this.#children) child.signal('SIGKILL');
    }, stopGraceMs);
    await all;
    clearTimeout(timer);
    this.#authority?.close();
    this.#finish(code);
  }

  /** The starter tells its process id: when it is gone, so is everything here. */
  #watchParent(): void {
    const parent = Number(process.env.STARLING_PARENT_PID ?? 0);
    if (!(parent > 1)) return;
    const timer = setInterval(() => {
      try {
        process.kill(parent, 0);
      } catch {
        clearInterval(timer);
        void this.#stop(0);
      }
    }, 250);
    timer.unref();
  }

  #progress(line: string): void {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
    else if (line !== '' && !/: [1-9]\d* ready/.test(line)) console.log(line);
  }

  #screen(data: string, seconds: number): string {
    const { peers, basePort, dashboard, dashboardPort } = this.#options;
    const first = portsOf(basePort, 0);
    const last = portsOf(basePort, peers - 1);
    // The command finds the tokens and the authority by itself where they are by default.
    const isDefault = this.#options.data === defaultData;
    const where = this.#authority === null ? ' --insecure' : isDefault ? '' : ` --data ${this.#options.data}`;
    const address = `${first.api === 7401 ? '' : ` --address 127.0.0.1:${first.api}`}${where}`;
    const range = (a: number, b: number) =>
      peers <= 3 ? Array.from({ length: peers }, (_, i) => a + 10 * i).join(', ') : `${a}, ${a + 10} … ${b}`;
    const half = this.#children.slice(1, Math.min(peers - 1, 1 + Math.floor(peers / 2)));
    const lines = [
      '',
      `Starling is up: ${peers} ${peers === 1 ? 'peer' : 'peers'} in one mesh (${seconds.toFixed(1)} s)`,
      '',
      `  links      127.0.0.1:${range(first.link, last.link)}`,
      `  gRPC API   127.0.0.1:${range(first.api, last.api)}`,
      `  HTTP       127.0.0.1:${range(first.http, last.http)}   /metrics /readyz /status`,
      ...(dashboard ? [`  dashboard  http://127.0.0.1:${dashboardPort}`] : []),
      `  data       ${data}   (logs/peer-0.log …)`,
      ...(this.#authority === null
        ? ['  security   NONE: nothing is encrypted, and whoever reaches a port may join and call (--insecure)']
        : [
            `  security   mutual TLS; clients trust ${this.#authority.file}`,
            `  tokens     ${tokenPath(data, 'client')}   (viewer, client, responder, operator; found by the command)`,
          ]),
      '',
      'To try, in another terminal:',
      `  npx starling sub 'greetings.>'${address}              # leave it running, then`,
      `  npx starling pub greetings.hello 'hi from afar' --address 127.0.0.1:${last.api}${where}`,
      `  npx starling peers${address}                          # who is in the mesh`,
      // Not the first and not the last one, which the lines above talk to.
      ...(half.length > 0
        ? [`  kill -9 ${half.map((child) => child.pid).join(' ')}   # half of it; watch it heal`]
        : []),
      '',
      'Ctrl-C stops everything.',
    ];
    return lines.join('\n');
  }
}
