import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, cli, jsonLines, startCli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { freeBasePort } from '../support/ports.ts';

let mesh: LocalMesh;
let issuer: CliRun;
let address: string;
let health: string;
const folder = mkdtempSync(join(tmpdir(), 'starling-join-'));

beforeAll(async () => {
  mesh = await LocalMesh.start(2);
  const args = [
    'ca',
    'serve',
    '--ca',
    mesh.authorityDir(),
    '--mesh',
    'e2e',
    '--join-host',
    '127.0.0.1',
    '--health-host',
    '127.0.0.1',
  ];
  const port = await freeBasePort(10);
  health = `127.0.0.1:${port}`;
  issuer = startCli([...args, '--join-port', '0', '--health-port', String(port)]);
  const serving = await until('it serves', 20_000, () =>
    jsonLines(issuer.stdout).find(({ event }) => event === 'join serving'),
  );
  address = `127.0.0.1:${serving.port}`;
}, 90_000);
afterAll(() => {
  issuer?.process.kill('SIGKILL');
  mesh?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function tokenFile(name: string): Promise<string> {
  const { code, stdout } = await cli(['ca', 'token', '--ca', mesh.authorityDir(), '--mesh', 'e2e', '--for', '1h']);
  expect(code).toBe(0);
  const file = join(folder, name);
  writeFileSync(file, stdout, { mode: 0o600 });
  return file;
}

const joining = (name: string, ...args: string[]) =>
  cli(['join', address, '--data', join(folder, name), '--tls', join(folder, name, 'tls'), '--mesh', 'e2e', ...args]);

describe('a peer outside', { timeout: 60_000 }, () => {
  it('joins by a token, once; its certificate is renewed without one; a peer with it is let into the mesh', async () => {
    const file = await tokenFile('token');
    const joined = await joining('edge', '--token', file);
    expect(joined).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^joined e2e as [a-z2-7]{52}; the certificate in /),
    });
    expect(await joining('thief', '--token', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/used already.*\(used\)/),
    });
    expect(await joining('edge')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^renewed e2e as /) });
    expect(await joining('nobody')).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing to renew') });

    const metrics = await (await fetch(`http://${health}/metrics`)).text();
    expect(metrics).toContain('starling_join_requests_total{result="joined"} 1');
    expect(metrics).toContain('starling_join_requests_total{result="used"} 1');
    expect(metrics).toContain('starling_join_requests_total{result="renewed"} 1');
    expect(jsonLines(issuer.stdout)).toContainEqual(expect.objectContaining({ event: 'join refused', reason: 'used' }));

    const peer = mesh.peers[1] as PeerProcess;
    mesh.kill([peer]);
    await until('it ended', 5_000, () => !mesh.running.includes(peer));
    mesh.spawn(1, { STARLING_TLS_DIR: join(folder, 'edge', 'tls'), STARLING_DATA_DIR: join(folder, 'edge') });
    await until('it is in the mesh', 20_000, async () => {
      const statuses = await mesh.statuses();
      return statuses.some(({ id, ready }) => joined.stdout.includes(id) && ready) && (await mesh.parts())[0] === 2;
    });
  });

  it('ca serve says what it lacks', async () => {
    expect(await cli(['ca', 'serve', '--ca', mesh.authorityDir(), '--mesh', 'e2e'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('nothing to serve'),
    });
  });
});
