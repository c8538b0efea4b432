import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '@starling/identity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { LocalMesh, type PeerProcess } from '../support/local-mesh.ts';
import { until } from '../support/poll.ts';
import { TokenFolder } from '../support/tokens.ts';

let mesh: LocalMesh;
let tokens: TokenFolder;

beforeAll(async () => {
  tokens = await TokenFolder.create();
  mesh = await LocalMesh.start(3, { STARLING_TOKENS_FILE: tokens.file });
}, 90_000);
afterAll(() => {
  mesh?.stop();
  tokens?.remove();
});

interface Report {
  readonly well: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly level: string;
    readonly text: string;
    readonly advice?: string;
  }[];
}

const peer = (index: number) => mesh.peers[index] as PeerProcess;
const everybody = () => mesh.peers.map(({ api }) => api).join(',');
const doctor = (...args: string[]) =>
  cli(['doctor', '--data', tokens.path, '--address', peer(0).api, '--ca', mesh.caFile, ...args]);
async function report(...args: string[]): Promise<Report & { readonly code: number | null }> {
  const { code, stdout, stderr } = await doctor('-o', 'json', ...args);
  if (stdout === '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Report) };
}
const textsOf = ({ findings }: Report, level: string) =>
  findings.filter((each) => each.level === level).map(({ text }) => text);

async function restarted(index: number, spawn: () => unknown): Promise<void> {
  mesh.kill([peer(index)]);
  await until('it ended', 5_000, () => !mesh.running.includes(peer(index)));
  await spawn();
}

describe('starling doctor', { timeout: 90_000 }, () => {
  it('finds a mesh well, in lines for people and in JSON for scripts', async () => {
    const settled = await until('nothing to be said', 30_000, async () => {
      const found = await report();
      return found.findings.every(({ level }) => level === 'ok') ? found : null;
    });
    expect(settled).toMatchObject({ well: true, code: 0 });
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {4}3 of 3 peers asked answer$/m);
    expect(stdout).toMatch(/^ok {4}the token is good: e2e-viewer \(viewer\)$/m);
    expect(stdout).toMatch(/^ok {4}the first certificate \(at peer-\d\) expires in (?:5\d|60) min$/m);
    expect(stdout).toMatch(/\n0 failed, /);
  });

  it('a wrong authority: every peer is refused, and why', async () => {
    const other = join(tokens.path, 'other.pem');
    writeFileSync(other, (await Authority.create('e2e')).bundle);
    const found = await report('--ca', other);
    expect(found).toMatchObject({ well: false, code: 1 });
    expect(found.findings).toContainEqual(
      expect.objectContaining({
        check: 'peer',
        text: expect.stringContaining('its certificate is refused'),
        advice: expect.stringContaining('--ca'),
      }),
    );
  });

  it('a wrong token: says so, and that the peer is there', async () => {
    const wrong = join(tokens.path, 'wrong.token');
    writeFileSync(wrong, 'starling_viewer_nobodys\n', { mode: 0o600 });
    const found = await report('--token', wrong);
    expect(found).toMatchObject({ well: false, code: 1 });
    expect(found.findings.find(({ check }) => check === 'peer')?.advice).toContain('does not take this token');
  });

  it('a peer that does not encrypt', async () => {
    await restarted(2, () =>
      mesh.spawn(2, {
        STARLING_INSECURE: 'true',
        STARLING_TLS_DIR: '',
        STARLING_TOKENS_FILE: '',
        STARLING_SEED_TIMEOUT_MS: '0',
      }),
    );
    const found = await until('it listens', 20_000, async () => {
      const each = await report('--address', everybody());
      return textsOf(each, 'fail').some((text) => text.includes('does not encrypt')) ? each : null;
    });
    expect(found).toMatchObject({ well: false, code: 1 });
    expect(found.findings.find(({ text }) => text.includes('does not encrypt'))?.advice).toContain('runs without TLS');
  });

  it('a peer whose certificate has expired', async () => {
    await restarted(2, () => mesh.spawnUnrenewed(2, 8_000));
    const found = await until('it has expired', 40_000, async () => {
      const each = await report('--address', everybody());
      return textsOf(each, 'fail').some((text) => /certificate has expired/.test(text)) ? each : null;
    });
    expect(found).toMatchObject({ well: false, code: 1 });
    expect(found.findings.find(({ text }) => /has expired/.test(text))?.advice).toContain('was not renewed');
    expect(peer(2).output).toContain('expires soon and was not renewed');
  });

  it('a peer that is gone, and a token that others may read', async () => {
    await restarted(2, () => {});
    chmodSync(join(tokens.path, 'operator.token'), 0o644);
    const found = await report('--address', everybody());
    chmodSync(join(tokens.path, 'operator.token'), 0o600);
    expect(found).toMatchObject({ well: false, code: 1 });
    expect(textsOf(found, 'fail')).toEqual([
      expect.stringContaining(peer(2).api),
      expect.stringContaining('operator.token can be read by others'),
    ]);
  });
});
