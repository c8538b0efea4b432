import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './peers.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Bundles the peer, so that what is tested is what is shipped. */
export function buildPeer(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url))], { stdio: 'pipe' });
}

/** A peer as a process of its own. */
export class ChildPeer {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  /** Its code, or the signal that ended it; null while it runs. */
  exit: number | string | null = null;

  /** Free ports on the loopback unless `env` says otherwise. */
  constructor(env: Readonly<Record<string, string>> = {}, stdin: 'ignore' | 'pipe' = 'ignore') {
    this.process = spawn(process.execPath, [main], {
      stdio: [stdin, 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        STARLING_LINK_HOST: '127.0.0.1',
        STARLING_API_HOST: '127.0.0.1',
        STARLING_HTTP_HOST: '127.0.0.1',
        STARLING_LINK_PORT: '0',
        STARLING_API_PORT: '0',
        STARLING_HTTP_PORT: '0',
        ...(env.STARLING_TLS_DIR === undefined && { STARLING_INSECURE: 'true' }),
        ...env,
      },
    });
    this.process.stdout?.on('data', (text: Buffer) => {
      this.stdout += text.toString();
    });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString();
    });
    this.process.on('exit', (code, signal) => {
      this.exit = code ?? signal;
    });
  }

  /** Its ports, once it listens. */
  async ports(): Promise<{ readonly link: number; readonly api: number; readonly http: number }> {
    const listening = (): { ports: { link: number; api: number; http: number } } | undefined =>
      this.lines().find((line) => line.message === 'the peer listens') as never;
    await until(() => listening() !== undefined || this.exit !== null);
    const line = listening();
    if (line === undefined) throw new Error(`the peer ended: ${this.stderr}`);
    return line.ports;
  }

  /** What it logged. */
  lines(): readonly Readonly<Record<string, unknown>>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async exited(timeoutMs = 10_000): Promise<number | string> {
    await until(() => this.exit !== null, timeoutMs);
    return this.exit ?? '';
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal);
  }
}
