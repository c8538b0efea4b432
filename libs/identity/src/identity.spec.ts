import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { base32, createIdentity, IdentityError, isPeerId, loadIdentity, peerIdOf } from './index.ts';

describe('base32', () => {
  it.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('RFC 4648 §10: %j is %j', (plain, encoded) => {
    expect(base32(Buffer.from(plain))).toBe(encoded);
  });
});

describe('identity', () => {
  let dir: string;
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'starling-identity-')), 'data');
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

  it('is base32 of SHA-256 of the SubjectPublicKeyInfo', () => {
    const identity = createIdentity();
    const spki = identity.publicKey.export({ type: 'spki', format: 'der' });
    expect(identity.id).toBe(base32(createHash('sha256').update(spki).digest()));
    expect(isPeerId(identity.id)).toBe(true);
    for (const text of ['', 'peer-3', identity.id.slice(0, 10), identity.id.toUpperCase(), `${identity.id}a`]) {
      expect(isPeerId(text), text).toBe(false);
    }
    expect(identity.id).toMatch(/^[a-z2-7]{52}$/);
    const signature = sign('sha256', Buffer.from('x'), identity.privateKey);
    expect(verify('sha256', Buffer.from('x'), identity.publicKey, signature)).toBe(true);
  });

  it('makes the key on the first start and keeps it, readable by its owner only', () => {
    const first = loadIdentity(dir);
    expect(first.isNew).toBe(true);
    expect(statSync(join(dir, 'key.pem')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['key.pem']);
    const second = loadIdentity(dir);
    expect(second.isNew).toBe(false);
    expect(second.id).toBe(first.id);
    expect(peerIdOf(createPublicKey(readFileSync(join(dir, 'key.pem'))))).toBe(first.id);
  });

  it('refuses a key that others may read, and says what to do', () => {
    loadIdentity(dir);
    chmodSync(join(dir, 'key.pem'), 0o644);
    expect(() => loadIdentity(dir)).toThrow(IdentityError);
    expect(() => loadIdentity(dir)).toThrow(/can be read by others \(mode 0644\): run chmod 600/);
  });

  it.each([
    ['empty', ''],
    ['garbage', 'not a key'],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
  ])('refuses a file that is %s and leaves it as it is', (_name, content) => {
    loadIdentity(dir);
    writeFileSync(join(dir, 'key.pem'), content);
    expect(() => loadIdentity(dir)).toThrow(/holds no .*key: restore it, or delete it/);
    expect(readFileSync(join(dir, 'key.pem'), 'utf8')).toBe(content);
  });

  it('says in one line that the directory cannot be used', () => {
    writeFileSync(dir, 'a file, not a directory');
    expect(() => loadIdentity(dir)).toThrow(/^cannot (read|keep) .*$/);
  });

  it('gives two processes that start at once the same key', () => {
    const script = `import { loadIdentity } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}; process.stdout.write(loadIdentity(process.argv[1]).id)`;
    const run = `for i in 1 2 3; do "${process.execPath}" --input-type=module -e "$SCRIPT" "$DIR" & done; wait`;
    const out = execFileSync('sh', ['-c', run], {
      env: { ...process.env, SCRIPT: script, DIR: dir },
      encoding: 'utf8',
    });
    const ids = out.match(/[a-z2-7]{52}/g) ?? [];
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });
});
