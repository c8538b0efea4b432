import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../apps/peer/package.json' with { type: 'json' };
import { type CliRun, cli, cliScript, jsonLines, startCli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { freeBasePort } from '../support/ports.ts';
import { TokenFolder } from '../support/tokens.ts';

let mesh: LocalMesh;
let folder: string;
let tokens: TokenFolder;
const runs: CliRun[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'starling-cli-'));
  tokens = await TokenFolder.create();
  mesh = await LocalMesh.start(3, { STARLING_TOKENS_FILE: tokens.file });
}, 90_000);
afterAll(() => {
  for (const { process } of runs) process.kill('SIGKILL');
  mesh?.stop();
  tokens?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const peer = (index: number) => mesh.peers[index] as PeerProcess;
/** `starling args` at peer `index`. */
const at = (index: number, ...args: string[]) =>
  cli([...args, '--address', peer(index).api, '--data', tokens.path, '--ca', mesh.caFile]);

/** A subscriber that is live: what is published from now on reaches it. */
async function subscriber(args: readonly string[]): Promise<CliRun> {
  const run = startCli(['sub', ...args, '-o', 'json', '--data', tokens.path, '--ca', mesh.caFile]);
  runs.push(run);
  await until('the subscriber is live', 20_000, () => jsonLines(run.stdout).some(({ kind }) => kind === 'live'));
  return run;
}

const messagesOf = (run: CliRun) => jsonLines(run.stdout).filter(({ kind }) => kind === 'message');

describe('what a command says', () => {
  const into = (file: string, ...args: string[]) =>
    spawnSync('sh', ['-c', `"$0" "$@" > ${file}`, process.execPath, cliScript, ...args], { encoding: 'utf8' });

  it.runIf(existsSync('/dev/full'))('and cannot be written is an error, and one with a code of its own', () => {
    const { status, stderr } = into('/dev/full', 'sim', '--list');
    expect(stderr).toMatch(/^starling: what this command says could not be written: ENOSPC/);
    expect(status).toBe(74);
  });

  it('and nobody wants to read to its end is none', () => {
    const { status, stdout } = spawnSync(
      'bash',
      ['-c', 'set -o pipefail; "$0" "$@" | head -n 1', process.execPath, cliScript, 'sim', '--list'],
      { encoding: 'utf8' },
    );
    expect(stdout).toMatch(/^SCENARIO/);
    expect(status).toBe(0);
  });
});

describe('the starling command and three peers', { timeout: 60_000 }, () => {
  it('peers: names everybody, at any peer', async () => {
    const { code, stdout } = await at(1, 'peers');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +ID +ZONE +VERSION +LINKS AT +API AT\npeer-0 .*\npeer-1 .*\npeer-2 .*\n3 peers\n$/);
    interface Row {
      readonly name: string;
      readonly apiAddress: string;
      readonly version: string;
    }
    const inJson = JSON.parse((await at(2, 'peers', '-o', 'json')).stdout) as Row[];
    expect(inJson.map(({ version }) => version)).toEqual(mesh.peers.map(() => manifest.version));
    expect(inJson.map(({ name, apiAddress }) => [name, apiAddress]).sort()).toEqual(
      mesh.peers.map(({ name, api }) => [name, api]),
    );
  });

  it('lookup: what is put at one peer is found at another, with its price, and what nobody put is exit code 1', async () => {
    const put = await at(0, 'lookup', 'put', 'theme', 'dark', '--ttl', '1h', '--trace');
    // More than half had it in time; a slow machine's third has it later.
    expect(put.stdout).toMatch(/^held by [23] of 3 peers; version \d+\nAT MS +TOOK MS .*\n/);
    const got = await at(2, 'lookup', 'get', 'theme', '-o', 'json', '--trace');
    expect(got.code).toBe(0);
    expect(JSON.parse(got.stdout)).toMatchObject({
      records: [{ key: 'theme', value: 'dark' }],
      cost: { fullTable: true },
    });
    expect(await at(1, 'lookup', 'get', 'nothing')).toMatchObject({ code: 1, stdout: 'no record of nothing\n' });
    const traced = await at(1, 'lookup', 'get', 'nothing', '--trace');
    expect(traced).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^no record of nothing\nAT MS +TOOK MS .*\n.* peers/),
    });
    expect(traced.stdout).toMatch(/\d calls? in 1 round/);
    const found = await at(1, 'lookup', 'find', 'thumbnails');
    expect(found).toMatchObject({ code: 0, stdout: expect.stringMatching(/^NAME +ID .*\n0 peers\n/) });
    expect((await at(1, 'lookup', 'get', 'theme', '--answers', '99')).code).toBe(64);
  });

  it('pub and sub: a message published at one peer is heard at another, and --count ends it', async () => {
    const run = await subscriber(['greetings.>', '--count', '2', '--address', peer(2).api]);
    const published = await at(0, 'pub', 'greetings.hello', 'hi from afar', '-H', 'lang=en', '--held', '1');
    expect(published).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+ {2}12 bytes, held by [12] nei/) });
    expect((await at(0, 'pub', 'other', 'not for them')).code).toBe(0);
    expect(
      (
        await cli(
          ['pub', 'greetings.pipe', '-', '--address', peer(1).api, '--data', tokens.path, '--ca', mesh.caFile],
          'from a pipe',
        )
      ).code,
    ).toBe(0);
    expect(await run.ended).toBe(0);
    expect(messagesOf(run)).toMatchObject([
      { topic: 'greetings.hello', payload: 'hi from afar', payloadEncoding: 'utf8', headers: { lang: 'en' } },
      { topic: 'greetings.pipe', payload: 'from a pipe' },
    ]);
    expect(messagesOf(run)[0]?.id).toBe(published.stdout.split(' ')[0]);
  });

  it('pub --lines: each line is a message, in order, and the first that is refused ends it', async () => {
    const count = 1_000;
    const run = await subscriber(['lines.>', '--count', String(count), '--address', peer(2).api]);
    const lines = Array.from({ length: count }, (_, i) => (i === 500 ? '' : `line ${i} ü`));
    const pubLines = (topic: string, input: string, ...args: string[]) =>
      cli(
        ['pub', topic, '--lines', '--address', peer(0).api, '--data', tokens.path, '--ca', mesh.caFile, ...args],
        input,
      );
    expect(await pubLines('lines.a', `${lines.join('\r\n')}\n`, '-H', 'lang=de')).toEqual({
      code: 0,
      stdout: `${count} published\n`,
      stderr: '',
    });
    expect(await run.ended).toBe(0);
    expect(messagesOf(run).map(({ payload }) => payload)).toEqual(lines);
    expect(messagesOf(run)[0]).toMatchObject({ topic: 'lines.a', headers: { lang: 'de' } });
    expect(await pubLines('lines.none', '', '-o', 'json')).toMatchObject({
      code: 0,
      stdout: '{"published":0,"alone":0}\n',
    });
    const tooLong = await pubLines('lines.a', `one\ntwo\n${'x'.repeat(2 ** 21)}\nfour\n`);
    expect(tooLong).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^starling: line 3 was refused; /) });
    expect(tooLong.code).toBeGreaterThan(0);
    // Whoever writes the lines may not be done, and says nothing more.
    const waiting = spawn(
      process.execPath,
      [cliScript, 'pub', 'no topic', '--lines', '--address', peer(0).api, '--data', tokens.path, '--ca', mesh.caFile],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    waiting.stdin.write('one\n');
    expect(await new Promise((done) => waiting.once('exit', done))).toBe(64);
  });

  it('sub --from all: replays what is held, as text with one line a message', async () => {
    await at(1, 'pub', 'replay.a', 'two\nlines');
    const { code, stdout, stderr } = await at(0, 'sub', 'replay.*', '--from', 'all', '--count', '1');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\S+Z {2}replay\.a {2}two\\nlines\n$/),
    });
    expect(stderr === '' || stderr.startsWith('listening at ')).toBe(true);
  });

  it('trace query: who asked whom, and how long each took', async () => {
    const traced = await at(1, 'trace', 'query', 'anything');
    expect(traced).toMatchObject({ code: 0, stderr: '' });
    const lines = traced.stdout.trim().split('\n');
    expect(lines[0]).toBe('along the tree:');
    expect(lines[1]).toMatch(/^peer-1 {2}answered in [\d.]+ ms, its index in [\d.]+ ms, 0 hits/);
    for (const name of ['peer-0', 'peer-2'])
      expect(traced.stdout).toMatch(new RegExp(`└ ${name} {2}round trip [\\d.]+ ms`));
    expect(traced.stdout).toMatch(/^0 hits; exhaustive: 3 of 3 peers answered, \d+ messages, [\d.]+ KiB; complete$/m);
  });

  it.each([
    ['walk', 'random walks, round 1:'],
    ['ring', 'ring, everybody within 1 link:'],
    ['guided', 'guided walks, round 1:'],
  ])('trace query --strategy %s: round by round', async (strategy, heading) => {
    const traced = await at(1, 'trace', 'query', 'anything', '--strategy', strategy);
    expect(traced.stderr).toBe('');
    const lines = traced.stdout.trim().split('\n');
    expect(lines[0]).toBe(heading);
    expect(lines[1]).toMatch(/^peer-1 {2}answered in [\d.]+ ms, its index in [\d.]+ ms, 0 hits/);
    for (const name of ['peer-0', 'peer-2'])
      expect(traced.stdout).toMatch(new RegExp(`└ ${name} {2}round trip [\\d.]+ ms.*its index in [\\d.]+ ms`));
    expect(lines.at(-1)).toMatch(new RegExp(`^0 hits; ${strategy}: 3 of 3 peers answered`));
  });

  it('trace lookup: every call between peers', async () => {
    expect(await at(0, 'lookup', 'put', 'traced', 'yes')).toMatchObject({ code: 0 });
    const { code, stdout } = await at(2, 'trace', 'lookup', 'traced');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^VALUE.*\nyes /)]);
    expect(stdout).toMatch(/calls? in \d+ rounds?|nobody had to be asked/);
  });

  it('put-docs and query: what one peer keeps, every peer finds', async () => {
    const file = join(folder, 'birds.jsonl');
    writeFileSync(file, '{"id":"b1","title":"a starling"}\n\n{"id":2,"title":"two starlings"}\n');
    expect(await at(0, 'put-docs', '--file', file)).toMatchObject({ code: 0, stdout: '2 stored; the peer holds 2\n' });
    expect(await at(1, 'put-docs', '{"title":"one more starling"}', '--id', 'b3')).toMatchObject({ code: 0 });
    const { code, stdout } = await at(2, 'query', 'starling*', '-o', 'json');
    expect(code).toBe(0);
    const events = jsonLines(stdout);
    expect(events.slice(0, -1).map(({ id }) => id)).toEqual(expect.arrayContaining(['b1', '2', 'b3']));
    expect(events.at(-1)).toMatchObject({ kind: 'summary', complete: true, peersAnswered: 3, hits: 3 });
    expect((await at(2, 'query', 'starling*', '--limit', '1')).stdout).toMatch(
      /\n1 hit; exhaustive: 3 of 3 peers answered, .*; complete\n {2}exhaustive because the mesh is small: 3 peers\n$/,
    );
  });

  it('query points at what is malformed', async () => {
    expect(await at(0, 'query', 'starling (europe')).toMatchObject({
      code: 64,
      stdout: '',
      stderr: [
        'starling: text has a "(" that is not closed (at character 10)',
        '  starling (europe',
        '           ^',
        '',
      ].join('\n'),
    });
  });

  it('topology: every peer with its links', async () => {
    const { code, stdout } = await at(1, 'topology', '-o', 'json', '-t', '20s');
    expect(code).toBe(0);
    const link = {
      role: expect.stringMatching(/^LINK_ROLE_(EAGER|LAZY)$/),
      roundTripTime: expect.stringMatching(/s$/),
    };
    const report = {
      reportTime: expect.stringMatching(/Z$/),
      peer: { state: 'PEER_STATE_READY' },
      links: [link, link],
    };
    expect(JSON.parse(stdout)).toMatchObject({
      peersHeard: 3,
      peersKnown: 3,
      parts: [3],
      peers: [report, report, report],
    });
    expect(stdout).not.toContain('$typeName');
    expect((await at(1, 'topology', '-t', '20s')).stdout).toMatch(/\n3 of 3 peers heard; one mesh\n$/);
  });

  it('bench: everything arrives', async () => {
    const { code, stdout } = await at(0, 'bench', '-n', '20', '-s', '64', '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      peers: 3,
      subscribers: 3,
      expected: 60,
      delivered: 60,
      deliveryRatio: 1,
    });
  });

  it('exit code 1: the mesh answered, but not with what was asked', async () => {
    const { code, stderr } = await at(0, 'pub', 'greetings', 'x', '--held', '8', '-t', '2s');
    // On a machine that is busy the peer's answer may come just after the deadline.
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^starling: .*\(NO(T_HELD|_ANSWER)\)\n$/),
    });
  });

  it.each([
    [['pub', 'a b', 'x'], /topic has a character/],
    [['sub', 'a.>.b'], />/],
    [['query', ' '], /text/],
    [['put-docs', '{'], /no JSON/],
    [['put-docs', '[1]', '--id', '1'], /JSON object/],
    [['put-docs', '{}'], /"id"/],
    [['put-docs', '{}', '--file', '-'], /--file/],
    [['pub', 'a', 'x', '-H', 'novalue'], /name=value/],
    [['pub', 'a', 'x', '--lines'], /leave out the payload/],
  ])('exit code 64 and one line: %j', async (args, expected) => {
    const { code, stdout, stderr } = await at(0, ...args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/^starling: [^\n]+\n$/);
  });

  it('exit code 77: no token, or one with too few rights, and what to do about it', async () => {
    const bare = ['--address', peer(0).api, '--data', folder, '--ca', mesh.caFile];
    expect(await cli(['peers', ...bare])).toMatchObject({
      code: 77,
      stdout: '',
      stderr: expect.stringMatching(
        /^starling: the call carries no token.*\(TOKEN_MISSING\): give one with --token FILE/,
      ),
    });
    const viewer = join(tokens.path, 'viewer.token');
    expect((await cli(['peers', ...bare, '--token', viewer])).code).toBe(0);
    expect(await cli(['pub', 'a', 'x', ...bare, '--token', viewer])).toMatchObject({
      code: 77,
      stderr: expect.stringMatching(/needs the role client; the token has viewer \(ROLE_TOO_LOW\): use a token with/),
    });
    expect((await cli(['peers', ...bare, '--token', '-'], 'starling_viewer_wrong\n')).stderr).toContain(
      'TOKEN_UNKNOWN',
    );
  });

  // Last: it costs a peer.
  it('sub goes on at another peer when its own is killed, and misses nothing', async () => {
    const run = await subscriber(['failover', '--count', '4', '--address', peer(2).api]);
    for (const text of ['1', '2']) await at(0, 'pub', 'failover', text);
    await until('two messages', 10_000, () => messagesOf(run).length === 2);
    mesh.kill([peer(2)]);
    for (const text of ['3', '4']) expect((await at(0, 'pub', 'failover', text)).code).toBe(0);
    expect(await run.ended).toBe(0);
    expect(messagesOf(run).map(({ payload }) => payload)).toEqual(['1', '2', '3', '4']);
  });
});

