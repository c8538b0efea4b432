import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { TokenFolder } from '../support/tokens.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isStrict = process.env.STARLING_REQUIRE_ALL === '1';
/** The first Python that has grpcio and protobuf. */
const python = ['python3', '/usr/bin/python3'].find(
  (name) => spawnSync(name, ['-c', 'import grpc, google.protobuf']).status === 0,
);

let mesh: LocalMesh;
let tokens: TokenFolder;
const engines: ChildProcess[] = [];

beforeAll(async () => {
  tokens = await TokenFolder.create();
  mesh = await LocalMesh.start(3, { STARLING_TOKENS_FILE: tokens.file });
}, 90_000);
afterAll(() => {
  for (const engine of engines) engine.kill('SIGKILL');
  mesh?.stop();
  tokens?.remove();
});

const api = (index: number) => (mesh.peers[index] as PeerProcess).api;

/** Starts an example as its README says, attached to the first of these peers, and waits until it says so. */
async function start(command: string, args: readonly string[], peers: readonly number[]): Promise<() => string> {
  let output = '';
  const engine = spawn(command, args, {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      STARLING_DATA: tokens.path,
      STARLING_CA: mesh.caFile,
      STARLING_ADDRESS: peers.map(api).join(','),
    },
  });
  engines.push(engine);
  for (const stream of [engine.stdout, engine.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  await until('the engine is attached', 30_000, () => {
    if (engine.exitCode !== null) throw new Error(output);
    return output.includes('attached to');
  });
  return () => output;
}

/** What a question finds, asked at one peer by the command; `codes`: how that may end, 1 is incomplete. */
async function ask(
  peer: number,
  question: string,
  codes: readonly number[] = [0],
): Promise<{ id: string; fields: Record<string, unknown> }[]> {
  const asked = await cli([
    'query',
    question,
    '-o',
    'json',
    '--address',
    api(peer),
    '--data',
    tokens.path,
    '--ca',
    mesh.caFile,
  ]);
  expect(asked.stderr).toBe('');
  expect(codes).toContain(asked.code);
  return asked.stdout
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"fields"'))
    .map((line) => JSON.parse(line) as { id: string; fields: Record<string, unknown> });
}

describe('the first program of the SDK', { timeout: 60_000 }, () => {
  it('runs as its README has it', async () => {
    const page = readFileSync(new URL('../../libs/client/README.md', import.meta.url), 'utf8');
    const program = (/```ts\n(.*?)```/s.exec(page)?.[1] ?? '')
      .replace("['localhost:7401', 'localhost:7411']", JSON.stringify([api(0), api(1)]))
      .replace('.starling/ca.pem', mesh.caFile)
      .replace('.starling/', `${tokens.path}/`);
    const run = spawn('node', ['--input-type=module-typescript', '-'], { cwd: root });
    engines.push(run);
    let output = '';
    for (const stream of [run.stdout, run.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    run.stdin.end(program);
    await until('it hears what it said', 30_000, () => {
      if (run.exitCode !== null) throw new Error(output);
      return output.includes('greetings.dawn hello\n');
    });
    run.kill();
  });
});

describe('a search engine of one’s own', { timeout: 120_000 }, () => {
  const name = `answers in Python what it can calculate, and says what it cannot${python !== undefined || isStrict ? '' : ' (skipped: apt-get install python3-grpcio python3-protobuf)'}`;
  it.skipIf(python === undefined && !isStrict)(name, async () => {
    await start(python ?? 'python3', ['examples/search-engine/engine.py'], [2]);
    expect(await ask(2, '@calc 6 * (3 + 4)')).toMatchObject([{ fields: { result: 42 } }]);
    expect(await ask(2, '@calc open("x")', [1])).toEqual([]);
  });

  it('answers from the files of a folder whoever asks, and moves when its peer dies', async () => {
    const output = await start('node', ['examples/search-engine/engine.ts', 'examples'], [0, 1]);
    const [hit] = await ask(2, '@files search engine');
    expect(hit?.fields).toMatchObject({ file: expect.stringMatching(/^examples\//), line: expect.any(String) });
    const first = /attached to (\S+)/.exec(output())?.[1];
    mesh.kill(mesh.peers.filter((peer) => peer.api === first));
    await until('it is attached to another peer', 30_000, () => output().split('attached to').length === 3);
    // Incomplete as long as the dead peer is listed.
    expect((await ask(2, '@files search engine', [0, 1])).length).toBeGreaterThan(0);
  });
});
