import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAscending, encodeAscending } from './ascending.ts';
import { hashTerm } from './term-hash.ts';
import { deltaBetween, fingerprintsOf, TermSet } from './term-set.ts';

const terms = (count: number, prefix = 't') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const setOf = (words: readonly string[], width?: number) => TermSet.of(fingerprintsOf(words, hashTerm), width);
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Fingerprints, some of them crowded in one bucket. */
const fingerprints = fc
  .array(fc.oneof(uint32, fc.integer({ min: 2 ** 31, max: 2 ** 31 + 40 })), { maxLength: 300, size: 'max' })
  .map((list) => Uint32Array.from(new Set(list)).sort());
const width = fc.integer({ min: 8, max: 32 });

describe('a set of fingerprints', () => {
  it('holds exactly what was put in, whatever its width', () => {
    fc.assert(
      fc.property(fingerprints, width, fc.array(uint32, { maxLength: 40 }), (list, bits, others) => {
        const set = TermSet.of(list, bits);
        const expected = list.map((value) => value >>> (32 - bits));
        expect(set.values()).toEqual(expected);
        const members = new Set(expected);
        for (const high of [...list, ...others, 0, 2 ** 32 - 1]) {
          expect(set.has({ high, low: 0 })).toBe(members.has(high >>> (32 - bits)));
        }
      }),
    );
  });

  it('finds others as seldom as it says, in as few bits as it says', () => {
    const set = setOf(terms(10_000), 21);
    const found = terms(100_000, 'absent').filter((term) => set.has(hashTerm(term))).length / 100_000;
    expect(set.falsePositiveRate).toBeCloseTo(0.00476, 4);
    expect(found).toBeGreaterThan(0.004);
    expect(found).toBeLessThan(0.0056);
    for (const width of [8, 14, 21, 32]) {
      const wide = setOf(terms(10_000), width);
      expect(terms(10_000).filter((term) => !wide.has(hashTerm(term)))).toEqual([]);
    }
    expect((set.bytes * 8) / 10_000).toBeLessThan(10.3);
    expect((set.toBytes().length * 8) / 10_000).toBeLessThan(9.4);
  });

  it('is the same set after bytes, folds and deltas in any order', () => {
    fc.assert(
      fc.property(fingerprints, fingerprints, width, width, (before, after, first, second) => {
        const delta = deltaBetween(before, after);
        const folded = TermSet.of(after, Math.min(first, second)).values();
        expect(TermSet.of(before, first).apply(delta).foldTo(second).values()).toEqual(folded);
        expect(TermSet.of(before, first).foldTo(second).apply(delta).values()).toEqual(folded);
        const parsed = TermSet.parse(TermSet.of(after, first).toBytes(), 300);
        expect([parsed?.width, parsed?.values()]).toEqual([first, TermSet.of(after, first).values()]);
      }),
    );
  });

  it('refuses bytes that are no set or too large a one, and never throws', () => {
    const good = setOf(terms(50)).toBytes();
    expect(TermSet.parse(good, 49)).toBeNull();
    expect(TermSet.parse(good.subarray(0, good.length - 1), 50)).toBeNull();
    expect(TermSet.parse(Uint8Array.from([...good, 0]), 50)).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), width, (noise, bits) => {
        const set = TermSet.parse(Uint8Array.from([3, bits, ...noise]), 1_000);
        if (set === null) return;
        expect(TermSet.parse(set.toBytes(), 1_000)?.values()).toEqual(set.values());
      }),
    );
  });

  it('of nothing holds nothing', () => {
    expect([TermSet.empty.count, TermSet.empty.has({ high: 0, low: 0 }), TermSet.empty.values().length]).toEqual([
      0,
      false,
      0,
    ]);
    expect(TermSet.empty.apply({ added: Uint32Array.of(7, 2 ** 32 - 1), removed: new Uint32Array() }).values()).toEqual(
      Uint32Array.of(7, 2 ** 32 - 1),
    );
  });
});

describe('ascending numbers', () => {
  it('come back, equal neighbours too, and take close to the least possible', () => {
    fc.assert(
      fc.property(fc.array(uint32, { maxLength: 200 }), (list) => {
        const values = Uint32Array.from(list).sort();
        expect(decodeAscending(encodeAscending(values, 32), 32, 200)).toEqual(values);
      }),
    );
    const random = fingerprintsOf(terms(50_000), hashTerm);
    const bits = (encodeAscending(random, 32).length * 8) / random.length;
    expect(bits).toBeLessThan(Math.log2(2 ** 32 / random.length) + 1.44 + 0.1);
  });

  it('that do not fit in their universe are refused', () => {
    const bytes = encodeAscending(Uint32Array.of(1, 255, 256), 9);
    expect(decodeAscending(bytes, 9, 3)).toEqual(Uint32Array.of(1, 255, 256));
    expect(decodeAscending(bytes, 8, 3)).toBeNull();
  });
});
