import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';

export interface ChildOptions {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A process of the local mesh: its output goes to a log file, and it ends when this process ends. */
export class Child {
  readonly name: string;
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #logStart: number;
  /** Resolves once it has ended, with how. */
  readonly ended: Promise<string>;
  #isRunning = true;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a', 0o600);
    this.#logStart = statSync(options.logFile).size;
    this.#process = spawn(process.execPath, [options.script], {
      // The child's standard input is a pipe that nobody writes to: it ends when this process does, however that happens.
      stdio: ['pipe', log, log],
      env: { ...process.env, ...options.env, STARLING_PARENT_PID: String(process.pid) },
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#isRunning = false;
        resolve(how);
      };
      this.#process.once('error', (error) => end(error.message));
      this.#process.once('exit', (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));
    });
    this.#process.stdin?.on('error', () => {});
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#isRunning) this.#process.kill(signal);
  }

  /** The last non-empty line that it wrote in this run: what it said before it died. */
  lastWords(): string {
    const lines = readFileSync(this.logFile).subarray(this.#logStart).toString('utf8').trim().split('\n');
    return lines.at(-1)?.slice(0, 500) ?? '';
  }
}
