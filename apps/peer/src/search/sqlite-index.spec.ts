import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashTerm } from '@starling/digest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalAnswer, StoredDocument } from './local-index.ts';
import { indexLimits, SqliteIndex, type SqliteIndexOptions } from './sqlite-index.ts';

let folder: string;
let path: string;
const open: SqliteIndex[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-index-'));
  path = join(folder, 'index.sqlite');
});
afterEach(() => {
  for (const index of open.splice(0)) index.close();
  rmSync(folder, { recursive: true, force: true });
});

function indexOf(options: Partial<SqliteIndexOptions> = {}): SqliteIndex {
  const index = new SqliteIndex({ path: '', documentsMax: 1_000, bytesMax: 1 << 20, ...options });
  open.push(index);
  return index;
}

function closed(index: SqliteIndex): void {
  open.splice(open.indexOf(index), 1);
  index.close();
}

function documentOf(id: string, fields: unknown, version = 1): StoredDocument {
  return { id, json: JSON.stringify(fields), version };
}

function ask(index: SqliteIndex, text: string, limit = 10): LocalAnswer {
  return index.search({ text, limit, statistics: null });
}

function found(index: SqliteIndex, text: string): string[] {
  return ask(index, text)
    .hits.map((hit) => hit.id)
    .sort();
}

