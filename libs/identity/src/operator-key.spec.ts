import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OperatorKey, OperatorKeys } from './operator-key.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'starling-operator-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const statement = Buffer.from('a statement');

describe('an operator’s key', () => {
  it('is kept for its owner alone, is not overwritten, and is the same when it is read', () => {
    const path = join(dir, 'sub', 'operator.key');
    const key = OperatorKey.create();
    expect(key.write(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(OperatorKey.create().write(path)).toBe(false);
    expect(OperatorKey.read(path).id).toBe(key.id);
  });

  it.each([
    [
      'others may read',
      'can be read by others',
      () => {
        const path = join(dir, 'k');
        OperatorKey.create().write(path);
        chmodSync(path, 0o644);
        return path;
      },
    ],
    [
      'is no key',
      'holds no private P-256 key',
      () => {
        const path = join(dir, 'k');
        writeFileSync(path, 'no key', { mode: 0o600 });
        return path;
      },
    ],
    ['is not there', 'cannot read', () => join(dir, 'nowhere')],
  ])('that %s is refused', (_what, words, make) => {
    const path = make();
    expect(() => OperatorKey.read(path)).toThrow(words);
  });

  it('signs what its public key verifies, and nothing else', () => {
    const [ann, bob, eve] = [OperatorKey.create(), OperatorKey.create(), OperatorKey.create()];
    const keys = OperatorKeys.parse(`# ann\n${ann.publicPem}\n# bob\n${bob.publicPem}`);
    expect(keys.ids).toEqual([ann.id, bob.id]);
    const signed = ann.signBan(statement);
    expect(signed.signature).toHaveLength(64);
    expect(keys.verifyBan(statement, signed)).toBe('valid');
    expect(keys.verifyBan(Buffer.from('another'), signed)).toBe('forged');
    expect(keys.verifyBan(statement, { ...signed, key: bob.id })).toBe('forged');
    expect(keys.verifyBan(statement, { ...signed, signature: new Uint8Array(3) })).toBe('forged');
    expect(keys.verifyBan(statement, eve.signBan(statement))).toBe('unknownKey');
    expect(OperatorKeys.none.verifyBan(statement, signed)).toBe('unknownKey');
  });

  it('is no public key of another kind', () => {
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => OperatorKeys.parse(pem)).toThrow('number 1 is no P-256 key');
    expect(() => OperatorKeys.parse('nothing')).toThrow('no public key');
    expect(() => OperatorKeys.parse(OperatorKey.create().publicPem.repeat(65))).toThrow('more than 64');
  });
});
