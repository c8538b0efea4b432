import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { TokenFolder } from '../support/tokens.ts';

let mesh: LocalMesh;
let tokens: TokenFolder;

beforeAll(async () => {
  tokens = await TokenFolder.create();
  const made = await cli(['operator-key', 'init', '--out', join(tokens.path, 'operator.key')]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^made the operator's key [a-z2-7]{52}: /) });
  mesh = await LocalMesh.start(4, {
    STARLING_TOKENS_FILE: tokens.file,
    STARLING_OPERATOR_KEYS_FILE: join(tokens.path, 'operator.pub'),
  });
}, 90_000);
afterAll(() => {
  mesh?.stop();
  tokens?.remove();
});

const peer = (index: number) => mesh.peers[index] as PeerProcess;
const at = (index: number, ...args: string[]) =>
  cli([...args, '--address', peer(index).api, '--data', tokens.path, '--ca', mesh.caFile]);
const bansAt = async (index: number) =>
  JSON.parse((await at(index, 'bans', '-o', 'json')).stdout) as Record<string, unknown>[];

async function neighborsOf(index: number): Promise<number> {
  const response = await fetch(`http://${peer(index).http}/status`, { signal: AbortSignal.timeout(1_000) });
  return ((await response.json()) as { neighbors: unknown[] }).neighbors.length;
}

describe('bans, by the command and real processes', { timeout: 60_000 }, () => {
  it('ban: signed here, in force everywhere, seen with who and why; a late joiner hears of it; unban ends it', async () => {
    expect(statSync(join(tokens.path, 'operator.key')).mode & 0o777).toBe(0o600);
    const banned = await at(0, 'ban', 'peer-3', '--for', '1h', '--reason', 'sends rubbish', '--by', 'ann');
    expect(banned).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^banned [a-z2-7]{52} in the mesh, until 20/),
    });
    await until('peer-3 is alone', 10_000, async () => (await neighborsOf(3)) === 0);
    for (const index of [1, 2]) {
      await until(`peer-${index} knows`, 10_000, async () => (await bansAt(index)).length === 1);
      expect(await bansAt(index)).toMatchObject([
        { name: 'peer-3', scope: 'mesh', source: 'operator', by: 'ann', reason: 'sends rubbish', lifted: false },
      ]);
    }
    expect((await at(1, 'peers')).stdout).toMatch(/peer-3 .* BANNED: sends rubbish\n/);
    expect(peer(3).output).toContain('THIS PEER is banned from the mesh by an operator');

    mesh.kill([peer(2)]);
    await until('peer-2 ended', 5_000, () => !mesh.running.includes(peer(2)));
    mesh.spawn(2);
    await until('the newcomer knows', 30_000, async () => (await bansAt(2)).length === 1);
    expect(await neighborsOf(3)).toBe(0);

    // By its id: the ban comes with the first link, who is called so may come later.
    expect(await at(2, 'unban', String((await bansAt(2))[0]?.peerId))).toMatchObject({ code: 0 });
    await until('peer-3 is back', 30_000, async () => (await neighborsOf(3)) > 0);
    expect(await bansAt(0)).toEqual([]);
    expect((await at(0, 'bans', '--all')).stdout).toMatch(/peer-3 .* mesh .* lifted +lifted\n1 ban\n/);
    expect(await at(0, 'unban', 'peer-3')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not banned') });
  });

  it('ban --here: at one peer alone', async () => {
    expect(await at(0, 'ban', 'peer-1', '--for', '10m', '--reason', 'noisy', '--here')).toMatchObject({ code: 0 });
    expect(await bansAt(0)).toMatchObject([{ name: 'peer-1', scope: 'peer', by: 'e2e-operator', reason: 'noisy' }]);
    expect(await bansAt(2)).toEqual([]);
    expect(await at(0, 'unban', 'peer-1', '--here')).toMatchObject({ code: 0 });
    expect(await bansAt(0)).toEqual([]);
  });

  it.each([
    [['ban', 'peer-1', '--reason', 'x'], /say how long: --for 1h, or --forever/],
    [['ban', 'peer-1', '--for', '1h', '--forever', '--reason', 'x'], /say how long/],
    [['ban', 'peer-1', '--for', '1h'], /--reason/],
    [['ban', 'nobody', '--for', '1h', '--reason', 'x'], /no peer is named nobody/],
    [['ban', 'peer-1', '--for', '1h', '--reason', 'x', '--operator-key', '/nowhere'], /cannot read the operator's key/],
  ])('%s says what is wrong', async (args, words) => {
    const { code, stderr } = await at(0, ...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  // Last: it costs a peer.
  it('drain: the peer that is meant leaves, whichever is asked, and its process stays', async () => {
    expect(await at(0, 'drain', 'nobody')).toMatchObject({ code: 64, stderr: expect.stringContaining('nobody') });
    expect(await at(0, 'drain', 'peer-1')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^peer-1 left the mesh: \d+ neighbours? told, \d+ ms; its process stays/),
    });
    await until('nobody lists it', 10_000, async () => !(await at(2, 'peers')).stdout.includes('peer-1'));
    expect(mesh.running).toContain(peer(1));
  });
});
