import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenFile, TokenFileError } from './token-file.ts';

const lineOf = (role: string, token: string): string =>
  `${role} a sha256:${createHash('sha256').update(token).digest('hex')}\n`;

let folder: string;
let path: string;
let told: string[];
const open = (): TokenFile =>
  new TokenFile(path, {
    reloaded: (tokens) => told.push(`reloaded ${tokens}`),
    failed: (problems) => told.push(...problems),
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-tokens-'));
  path = join(folder, 'tokens');
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file of tokens', () => {
  it('is read again when it was replaced; callers of before are judged by what it says now', () => {
    writeFileSync(path, lineOf('client', 'x') + lineOf('viewer', 'y'));
    const file = open();
    const caller = file.find('x');
    expect(caller).toMatchObject({ name: 'a', role: 'client' });
    file.check();
    expect(told).toEqual([]);
    writeFileSync(`${path}.new`, lineOf('viewer', 'y'));
    renameSync(`${path}.new`, path);
    expect(caller?.isValid(0)).toBe(true);
    file.check();
    expect(told).toEqual(['reloaded 1']);
    expect(file.find('x')).toBeNull();
    expect(caller?.isValid(0)).toBe(false);
  });

  it('follows a link that is pointed elsewhere, as Kubernetes does with a Secret', () => {
    for (const token of ['x', 'y']) writeFileSync(join(folder, token), lineOf('client', token));
    symlinkSync('x', path);
    const file = open();
    expect(file.find('x')).not.toBeNull();
    unlinkSync(path);
    symlinkSync('y', path);
    file.check();
    expect([file.find('x') === null, file.find('y') === null]).toEqual([true, false]);
  });

  it('keeps what it has when the file cannot be read, or says what cannot be', () => {
    writeFileSync(path, lineOf('client', 'x'));
    const file = open();
    writeFileSync(path, 'client a');
    file.check();
    expect(told).toEqual([expect.stringMatching(/^line 1: the third word/)]);
    expect(file.find('x')?.isValid(0)).toBe(true);
    unlinkSync(path);
    file.check();
    expect(told).toEqual([expect.anything(), expect.stringContaining('ENOENT')]);
    expect(file.find('x')?.isValid(0)).toBe(true);
    writeFileSync(path, lineOf('client', 'y'));
    file.check();
    expect(file.find('x')).toBeNull();
  });

  it('that is wrong from the beginning is an error that names the line', () => {
    expect(open).toThrow(TokenFileError);
    writeFileSync(path, '\nclient a b\n');
    expect(open).toThrow(/tokens: line 2: the third word/);
    writeFileSync(path, '#'.repeat(300_000));
    expect(open).toThrow(/larger than/);
  });

  it('lets a token end at its time', () => {
    writeFileSync(path, lineOf('client', 'x').replace('\n', ' expires:2027-01-31T00:00:00Z'));
    const caller = open().find('x');
    const end = Date.UTC(2027, 0, 31);
    expect([caller?.isValid(end - 1), caller?.isValid(end)]).toEqual([true, false]);
  });
});
