import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const cliScript = fileURLToPath(new URL('../../apps/cli/dist/starling.js', import.meta.url));

/** One run of the built `starling` command. */
export interface CliRun {
  readonly process: ChildProcess;
  /** What it wrote so far. */
  stdout: string;
  stderr: string;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts `starling args` with `input` as its standard input. */
export function startCli(args: readonly string[], input = ''): CliRun {
  if (!existsSync(cliScript)) throw new Error('apps/cli is not built: run npm run build');
  const child = spawn(process.execPath, [cliScript, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  const run: CliRun = {
    process: child,
    stdout: '',
    stderr: '',
    ended: new Promise((done) => child.once('close', done)),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  child.stdin.on('error', () => {}).end(input);
  return run;
}

/** Runs `starling args` to its end. */
export async function cli(args: readonly string[], input = '') {
  const run = startCli(args, input);
  const code = await run.ended;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

/** The JSON documents of a command that prints one a line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
