import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { until } from '../support/poll.ts';
import { freeBasePort } from '../support/ports.ts';
import { commandOf, processesWith } from '../support/processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Run {
  readonly process: ChildProcess;
  /** In the environment of everything that the run started. */
  readonly mark: string;
  output: string;
  readonly ended: Promise<number | null>;
}

let data: string;
let runs: Run[];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'starling-start-'));
  runs = [];
});
afterEach(async () => {
  for (const run of runs) for (const pid of processesWith(run.mark)) process.kill(pid, 'SIGKILL');
  rmSync(data, { recursive: true, force: true });
});

/** Runs `npm start -- args`, in a process group of its own as a terminal would. */
function npmStart(...args: string[]): Run {
  const value = `${process.pid}-${runs.length}-${Date.now()}`;
  const child = spawn('npm', ['start', '--silent', '--', '--data', data, ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, STARLING_TEST_RUN: value },
  });
  const run: Run = {
    process: child,
    mark: `STARLING_TEST_RUN=${value}`,
    output: '',
    ended: new Promise((done) => child.once('close', (code) => done(code))),
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (run.output += chunk));
  runs.push(run);
  return run;
}

async function started(run: Run): Promise<void> {
  await until('the screen', 90_000, () => {
    if (run.process.exitCode !== null) throw new Error(`ended: ${run.output}`);
    return run.output.includes('Starling is up') && run.output.includes('Ctrl-C stops everything');
  });
}

async function nothingLeft(run: Run): Promise<void> {
  await until('no process is left', 5_000, () => processesWith(run.mark).length === 0);
}

function find(run: Run, part: string): number {
  const pid = processesWith(run.mark).find((candidate) => commandOf(candidate).includes(part));
  if (pid === undefined) throw new Error(`no process with ${part}`);
  return pid;
}

describe('npm start', { timeout: 180_000 }, () => {
  it('--insecure is said on the screen, in the log and by a metric', async () => {
    const base = await freeBasePort(10);
    const run = npmStart('--peers', '1', '--no-dashboard', '--insecure', '--base-port', String(base));
    await started(run);
    expect(run.output).toMatch(/security +NONE: nothing is encrypted/);
    expect(existsSync(join(data, 'ca.pem'))).toBe(false);
    expect(readFileSync(join(data, 'logs', 'peer-0.log'), 'utf8')).toContain('this peer is INSECURE');
    const metrics = await fetch(`http://127.0.0.1:${base + 2}/metrics`);
    expect(await metrics.text()).toContain('starling_insecure 1\n');
    expect(await cli(['peers', '--address', `127.0.0.1:${base + 1}`, '--insecure'])).toMatchObject({ code: 0 });
  });

  it('starts a mesh, prints one screen, and Ctrl-C stops everything within 5 s', async () => {
    const base = await freeBasePort(40);
    const run = npmStart('--peers', '3', '--no-dashboard', '--base-port', String(base));
    await started(run);
    expect(run.output).toContain('3 peers in one mesh');
    expect(run.output).toContain(`127.0.0.1:${base + 1}, ${base + 11}, ${base + 21}`);
    const metrics = await fetch(`http://127.0.0.1:${base + 2}/metrics`);
    const text = await metrics.text();
    expect(text).toContain('starling_view_size');
    // Secure without being asked: the key of the authority is its owner's alone, and the command finds its certificate and a token by itself.
    expect(text).toContain('starling_insecure 0\n');
    expect(run.output).toContain(`mutual TLS; clients trust ${join(data, 'ca.pem')}`);
    expect(statSync(join(data, 'ca', 'ca.key')).mode & 0o777).toBe(0o600);
    const at = ['--address', `127.0.0.1:${base + 11}`];
    const asked = await cli(['peers', ...at, '--data', data]);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n3 peers\n$/) });
    expect(await cli(['peers', ...at, '--insecure', '-t', '1s'])).toMatchObject({ code: 69 });
    // Ctrl-C goes to every process of the terminal's foreground group.
    process.kill(-(run.process.pid as number), 'SIGINT');
    await nothingLeft(run);
  });

  it.each([
    ['npm gets SIGTERM', 'SIGTERM' as const],
    ['npm is killed', 'SIGKILL' as const],
  ])('stops everything within 5 s when only %s', async (_title, signal) => {
    const run = npmStart('--peers', '2', '--no-dashboard', '--base-port', String(await freeBasePort(30)));
    await started(run);
    run.process.kill(signal);
    await nothingLeft(run);
  });

  it.each([
    ['the launcher', 'tools/run.mjs'],
    ['the command', 'starling.js up'],
  ])('leaves no process behind when %s is killed', async (_title, part) => {
    const run = npmStart('--peers', '2', '--no-dashboard', '--base-port', String(await freeBasePort(30)));
    await started(run);
    process.kill(find(run, part), 'SIGKILL');
    await nothingLeft(run);
  });

  it('stops when the terminal closes', async () => {
    const run = npmStart('--peers', '2', '--no-dashboard', '--base-port', String(await freeBasePort(30)));
    await started(run);
    process.kill(-(run.process.pid as number), 'SIGHUP');
    await nothingLeft(run);
  });

  it('says so in one line when a peer dies, and goes on', async () => {
    const base = await freeBasePort(40);
    const run = npmStart('--peers', '3', '--no-dashboard', '--base-port', String(base));
    await started(run);
    const victim = processesWith(run.mark).filter((pid) => commandOf(pid).includes('peer/dist/main.js'))[0] as number;
    process.kill(victim, 'SIGKILL');
    await until('the line', 5_000, () =>
      run.output.includes(`(pid ${victim}) ended: signal SIGKILL; 2 peers are running`),
    );
    process.kill(-(run.process.pid as number), 'SIGINT');
    await nothingLeft(run);
  });

  it('names the port that is in use', async () => {
    const base = await freeBasePort(30);
    const squatter = createServer().listen(base + 11, '127.0.0.1');
    const run = npmStart('--peers', '2', '--no-dashboard', '--base-port', String(base));
    expect(await run.ended).toBe(71);
    squatter.close();
    expect(run.output).toContain(
      `port ${base + 11} is in use: stop the other program, or choose other ports with --base-port`,
    );
  });

  it.each([
    [['--peers', '0'], '--peers 0: use a whole number from 1 to 200'],
    [['--peers', 'many'], '--peers many: use a whole number from 1 to 200'],
    [['--pears', '3'], "Unknown option '--pears'"],
    [['--base-port', '65000', '--peers', '100'], '--base-port 65000 leaves no room for 100 peers'],
  ])('refuses %j with one clear line and builds nothing', async (args, line) => {
    const run = npmStart(...args);
    expect(await run.ended).toBe(64);
    expect(run.output).toContain(`starling: ${line}`);
    expect(run.output).not.toContain('build');
  });
});
