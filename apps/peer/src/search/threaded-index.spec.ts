import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredDocument } from './local-index.ts';
import { ThreadedIndex, threadLimits } from './threaded-index.ts';

let folder: string;
const open: ThreadedIndex[] = [];
const troubles: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-index-'));
});
afterEach(async () => {
  for (const index of open.splice(0)) await index.close();
  troubles.length = 0;
  rmSync(folder, { recursive: true, force: true });
});

function indexOf(path = '', documentsMax = 10_000): ThreadedIndex {
  const index = new ThreadedIndex({ path, documentsMax, bytesMax: 1 << 20, onTrouble: (text) => troubles.push(text) });
  open.push(index);
  return index;
}

const owls = (count: number): StoredDocument[] =>
  Array.from({ length: count }, (_, i) => ({ id: `d${i}`, json: '{"t":"owl"}', version: 1 }));
const owl = { text: 'owl', limit: 1_000, statistics: null };

describe('the index in its thread', () => {
  it('answers like the index itself, in slices', async () => {
    const index = indexOf();
    expect(await index.search(owl)).toEqual({ hits: [], statistics: { documents: 0, words: 0, frequencies: [] } });
    expect(await index.delete(['d1'])).toBe(0);
    const count = 3 * threadLimits.sliceDocumentsMax + 1;
    expect(await index.put(owls(count))).toEqual({ stored: count, stale: 0, refusal: null });
    expect((await index.search(owl)).hits).toHaveLength(count);
    expect(await index.delete(['d1', 'd2'])).toBe(2);
    expect([index.size, index.bytes]).toEqual([count - 2, 11 * (count - 2)]);
  });

  it('stores nothing behind the first document that does not fit', async () => {
    const index = indexOf('', 100);
    const replacing = { id: 'd0', json: '{"t":"cat"}', version: 2 };
    const result = await index.put([...owls(200), replacing]);
    expect(result).toEqual({ stored: 100, stale: 0, refusal: { kind: 'documents' } });
    expect((await index.search({ ...owl, text: 'cat' })).hits).toEqual([]);
    expect(index.stats.documentsRefused).toBe(101);
  });

  it('has everything again after a restart', async () => {
    const path = join(folder, 'index.sqlite');
    const index = indexOf(path);
    await index.put(owls(10));
    await index.close();
    await expect(index.put(owls(1))).rejects.toThrow('closed');
    const again = indexOf(path);
    expect((await again.search(owl)).hits).toHaveLength(10);
    expect(again.size).toBe(10);
  });

  it('rejects, and tries again, when its file cannot be had', async () => {
    const index = indexOf(join(folder, 'missing', 'index.sqlite'));
    await expect(index.put(owls(1))).rejects.toMatchObject({ reason: 'INDEX_BROKEN' });
    await expect(index.put(owls(1))).rejects.toMatchObject({ reason: 'INDEX_BROKEN' });
    expect(troubles).toEqual(['the index failed', 'the index failed']);
    expect(index.stats.threadsLost).toBe(2);
    // Nothing is in it: that is an answer.
    expect((await index.search(owl)).hits).toEqual([]);
  });

  it('refuses more searches than may wait, and lets them go ahead of what is loaded', async () => {
    const index = indexOf();
    await index.put(owls(1));
    const done: string[] = [];
    const load = index.put(owls(2_000)).then(() => done.push('load'));
    const asked = Array.from({ length: threadLimits.searchesMax + 20 }, () => index.search(owl));
    void asked[0]?.then(() => done.push('search'));
    const settled = await Promise.allSettled(asked);
    await load;
    expect(settled.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(
      threadLimits.searchesMax,
    );
    expect(index.stats.searchesRefused).toBe(settled.filter(({ status }) => status === 'rejected').length);
    expect(index.stats.searchesRefused).toBeGreaterThan(0);
    expect(done).toEqual(['search', 'load']);
  });
});
