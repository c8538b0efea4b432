import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOf, TestMesh, until } from './peers.ts';
import { TestIssuer } from './secure-mesh.ts';

const sources = fileURLToPath(new URL('foreign/', import.meta.url));
const isStrict = process.env.STARLING_REQUIRE_ALL === '1';

const hasGo = spawnSync('go', ['version']).status === 0;
/** The first Python that has grpcio. */
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', 'import grpc']).status === 0);

let issuer: TestIssuer;
let stranger: TestIssuer;
let mesh: TestMesh;
let folder: string;
let address: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'starling-foreign-'));
  issuer = await TestIssuer.create();
  stranger = await TestIssuer.create();
  mesh = new TestMesh();
  const peer = await mesh.start(await issuer.peer('0'));
  await until(() => peer.peer.overlay.ready().ready);
  address = apiOf(peer);
}, 60_000);
afterAll(async () => {
  await mesh.stop();
  issuer.close();
  stranger.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a client says in the end. */
function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 30_000 }, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`.trim()));
  });
}

/** Each client with the right authority and token, another authority, no certificate to trust, and another token. */
async function proves(ask: (address: string, ca: string, token: string) => Promise<string>): Promise<void> {
  expect(await ask(address, issuer.caFile, issuer.token)).toBe('SERVING');
  // By name, too.
  expect(await ask(address.replace('127.0.0.1', 'localhost'), issuer.caFile, issuer.token)).toBe('SERVING');
  expect(await ask(address, stranger.caFile, issuer.token)).toMatch(/certificate|handshake|UNAVAILABLE/i);
  expect(await ask(address, issuer.caFile, 'starling_operator_another')).toMatch(/Unauthenticated|UNAUTHENTICATED/);
}

const go = `a client of grpc-go${hasGo || isStrict ? '' : ' (skipped: no Go; apt-get install golang)'}`;
describe.skipIf(!hasGo && !isStrict)(go, () => {
  it('talks to a peer whose authority and token it has, and to no other', { timeout: 240_000 }, async () => {
    const client = join(folder, 'client');
    execFileSync('go', ['build', '-o', client, '.'], { cwd: sources, stdio: 'pipe' });
    await proves((...args) => run(client, args));
  });
});

const py = `a client of grpcio${python !== undefined || isStrict ? '' : ' (skipped: no grpcio; apt-get install python3-grpcio)'}`;
describe.skipIf(python === undefined && !isStrict)(py, () => {
  it('talks to a peer whose authority and token it has, and to no other', { timeout: 120_000 }, async () => {
    await proves((...args) => run(python ?? 'python3', [join(sources, 'client.py'), ...args]));
  });
});
