import { SharedTermSet, TermSet } from '@starling/digest';
import { Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { SummaryTable } from './summary-table.ts';

const kib = 1_024;
const term = (high: number) => ({ high, low: 0 });
const hash = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 0;

/** Of each peer the words that texts would give it: the n-th with a chance of about 1 ÷ n, times `mass`. */
function text(peer: number, mass = 400, vocabulary = 12_000): Uint32Array {
  let state = Math.imul(peer + 1, 0x2545f491) >>> 0;
  const found: number[] = [];
  for (let rank = 1; rank <= vocabulary; rank++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    if (state / 2 ** 32 < 1 - Math.exp(-mass / rank)) found.push(hash(rank));
  }
  return Uint32Array.from(found).sort();
}

/** As many words as a text, no two peers with one in common. */
function own(peer: number): Uint32Array {
  return Uint32Array.from({ length: 1_700 }, (_, i) => hash(1_000_000 + 1_700 * peer + i)).sort();
}

function summary(terms: TermSet, version = 1) {
  return { version, terms, documents: 1, words: 1, mayHold: false };
}

function filled(peers: number, bytesMax: number, words: (peer: number) => Uint32Array): SummaryTable {
  const table = new SummaryTable(bytesMax, 1, new Rng(1));
  for (let peer = 0; peer < peers; peer++) expect(table.put(`${peer}`, summary(TermSet.of(words(peer))))).toBe(true);
  return table;
}

/** Of words that nobody has, the mean number of peers that are taken for having one. */
function inVain(table: SummaryTable): number {
  const absent = Array.from({ length: 200 }, (_, i) => hash(900_000_000 + i));
  return absent.reduce((sum, high) => sum + table.holders([[term(high)]]).length, 0) / absent.length;
}

describe('summaries of peers that have much in common', () => {
  it('are exact in two thirds of the memory that each alone would take', () => {
    const peers = 250;
    const alone = Array.from({ length: peers }, (_, peer) => TermSet.of(text(peer)).bytes).reduce((a, b) => a + b);
    const table = filled(peers, alone * 0.65, text);
    expect(table.numbered).toBeGreaterThan(1_000);
    expect(table.bytes).toBeLessThanOrEqual(alone * 0.65);
    expect(inVain(table)).toBeLessThan(0.02);
    const held = new Set(table.holders([[term(hash(700))]]));
    for (let peer = 0; peer < peers; peer++) expect(held.has(`${peer}`)).toBe(text(peer).includes(hash(700)));
  });

  it('count their bytes as what they hold, whatever is put, replaced or gone', () => {
    const table = filled(250, 700 * kib, text);
    const dictionaryBytes = 14 * 2 ** 11;
    for (let peer = 0; peer < 250; peer += 2) table.put(`${peer}`, summary(TermSet.of(text(peer + 1_000)), 2));
    for (let peer = 0; peer < 250; peer += 3) table.delete(`${peer}`);
    const terms = table.summaries().reduce((sum, { terms: { bytes } }) => sum + bytes + 500, 0);
    expect(table.bytes - terms).toBe(dictionaryBytes);
    expect(table.summaries().some(({ terms: set }) => set instanceof SharedTermSet)).toBe(true);
    for (const id of [...table.ids()]) table.delete(id);
    expect(table.bytes).toBe(dictionaryBytes);
    table.clear();
    expect([table.bytes, table.numbered]).toEqual([0, 0]);
  });

  it('cost nothing where memory is plenty', () => {
    const table = filled(20, 1_024 * kib, text);
    expect(table.numbered).toBe(0);
    expect(table.summaries().every(({ terms: set }) => set instanceof TermSet)).toBe(true);
  });
});

describe('summaries of peers that have nothing in common', () => {
  it('are as exact as fingerprints are in what numbers leave of the memory', () => {
    const table = filled(250, 800 * kib, own);
    // No dictionary takes a part of it: it was given up when it had been no use.
    expect(table.numbered).toBe(0);
    expect(table.bytes).toBe(table.summaries().reduce((sum, { terms: { bytes } }) => sum + bytes + 500, 0));
    expect(table.width).toBeGreaterThanOrEqual(19);
    for (let peer = 0; peer < 250; peer += 10) {
      for (const high of own(peer).slice(0, 20)) expect(table.holders([[term(high)]])).toContain(`${peer}`);
    }
  });
});
