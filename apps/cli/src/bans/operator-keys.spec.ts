import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorKeys } from '@starling/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCode } from '../exit-codes.ts';
import { findOperatorKey } from './find-operator-key.ts';
import { ensureOperatorKey } from './local-operator.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'starling-operator-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

describe('the operator’s key of a local mesh', () => {
  it('is made once, for its owner alone; the peers are told its public half; the command finds it for this machine', () => {
    ensureOperatorKey(data);
    const key = findOperatorKey({ data, address: '127.0.0.1:7401, localhost:7411' });
    expect(statSync(join(data, 'operator.key')).mode & 0o777).toBe(0o600);
    expect(OperatorKeys.parse(readFileSync(join(data, 'operator.pub'), 'utf8')).ids).toEqual([key.id]);
    ensureOperatorKey(data);
    expect(findOperatorKey({ data, address: '127.0.0.1:7401' }).id).toBe(key.id);
  });

  it.each([
    ['another machine', 'far.example:7401'],
    ['one of several that is another machine', '127.0.0.1:7401,far.example:7401'],
  ])('is not used for %s', (_what, address) => {
    ensureOperatorKey(data);
    expect(() => findOperatorKey({ data, address })).toThrow(expect.objectContaining({ exitCode: exitCode.usage }));
    expect(findOperatorKey({ data, address, operatorKey: join(data, 'operator.key') }).id).toMatch(/^[a-z2-7]{52}$/);
  });
});
