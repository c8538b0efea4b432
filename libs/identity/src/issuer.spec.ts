import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from './authority.ts';
import { initAuthority, readAuthority } from './authority-directory.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { createIdentity, loadIdentity } from './identity.ts';
import { Issuer, type IssuerEvent } from './issuer.ts';
import { IdentityError } from './key-file.ts';
import { NamePolicy, namesOf } from './names.ts';
import { obtainCertificate, readTlsDirectory, readTlsKey, type TlsMaterial, tlsFiles } from './tls-directory.ts';

let root: string;
const opened: { close(): void }[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'starling-issuer-'));
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  rmSync(root, { recursive: true, force: true });
});

async function issuerFor(
  dirs: readonly string[],
  options: { authority?: () => Authority; lifetimeMs?: number; allow?: string[] } = {},
) {
  const { authority: made } = await initAuthority(join(root, 'ca'), 'local');
  const events: IssuerEvent[] = [];
  const issuer = new Issuer({
    authority: options.authority ?? (() => made),
    policy: { names: new NamePolicy(options.allow ?? []), lifetimeMs: options.lifetimeMs ?? 86_400_000 },
    dirs,
    pollMs: 50,
    on: (event) => events.push(event),
  });
  opened.push(issuer);
  await issuer.start();
  return { issuer, events, authority: made };
}

const wishOf = (dir: string, names: readonly string[] = [], waitMs = 10_000) => ({
  dir,
  identity: loadIdentity(join(root, 'peer')),
  mesh: 'local',
  names: namesOf(names),
  waitMs,
});