describe('local index', () => {
  it('finds what the query language means, at any depth', () => {
    const index = indexOf();
    index.put([
      documentOf('a', { title: 'A murmuration of starlings', tags: [{ name: 'birds' }, 42], year: 1990 }),
      documentOf('b', { title: 'A parliament of owls', deep: { deeper: { deepest: 'birds' } }, year: 2001 }),
      documentOf('c', null),
    ]);
    expect(found(index, 'birds')).toEqual(['a', 'b']);
    expect(found(index, 'birds starlings')).toEqual(['a']);
    // Unlike before, the last word is a prefix only where that is said.
    expect(found(index, 'birds starl')).toEqual([]);
    expect(found(index, 'birds starl*')).toEqual(['a']);
    expect(found(index, '"parliament of owls"')).toEqual(['b']);
    expect(found(index, 'title:birds')).toEqual([]);
    expect(found(index, 'tags.name:birds')).toEqual(['a']);
    expect(found(index, 'deep.deeper:birds')).toEqual(['b']);
    expect(found(index, 'birds -deep.deeper:birds')).toEqual(['a']);
    expect(found(index, 'birds year>=2000')).toEqual(['b']);
    expect(found(index, 'year:1980..2000 OR owls')).toEqual(['a', 'b']);
    expect(found(index, '42')).toEqual(['a']);
    // A field's name is no word of the document, and a field that nobody has is in no document.
    expect(found(index, 'title')).toEqual([]);
    expect(found(index, 'nobody:birds')).toEqual([]);
    // Another peer may send anything.
    expect(found(index, '((')).toEqual([]);
  });

  it('tells what ranking needs, by the statistics that it is given', () => {
    const index = indexOf();
    index.put([
      documentOf('a', { t: 'owl owl' }),
      documentOf('b', { t: 'owl and cat' }),
      documentOf('c', { t: 'dog' }),
    ]);
    const { hits, statistics } = ask(index, 'owl');
    expect(statistics).toEqual({ documents: 3, words: 6, frequencies: [2] });
    expect(hits.map(({ id, length, terms }) => [id, length, terms])).toEqual([
      ['a', 2, [2]],
      ['b', 3, [1]],
    ]);
    const known = { documents: 1_000, words: 2_000, frequencies: [1] };
    const rare = index.search({ text: 'owl', limit: 10, statistics: known }).hits[0]?.score ?? 0;
    expect(rare).toBeGreaterThan(3 * (hits[0]?.score ?? 0));
  });

  it('replaces and forgets, words and numbers', () => {
    const index = indexOf();
    index.put([documentOf('a', { t: 'one', n: 1 })]);
    index.put([documentOf('a', { t: 'two', n: 2 })]);
    expect(index.size).toBe(1);
    expect([found(index, 'one'), found(index, 'n=1')]).toEqual([[], []]);
    expect([found(index, 'two'), found(index, 'n=2')]).toEqual([['a'], ['a']]);
    expect(index.delete(['a', 'a', 'x'])).toBe(1);
    expect([index.size, index.bytes, found(index, 'two'), found(index, 'n=2')]).toEqual([0, 0, [], []]);
    expect(ask(index, 'two').statistics).toEqual({ documents: 0, words: 0, frequencies: [0] });
  });

  it('keeps the newer version', () => {
    const index = indexOf();
    expect(index.put([documentOf('a', { t: 'new' }, 5), documentOf('a', { t: 'old' }, 4)])).toEqual({
      stored: 1,
      stale: 1,
      refusal: null,
    });
    expect(found(index, 'new')).toEqual(['a']);
    index.put([documentOf('a', { t: 'other' }, 5)]);
    expect(ask(index, 'other').hits[0]).toMatchObject({ id: 'a', version: 5 });
  });

  it('stops at the first document that does not fit, by number or by bytes', () => {
    const index = indexOf({ documentsMax: 3, bytesMax: 1_000 });
    const four = ['a', 'b', 'c', 'd'].map((id) => documentOf(id, { id }));
    expect(index.put(four)).toEqual({ stored: 3, stale: 0, refusal: { kind: 'documents' } });
    expect(index.put([documentOf('a', { t: 'x'.repeat(2_000) })]).refusal).toEqual({ kind: 'bytes' });
    expect(index.put([documentOf('a', { t: 'still fits' })]).stored).toBe(1);
    expect(index.size).toBe(3);
  });

  it('has everything again after a restart, also without having been closed', () => {
    const index = indexOf({ path });
    index.put([documentOf('a', { title: 'owl', n: 7 }), documentOf('b', { other: 'owl' })]);
    const copy = join(folder, 'copy.sqlite');
    for (const end of ['', '-wal']) if (existsSync(path + end)) writeFileSync(copy + end, readFileSync(path + end));
    closed(index);
    for (const file of [path, copy]) {
      const again = indexOf({ path: file });
      expect([again.size, again.brokenFile]).toEqual([2, null]);
      expect(found(again, 'owl')).toEqual(['a', 'b']);
      expect(found(again, 'title:owl n=7')).toEqual(['a']);
      expect(ask(again, 'owl').statistics.words).toBe(3);
    }
  });

  it('puts a file aside that it cannot read, and begins anew', () => {
    writeFileSync(path, 'this is no database, whatever its name says'.repeat(100));
    const index = indexOf({ path });
    expect(index.brokenFile).toBe(`${path}.broken`);
    expect(existsSync(`${path}.broken`)).toBe(true);
    expect(index.put([documentOf('a', { t: 'owl' })]).stored).toBe(1);
    closed(index);
    expect(indexOf({ path }).size).toBe(1);
  });

  it('says when the disk is full, stores nothing of that slice, and goes on', () => {
    // Its own tables take most of 60 pages.
    const index = indexOf({ path, pagesMax: 60 });
    const text = Array.from({ length: 200 }, (_, i) => `word${i}`).join(' ');
    let refusal = null;
    let taken = 0;
    for (let i = 0; refusal === null && i < 1_000; i++) {
      const result = index.put([documentOf(`d${i}`, { text })]);
      refusal = result.refusal;
      taken += result.stored;
    }
    expect(refusal).toMatchObject({ kind: 'disk', problem: expect.stringContaining('full') });
    expect(index.size).toBe(taken);
    expect(ask(index, 'word7', 1_000).hits).toHaveLength(taken);
    expect(ask(index, 'word7').statistics.documents).toBe(taken);
    // What is there can still be deleted, and then there is room.
    index.delete(Array.from({ length: taken }, (_, i) => `d${i}`));
    expect(index.put([documentOf('e', { text: 'fits' })])).toMatchObject({ stored: 1 });
    expect(found(index, 'fits')).toEqual(['e']);
  });

  it('finds by fields beyond those that have a column of their own', () => {
    const index = indexOf();
    const many = Array.from({ length: 50 }, (_, i) => documentOf(`d${i}`, { [`field${i}`]: 'owl', common: 'bird' }));
    index.put(many);
    expect(found(index, 'field3:owl')).toEqual(['d3']);
    expect(found(index, 'field45:owl')).toEqual(['d45']);
    expect(found(index, 'field45:owl OR field46:owl')).toEqual(['d45', 'd46']);
    expect(ask(index, 'bird -field45:owl', 100).hits).toHaveLength(49);
    expect(ask(index, 'common:bird -field3:owl', 100).hits).toHaveLength(49);
  });

  it('reads on when most candidates turn out not to match', () => {
    const index = indexOf({ documentsMax: 5_000 });
    const count = 2 * indexLimits.candidatesMin;
    index.put(Array.from({ length: count }, (_, i) => documentOf(`d${i}`, { a: { x: 'owl owl' } })));
    index.put([documentOf('wanted', { a: { x: 'filler filler filler', y: 'owl' } })]);
    expect(found(index, 'a.y:owl')).toEqual(['wanted']);
  });

  it('reads a document nested as deep as its bytes allow', () => {
    const index = indexOf();
    const json = `${'['.repeat(5_000)}"deep"${']'.repeat(5_000)}`;
    expect(index.put([{ id: 'a', json, version: 1 }]).stored).toBe(1);
    expect(found(index, 'deep')).toEqual(['a']);
  });

  it('tells its words as fingerprints, until there are too many', () => {
    const index = indexOf();
    index.put([documentOf('a', { title: 'Ångström owl', n: 7 }), documentOf('b', { deep: { t: 'owl 木 bird' } })]);
    const of = (...words: string[]) => Uint32Array.from(words.map((word) => hashTerm(word).high)).sort();
    const { fingerprints, documents, words } = index.terms(100);
    expect([documents, words]).toEqual([2, 6]);
    for (const each of of('angstrom', 'owl', '7', '木', 'bird')) expect(fingerprints).toContain(each);
    expect(index.terms(3).fingerprints).toBeNull();
    index.delete(['a']);
    expect(index.terms(100).fingerprints).not.toContain(of('angstrom')[0]);
    index.delete(['b']);
    expect(index.terms(100)).toMatchObject({ documents: 0, words: 0 });
  });
});
