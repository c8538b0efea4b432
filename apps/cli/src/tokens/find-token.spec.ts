import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCode } from '../exit-codes.ts';
import { findToken, type TokenSearch } from './find-token.ts';
import { ensureMeshTokens, tokenPath } from './mesh-tokens.ts';
import { newToken, roles, tokenLine } from './token.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'starling-tokens-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const local = ['127.0.0.1:7401', 'localhost:7411', '[::1]:7421'];
const find = (search: Partial<TokenSearch> = {}, token?: string) =>
  findToken(
    { data, ...(token === undefined ? {} : { token }) },
    { role: 'client', addresses: local, env: {}, ...search },
  );

describe('the tokens of a local mesh', () => {
  it('are made once, for their owner alone, and are told to the peers by their hashes', () => {
    const path = ensureMeshTokens(data);
    const tokens = roles.map((role) => readFileSync(tokenPath(data, role), 'utf8').trim());
    expect(tokens.map((token) => token.replace(/_[\w-]{43}$/, ''))).toEqual(roles.map((role) => `starling_${role}`));
    for (const file of [...roles.map((role) => tokenPath(data, role)), path]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    const lines = readFileSync(path, 'utf8');
    for (const [i, role] of roles.entries()) {
      expect(lines).toContain(tokenLine(role, `local-${role}`, tokens[i] as string));
      expect(lines).not.toContain(tokens[i]);
    }
    ensureMeshTokens(data);
    expect(readFileSync(path, 'utf8')).toBe(lines);
  });
});

describe('a command finds', () => {
  it('the least token of the local mesh that suffices, or the next one when that is not there', () => {
    ensureMeshTokens(data);
    expect(find({ role: 'viewer' })).toMatch(/^starling_viewer_/);
    expect(find()).toMatch(/^starling_client_/);
    expect(find({ role: 'responder' })).toMatch(/^starling_responder_/);
    rmSync(tokenPath(data, 'client'));
    expect(find()).toMatch(/^starling_operator_/);
    rmSync(tokenPath(data, 'operator'));
    expect(find()).toBeUndefined();
  });

  it('none of the local mesh for another machine', () => {
    ensureMeshTokens(data);
    expect(find({ addresses: [...local, 'peer.example:7401'] })).toBeUndefined();
    expect(find({ addresses: ['127.0.0.1.example:7401'] })).toBeUndefined();
  });

  it('what it was given first: --token, then STARLING_TOKEN', () => {
    ensureMeshTokens(data);
    const env = { STARLING_TOKEN: 'from-the-environment' };
    writeFileSync(join(data, 'mine'), 'from-a-file\n');
    expect(find({ env, addresses: ['far.example:1'] })).toBe('from-the-environment');
    expect(find({ env }, join(data, 'mine'))).toBe('from-a-file');
    expect(find({ env, readFile: (path) => (path === 0 ? 'from-a-pipe' : '') }, '-')).toBe('from-a-pipe');
  });

  it.each([
    ['a file that is not there', 'nowhere', 'no such file'],
    ['a file with two lines', 'two', 'holds no token'],
  ])('%s, and says so without a secret', (_what, name, words) => {
    writeFileSync(join(data, 'two'), 'secret-one\nsecret-two');
    const failing = () => find({}, join(data, name));
    expect(failing).toThrow(expect.objectContaining({ exitCode: exitCode.usage }));
    expect(failing).toThrow(words);
    expect(failing).not.toThrow(/secret/);
  });
});

describe('a new token', () => {
  it('is another one each time, and has 256 bits', () => {
    const tokens = Array.from({ length: 100 }, () => newToken('client'));
    expect(new Set(tokens).size).toBe(100);
    expect(Buffer.from(tokens[0]?.slice('starling_client_'.length) ?? '', 'base64url')).toHaveLength(32);
  });
});
