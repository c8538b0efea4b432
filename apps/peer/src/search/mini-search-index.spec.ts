import { describe, expect, it } from 'vitest';
import { MiniSearchIndex } from './mini-search-index.ts';

const limits = { documentsMax: 3, bytesMax: 1_000 };

function documentOf(id: string, fields: unknown): { id: string; json: string } {
  return { id, json: JSON.stringify(fields) };
}

function found(index: MiniSearchIndex, text: string): string[] {
  return index
    .search(text, 10)
    .map((hit) => hit.id)
    .sort();
}

describe('local index', () => {
  it('finds documents that have all words, the last also as a prefix, at any depth', () => {
    const index = new MiniSearchIndex(limits);
    index.put([
      documentOf('a', { title: 'A murmuration of starlings', tags: [{ name: 'birds' }, 42] }),
      documentOf('b', { title: 'A parliament of owls', deep: { deeper: { deepest: 'birds' } } }),
      documentOf('c', null),
    ]);
    expect(found(index, 'birds')).toEqual(['a', 'b']);
    expect(found(index, 'birds starl')).toEqual(['a']);
    expect(found(index, 'starl birds')).toEqual([]);
    expect(found(index, '42')).toEqual(['a']);
    // A field's name is no word of the document.
    expect(found(index, 'title')).toEqual([]);
    expect(found(index, '!!')).toEqual([]);
  });

  it('replaces and forgets', () => {
    const index = new MiniSearchIndex(limits);
    index.put([documentOf('a', { t: 'one' })]);
    index.put([documentOf('a', { t: 'two' })]);
    expect(index.size).toBe(1);
    expect(found(index, 'one')).toEqual([]);
    expect(found(index, 'two')).toEqual(['a']);
    expect(index.delete(['a', 'a', 'x'])).toBe(1);
    expect([index.size, index.bytes, found(index, 'two')]).toEqual([0, 0, []]);
  });

  it('stops at the first document that does not fit, by number or by bytes', () => {
    const index = new MiniSearchIndex(limits);
    expect(index.put(['a', 'b', 'c', 'd'].map((id) => documentOf(id, { id })))).toBe(3);
    expect(index.put([documentOf('a', { t: 'x'.repeat(2_000) })])).toBe(0);
    expect(index.put([documentOf('a', { t: 'still fits' })])).toBe(1);
    expect(index.size).toBe(3);
  });

  it('reads a document nested as deep as its bytes allow', () => {
    const index = new MiniSearchIndex({ documentsMax: 1, bytesMax: 1 << 20 });
    const json = `${'['.repeat(5_000)}"deep"${']'.repeat(5_000)}`;
    expect(index.put([{ id: 'a', json }])).toBe(1);
    expect(found(index, 'deep')).toEqual(['a']);
  });
});