describe('the starling command without a mesh', { timeout: 60_000 }, () => {
  it('exit code 69: no peer answers', async () => {
    const address = `127.0.0.1:${await freeBasePort(1)}`;
    const { code, stderr } = await cli(['peers', '--address', address, '-t', '1s', '--insecure']);
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: expect.stringMatching(
        /^starling: no peer answers at 127\.0\.0\.1:\d+ \(UNREACHABLE\): is a mesh running there\? .*\n$/,
      ),
    });
  });

  it.each([
    [['nope'], /unknown command/],
    [['pubb'], /Did you mean pub\?/],
    [['sub'], /pattern.*; see starling sub --help/],
    [['lookup', 'get'], /; see starling lookup get --help/],
    [['query', 'count(*)', '--peers', '-l', '3'], /--limit: .*limit 5/],
    [['peers', '-t', '0'], /--timeout 0/],
    [['peers', '-o', 'yaml'], /table, json/],
    [['peers', '--address', 'here'], /host:port/],
    [['peers', '--ca', '/does/not/exist.pem'], /--ca \/does\/not\/exist.pem: ENOENT/],
    [['ca', 'serve', '/tmp'], /--ca <dir>/],
    [['query', 'x', '-t', 'soon'], /500ms/],
    [['sim', 'nope'], /sim --list/],
    [['sim', 'zones', '--peers', '1'], /--peers 1/],
    [['up', '--peers', '0'], /--peers 0/],
    [['token', 'new', '--name', 'x'], /--role/],
    [['token', 'new', '--role', 'root', '--name', 'x'], /viewer, responder, client, operator/],
    [['token', 'new', '--role', 'client', '--name', 'x', '--expires', 'soon'], /30d/],
    [['peers', '--token', '/no/such/file'], /no such file/],
  ])('exit code 64: %j', async (args, expected) => {
    const { code, stderr } = await cli(args);
    expect(code).toBe(64);
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('    at ');
  });

  it('says what it can when it is not told what to do, and its version', async () => {
    expect(await cli([])).toMatchObject({ code: 64, stderr: expect.stringContaining('Usage: starling') });
    expect(await cli(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes:') });
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('sim: lists scenarios, runs a tiny one, and the same seed gives the same result', async () => {
    const { code, stdout } = await cli(['sim', '--list', '-o', 'json']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)).toContain('hyparview/table1');
    const args = ['sim', 'hyparview/table1', '--peers', '100', '--seed', '1', '--reduced', '-o', 'json'];
    const [first, second] = [await cli(args), await cli(args)];
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject([{ peers: 100, seeds: [1], failures: [], isMet: true }]);
    expect(withoutCost(second.stdout)).toEqual(withoutCost(first.stdout));
  });
});

/** A report without what the machine has a say in. */
function withoutCost(text: string): unknown {
  return JSON.parse(text, (key, value) => (/cpu|resident|wall/i.test(key) ? undefined : value));
}