describe("an authority's directory", () => {
  it('is made once, its key readable by its owner only', async () => {
    const dir = join(root, 'ca');
    expect(readAuthority(dir, 'local')).toBeNull();
    const first = await initAuthority(dir, 'local');
    const second = await initAuthority(dir, 'local');
    expect([first.isNew, second.isNew]).toEqual([true, false]);
    expect(second.authority.certificate).toBe(first.authority.certificate);
    expect(statSync(join(dir, 'ca.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir).sort()).toEqual(['ca.crt', 'ca.key']);
    await expect(initAuthority(dir, 'other')).rejects.toThrow(IdentityError);
    rmSync(join(dir, 'ca.key'));
    expect(() => readAuthority(dir, 'local')).toThrow(/only one of ca.key and ca.crt/);
  });
});

describe('a peer and an issuer', () => {
  it('meet over a directory: the key stays with the peer, the authority with the issuer', async () => {
    const dir = join(root, 'tls');
    const { events, authority } = await issuerFor([dir]);
    const material = await obtainCertificate(wishOf(dir));
    expect(material.peer).toMatchObject({ mesh: 'local', peerId: loadIdentity(join(root, 'peer')).id });
    expect(material.authorities).toBe(authority.bundle);
    expect(readdirSync(dir).sort()).toEqual(['ca.crt', 'request.csr', 'tls.crt']);
    for (const file of readdirSync(dir)) expect(readFileSync(join(dir, file), 'utf8')).not.toContain('PRIVATE');
    expect(events).toMatchObject([{ kind: 'issued', peerId: material.peer.peerId }]);
  });

  it('need no new certificate after a restart, and a new one for new names', async () => {
    const dir = join(root, 'tls');
    const { events } = await issuerFor([dir], { allow: ['a.example'] });
    const first = await obtainCertificate(wishOf(dir));
    const second = await obtainCertificate(wishOf(dir));
    expect(second.certificate).toBe(first.certificate);
    const third = await obtainCertificate(wishOf(dir, ['a.example']));
    expect(third.peer.names).toContain('a.example');
    expect(events).toHaveLength(2);
  });

  it('say why there is no certificate: refused, or nobody there', async () => {
    const dir = join(root, 'tls');
    const { events, issuer } = await issuerFor([dir]);
    await expect(obtainCertificate(wishOf(dir, ['evil.example']))).rejects.toThrow(
      /refused the request: the name evil.example is not allowed/,
    );
    expect(events).toMatchObject([{ kind: 'refused' }]);
    expect([...issuer.problems.values()]).toEqual(['the name evil.example is not allowed']);
    await expect(obtainCertificate(wishOf(join(root, 'nobody'), [], 100))).rejects.toThrow(
      /^no certificate in .* within 100 ms: there is no .*; does an authority \(starling ca serve\) watch it\?$/,
    );
  });

  it('renew after two thirds of the time, with the same key', async () => {
    const dir = join(root, 'tls');
    await issuerFor([dir], { lifetimeMs: 3_000 });
    const wish = wishOf(dir);
    const first = await obtainCertificate(wish);
    const seen: TlsMaterial[] = [];
    const watch = new CertificateWatch(first, {
      ...wish,
      pollMs: 50,
      renewed: (material) => seen.push(material),
      problem: () => {},
    });
    opened.push(watch);
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    expect(seen[0]?.peer.peerId).toBe(first.peer.peerId);
    expect(seen[0]?.peer.expiresAt).toBeGreaterThan(first.peer.expiresAt);
    // It came while the first was still good.
    expect(Date.now()).toBeLessThan(first.peer.expiresAt);
  });

  it('do not renew what would end with the authority as well, and say when that has expired', async () => {
    const dir = join(root, 'tls');
    const authority = await Authority.create('local', Date.now(), 3_000);
    const { issuer, events } = await issuerFor([dir], { authority: () => authority });
    await obtainCertificate(wishOf(dir));
    for (let look = 0; look < 20; look++) await issuer.sweep();
    expect(events).toMatchObject([{ kind: 'issued', expiresAt: authority.expiresAt }]);
    await expect.poll(() => issuer.problems.size).toBeGreaterThan(0);
    expect([...issuer.problems.values()]).toEqual(['the authority itself has expired']);
    expect(events.map(({ kind }) => kind)).toEqual(['issued', 'refused']);
  });

  it('change over to another authority: both are trusted, then the new one signs', async () => {
    const dir = join(root, 'tls');
    let current = await Authority.create('local');
    const next = await Authority.create('local');
    const { issuer } = await issuerFor([dir], { authority: () => current });
    const wish = wishOf(dir);
    const first = await obtainCertificate(wish);
    const seen: TlsMaterial[] = [];
    const watch = new CertificateWatch(first, { ...wish, pollMs: 50, renewed: (m) => seen.push(m), problem: () => {} });
    opened.push(watch);

    current = current.trusting(next.certificate);
    await issuer.sweep();
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]?.certificate).toBe(first.certificate);
    expect(seen[0]?.authorities).toContain(next.certificate.trim());

    current = next.trusting(current.certificate);
    await issuer.sweep();
    await expect.poll(() => seen.at(-1)?.certificate ?? first.certificate).not.toBe(first.certificate);
    expect(watch.current.peer.peerId).toBe(first.peer.peerId);
  });

  it('survive whatever is put into the directory', async () => {
    const dir = join(root, 'tls');
    mkdirSync(dir);
    writeFileSync(tlsFiles(dir).request, 'x'.repeat(300_000));
    const { events, issuer } = await issuerFor([dir]);
    expect(events).toMatchObject([{ kind: 'failed', problem: expect.stringMatching(/larger than/) }]);
    writeFileSync(tlsFiles(dir).request, 'no request');
    await issuer.sweep();
    expect(events.at(-1)).toMatchObject({ kind: 'refused', problem: 'it is no request for a certificate' });
    await obtainCertificate(wishOf(dir));
    expect(issuer.problems.size).toBe(0);
  });
});

describe('a directory that somebody else fills', () => {
  async function filled(dir: string, keyIdentity = createIdentity()) {
    const authority = await Authority.create('local');
    const { createRequest } = await import('./request.ts');
    const issued = await authority.issue(await createRequest(keyIdentity, namesOf([])), {
      names: new NamePolicy([]),
      lifetimeMs: 60_000,
    });
    if (!issued.ok) throw new Error(issued.problem);
    mkdirSync(dir, { recursive: true });
    writeFileSync(tlsFiles(dir).key, keyIdentity.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(tlsFiles(dir).certificate, issued.certificate);
    writeFileSync(tlsFiles(dir).authorities, authority.bundle);
    return { identity: keyIdentity, authority };
  }

  it('gives the peer its identity, and nothing is written there', async () => {
    const dir = join(root, 'tls');
    const { identity } = await filled(dir);
    const own = readTlsKey(dir);
    expect(own?.id).toBe(identity.id);
    const material = await obtainCertificate({ ...wishOf(dir), identity: own ?? createIdentity() });
    expect(material.peer.peerId).toBe(identity.id);
    expect(readdirSync(dir).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
  });

  it('with a renewed key changes nothing until a restart, and says so', async () => {
    const dir = join(root, 'tls');
    const { identity } = await filled(dir);
    const first = await obtainCertificate({ ...wishOf(dir), identity });
    const problems: string[] = [];
    const watch = new CertificateWatch(first, {
      dir,
      identity,
      mesh: 'local',
      pollMs: 30,
      renewed: () => {},
      problem: (problem) => problems.push(problem),
    });
    opened.push(watch);
    const { identity: next } = await filled(dir);
    await expect.poll(() => problems).toContainEqual(expect.stringContaining(`another peer (${next.id})`));
    expect(watch.current).toBe(first);
    expect(watch.stats.renewed).toBe(0);
  });

  it.each([
    [
      'for another mesh',
      async (dir: string) => ({ ...(await filled(dir)), mesh: 'other' }),
      /for the mesh local, not other/,
    ],
    [
      'by another authority',
      async (dir: string) => {
        const made = await filled(dir);
        writeFileSync(tlsFiles(dir).authorities, (await Authority.create('local')).bundle);
        return { ...made, mesh: 'local' };
      },
      /by none of the authorities/,
    ],
    [
      'for another key',
      async (dir: string) => ({ ...(await filled(dir)), identity: createIdentity(), mesh: 'local' }),
      /of another key/,
    ],
    [
      'half written',
      async (dir: string) => {
        const made = await filled(dir);
        writeFileSync(tlsFiles(dir).certificate, readFileSync(tlsFiles(dir).certificate, 'utf8').slice(0, 200));
        return { ...made, mesh: 'local' };
      },
      /holds no certificate/,
    ],
  ])('is not used when its certificate is %s', async (_what, prepare, expected) => {
    const dir = join(root, 'tls');
    const { identity, mesh } = await prepare(dir);
    const reading = readTlsDirectory(dir, { privateKey: identity.privateKey, mesh });
    expect(reading).toMatchObject({ ok: false, problem: expect.stringMatching(expected) });
  });

  it('is not used once its certificate has expired', async () => {
    const dir = join(root, 'tls');
    const { identity } = await filled(dir);
    const own = { privateKey: identity.privateKey, mesh: 'local' };
    expect(readTlsDirectory(dir, own)).toMatchObject({ ok: true });
    expect(readTlsDirectory(dir, own, Date.now() + 120_000)).toMatchObject({
      problem: expect.stringMatching(/expired at/),
    });
  });
});
