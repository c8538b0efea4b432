import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeedResult, SeedTask } from '@starling/sim';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from './journal.ts';

const task = (seed: number, faults?: number[]): SeedTask => ({
  scenario: 'faults',
  peers: 8,
  seed,
  ...(faults === undefined ? {} : { faults }),
});
const result = (seed: number, value: number): SeedResult => ({
  sample: { seed, values: { value }, traceHash: 'abc', violations: [], events: 1 },
  failure: null,
  cpuMs: 5,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-journal-'));
  path = join(folder, 'seeds.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('Journal', () => {
  it('gives back what another run has finished, and nothing else', () => {
    const first = new Journal(path, 'a');
    first.add(task(1), result(1, 0.5));
    first.add(task(2, [0]), result(2, Number.POSITIVE_INFINITY));
    const second = new Journal(path, 'a');
    expect(second.get(task(1))).toEqual(result(1, 0.5));
    expect(second.get(task(2, [0]))).toEqual(result(2, Number.POSITIVE_INFINITY));
    expect(second.get(task(2))).toBeUndefined();
    expect(second.get({ ...task(1), peers: 9 })).toBeUndefined();
  });

  it('drops a line that was torn, and goes on behind the last whole one', () => {
    new Journal(path, 'a').add(task(1), result(1, 1));
    appendFileSync(path, '{"task":{"scen');
    const taken = new Journal(path, 'a');
    taken.add(task(2), result(2, 2));
    const again = new Journal(path, 'a');
    expect([1, 2].map((seed) => again.get(task(seed)))).toEqual([result(1, 1), result(2, 2)]);
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('refuses the seeds of another build, and a file that is none of its own', () => {
    new Journal(path, 'a').add(task(1), result(1, 1));
    expect(() => new Journal(path, 'b')).toThrow(/another build/);
    writeFileSync(path, 'my thesis\n');
    expect(() => new Journal(path, 'a')).toThrow(/something else/);
    expect(readFileSync(path, 'utf8')).toBe('my thesis\n');
  });
});
