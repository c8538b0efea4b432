import { type ChildProcess, spawn } from 'node:child_process';

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Both streams, as they came. */
  readonly output: string;
}

/** How a command is run. */
export interface RunOptions {
  readonly timeoutMs?: number;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and says how it ended; past its time (two minutes unless told) it is killed, with code 124. */
export function attempt(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { timeoutMs = 120_000, stdin = '', env = {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let [stdout, output, late] = ['', '', false];
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (late) output += `\n(killed after ${timeoutMs / 1_000} s)`;
      resolve({ code: late ? 124 : (code ?? 1), stdout, output });
    });
    // A command that ends without reading its input is no fault of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}

/** Runs a command that has to succeed, and answers what it printed. Throws with its output when it does not. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, output } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output.trim()}`);
  return stdout;
}

/** Starts a command that runs until `stop`; resolves once a line of its output matches, with the match. */
export function start(
  command: string,
  args: readonly string[],
  ready: RegExp,
  timeoutMs: number,
): Promise<{ readonly match: RegExpExecArray; stop(): Promise<void> }> {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${command} ${args.join(' ')}: ${why}\n${output.trim()}`));
    };
    const timer = setTimeout(() => fail(`not ready within ${timeoutMs / 1_000} s`), timeoutMs);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const match = ready.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve({
        match,
        stop: () => {
          child.kill('SIGTERM');
          return closed;
        },
      });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code) => fail(`ended with code ${code}`));
  });
}

/** Tries again until it does not throw; throws the last reason when time is over. */
export async function eventually<T>(timeoutMs: number, tryIt: () => Promise<T>): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await tryIt();
    } catch (error) {
      if (Date.now() >= end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
