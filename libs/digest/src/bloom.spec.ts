import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bloom } from './bloom.ts';
import { hashTerm } from './term-hash.ts';

const terms = (count: number, prefix = 't') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const bloomOf = (words: readonly string[], sizeLog2 = Bloom.sizeFor(words.length), hashes?: number) =>
  Bloom.of(words, hashTerm, sizeLog2, hashes);
const falseShare = (bloom: Bloom) =>
  terms(20_000, 'absent').filter((term) => bloom.has(hashTerm(term))).length / 20_000;
const words = fc.array(fc.string({ maxLength: 8 }), { maxLength: 60 });

describe('a Bloom filter', () => {
  it('finds what was added, and little else: as theory says', () => {
    for (const hashes of [1, 5, 7]) {
      const bloom = bloomOf(terms(3_277), 15, hashes);
      expect(terms(3_277).every((term) => bloom.has(hashTerm(term)))).toBe(true);
      const expected = (1 - Math.exp((-hashes * 3_277) / 2 ** 15)) ** hashes;
      expect(falseShare(bloom)).toBeGreaterThan(expected * 0.7);
      expect(falseShare(bloom)).toBeLessThan(expected * 1.3);
      expect(bloom.falsePositiveRate).toBeCloseTo(expected, 2);
    }
  });

  it('has room for every term: ten bits at least', () => {
    expect([0, 1, 6, 7, 1_000, 6_554, 10_000].map((count) => Bloom.sizeFor(count))).toEqual([6, 6, 6, 7, 14, 17, 17]);
    expect(Bloom.sizeFor(1e9)).toBe(24);
  });

  it('estimates how many terms were added', () => {
    for (const count of [0, 100, 3_000, 20_000]) {
      const estimate = bloomOf(terms(count), 15).cardinality;
      expect(Math.abs(estimate - count)).toBeLessThanOrEqual(0.03 * count);
    }
    const full = bloomOf(terms(5_000), 6);
    expect([full.fillRatio, full.cardinality]).toEqual([1, Number.POSITIVE_INFINITY]);
  });

  it('knows how full it is, and whether it is empty, after every change', () => {
    fc.assert(
      fc.property(words, words, fc.integer({ min: 6, max: 12 }), (a, b, size) => {
        const whole = bloomOf([...a, ...b], size).fillRatio;
        const bloom = bloomOf(a, size);
        expect(bloom.isEmpty).toBe(a.length === 0);
        for (const term of b) bloom.add(hashTerm(term));
        expect(bloom.fillRatio).toBe(whole);
        expect(bloom.isEmpty).toBe(whole === 0);
        expect([bloom.clone(), bloom.union(bloomOf(b, size))].map(({ fillRatio }) => fillRatio)).toEqual([
          whole,
          whole,
        ]);
      }),
    );
    const [one, other] = [bloomOf(['t1'], 12), bloomOf(['t2'], 12)];
    expect(one.fillRatio).toBe(other.fillRatio);
    expect(one.equals(other)).toBe(false);
    expect(one.xor(other)?.fillRatio).toBe(2 * one.fillRatio);
    expect(one.xor(one)?.isEmpty).toBe(true);
  });

  it('folded and united still finds everything', () => {
    fc.assert(
      fc.property(words, words, fc.integer({ min: 6, max: 12 }), fc.integer({ min: 6, max: 12 }), (a, b, m, n) => {
        const united = bloomOf(a, m, 3).union(bloomOf(b, n, 5));
        expect(united.sizeLog2).toBe(Math.min(m, n));
        for (const term of [...a, ...b]) expect(united.has(hashTerm(term))).toBe(true);
        // A union of equals is the filter of all terms.
        if (m === n)
          expect(
            bloomOf(a, m)
              .union(bloomOf(b, m))
              .equals(bloomOf([...a, ...b], m)),
          ).toBe(true);
        expect(bloomOf(a, m).foldTo(6).equals(bloomOf(a, 6))).toBe(true);
      }),
    );
  });

  it('comes back from its bytes, which are few when it is sparse', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 6, max: 14 }), fc.integer({ min: 1, max: 16 }), (list, size, hashes) => {
        const bloom = bloomOf(list, size, hashes);
        const bytes = bloom.toBytes();
        expect(bytes.length).toBeLessThanOrEqual(bloom.bytes + 3);
        expect(Bloom.parse(bytes)?.equals(bloom)).toBe(true);
      }),
    );
    // 500 bits of 131,072 cost at least log2(262) + 1.44 bits each.
    expect(bloomOf(terms(100), 17).toBytes().length).toBeLessThan((500 * 10.2) / 8);
    expect(bloomOf([], 17).toBytes().length).toBeLessThan(10);
  });

  it('is brought up to date by the bits that changed', () => {
    fc.assert(
      fc.property(words, words, (before, after) => {
        const [older, newer] = [bloomOf(before, 12), bloomOf(after, 12)];
        const delta = Bloom.parse(older.xor(newer)?.toBytes() as Uint8Array) as Bloom;
        expect(older.xor(delta)?.equals(newer)).toBe(true);
      }),
    );
    expect(bloomOf(['a'], 12).xor(bloomOf(['a'], 11))).toBeNull();
    expect(bloomOf(['a'], 12, 3).xor(bloomOf(['a'], 12, 4))).toBeNull();
  });

  it('refuses bytes that are no filter, and never throws', () => {
    const good = bloomOf(terms(50), 12).toBytes();
    expect(Bloom.parse(good, 11)).toBeNull();
    expect(Bloom.parse(good.subarray(0, good.length - 1))).toBeNull();
    expect(Bloom.parse(new Uint8Array())).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 3 }), (noise, form) => {
        const bytes = Uint8Array.from([form, ...noise]);
        const bloom = Bloom.parse(bytes, 12);
        if (bloom !== null) expect(bloom.sizeLog2).toBeLessThanOrEqual(12);
      }),
    );
  });
});

describe('the hash of a term', () => {
  it('spreads: no two of 200,000 terms have the same 64 bits, and every bit is one half the time', () => {
    const hashes = ['', 'x', '木'].flatMap((prefix) => terms(66_667, prefix)).map(hashTerm);
    expect(new Set(hashes.map(({ high, low }) => high * 2 ** 21 + (low >>> 11))).size).toBe(hashes.length);
    const ones = new Uint32Array(64);
    for (const { high, low } of hashes) {
      for (let bit = 0; bit < 32; bit++) {
        ones[bit] = (ones[bit] as number) + ((high >>> bit) & 1);
        ones[bit + 32] = (ones[bit + 32] as number) + ((low >>> bit) & 1);
      }
    }
    for (const count of ones) expect(Math.abs(count / hashes.length - 0.5)).toBeLessThan(0.006);
  });

  it('is the same for ever: peers of different versions compare it', () => {
    expect(hashTerm('')).toMatchInlineSnapshot(`
      {
        "high": 619852860,
        "low": 3652688528,
      }
    `);
    expect(hashTerm('starling')).toMatchInlineSnapshot(`
      {
        "high": 1613933393,
        "low": 1005328651,
      }
    `);
    expect(hashTerm('murmuration é 木')).toMatchInlineSnapshot(`
      {
        "high": 2909231141,
        "low": 3346231066,
      }
    `);
  });
});
