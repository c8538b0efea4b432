import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dictionary, scattered } from './dictionary.ts';
import { NumberSet } from './number-set.ts';
import { SharedTermSet } from './shared-term-set.ts';
import { TermSet } from './term-set.ts';

const none = new Uint32Array(0);
const salt = 0x5eed;
const term = (high: number) => ({ high, low: 0 });
/** So few that peers have many in common, and some beyond. */
const fingerprint = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => Math.imul(n, 0x9e3779b1) >>> 0),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);
const fingerprints = fc.array(fingerprint, { maxLength: 40 }).map((list) => Uint32Array.from(new Set(list)).sort());

/** Terms of one peer as texts have them: the n-th most frequent word with a chance of about 1 ÷ n, times `mass`. */
function words(peer: number, mass: number, vocabulary: number): Uint32Array {
  let state = Math.imul(peer + 1, 0x2545f491) >>> 0;
  const found: number[] = [];
  for (let rank = 1; rank <= vocabulary; rank++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    if (state / 2 ** 32 < 1 - Math.exp(-mass / rank)) found.push(Math.imul(rank, 0x9e3779b1) >>> 0);
  }
  return Uint32Array.from(found).sort();
}

describe('a set of numbers', () => {
  it('holds exactly what was put in, dense or not', () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 2 ** 31 }));
    fc.assert(
      fc.property(fc.array(number, { maxLength: 500, size: 'max' }), fc.array(number), (list, others) => {
        const numbers = Uint32Array.from(new Set(list)).sort();
        const set = new NumberSet(numbers);
        expect([set.count, set.values()]).toEqual([numbers.length, numbers]);
        const members = new Set(numbers);
        for (const other of [...others, ...numbers]) expect(set.has(other)).toBe(members.has(other));
      }),
    );
  });

  it('takes little more than a bit for each of those that lie side by side', () => {
    const dense = new NumberSet(Uint32Array.from({ length: 10_000 }, (_, i) => i));
    expect((8 * dense.bytes) / dense.count).toBeLessThan(1.6);
  });
});

describe('a dictionary', () => {
  it('has no place that terms can be chosen for by who does not know its salt', () => {
    const places = 1_024;
    const chosen = Array.from({ length: 1_000_000 }, (_, i) => i).filter((i) => scattered(i, 1) % places === 0);
    expect(new Set(chosen.map((i) => scattered(i, 1) % places)).size).toBe(1);
    // About 600 places are hit by as many at random.
    for (const other of [0, 2, 3, salt]) {
      expect(new Set(chosen.map((i) => scattered(i, other) % places)).size).toBeGreaterThan(500);
    }
  });

  it('numbers a term when a second peer has it, and no sooner', () => {
    const dictionary = new Dictionary(10, salt);
    expect(dictionary.split(Uint32Array.of(5, 7), true)).toEqual({ numbers: none, others: Uint32Array.of(5, 7) });
    expect(dictionary.split(Uint32Array.of(7, 9), true)).toEqual({
      numbers: Uint32Array.of(0),
      others: Uint32Array.of(9),
    });
    expect([dictionary.numberOf(7), dictionary.fingerprintOf(0), dictionary.numberOf(5)]).toEqual([0, 7, -1]);
    dictionary.split(Uint32Array.of(5), false);
    expect(dictionary.count).toBe(1);
  });

  it('hardly ever takes a term of one peer for one of several', () => {
    const dictionary = new Dictionary(12, salt);
    for (let peer = 0; peer < 100; peer++) {
      dictionary.split(
        Uint32Array.from({ length: 500 }, (_, i) => Math.imul(500 * peer + i + 1, 0x85ebca6b) >>> 0).sort(),
        true,
      );
    }
    expect(dictionary.count).toBeLessThan(0.003 * 50_000);
  });

  it('has no more numbers than it was made for', () => {
    const dictionary = new Dictionary(10, salt);
    for (let n = 0; n < 3_000; n++) dictionary.add(Math.imul(n, 0x9e3779b1) >>> 0);
    expect([dictionary.count, dictionary.numberOf(Math.imul(2_999, 0x9e3779b1) >>> 0)]).toEqual([1_024, -1]);
  });
});

describe('a set of terms beside those of others', () => {
  const width = fc.integer({ min: 8, max: 32 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('delta' as const), added: fingerprints, removed: fingerprints }),
    fc.record({ kind: fc.constant('fold' as const), width }),
    fc.record({ kind: fc.constant('pack' as const) }),
    fc.record({ kind: fc.constant('learn' as const), fingerprints }),
  );

  it('is the set that it would be alone, whatever happens to it and whatever others have', () => {
    fc.assert(
      fc.property(
        fc.array(fingerprints, { maxLength: 4 }),
        fingerprints,
        fc.array(step, { maxLength: 12 }),
        (others, own, steps) => {
          const dictionary = new Dictionary(10, salt);
          for (const other of others) dictionary.split(other, true);
          let shared = SharedTermSet.of(dictionary, own);
          let alone = TermSet.of(own);
          for (const action of steps) {
            if (action.kind === 'learn') dictionary.split(action.fingerprints, true);
            else if (action.kind === 'pack') shared = shared.packed();
            else {
              shared = action.kind === 'fold' ? shared.foldTo(action.width) : shared.apply(action);
              alone = action.kind === 'fold' ? alone.foldTo(action.width) : alone.apply(action);
            }
            expect([shared.width, shared.count]).toEqual([alone.width, alone.count]);
            expect(shared.values()).toEqual(alone.values());
            expect(shared.toBytes()).toEqual(alone.toBytes());
          }
          for (const high of [...own, ...others.flatMap((list) => [...list])]) {
            // It may know better than the other, never worse.
            if (!alone.has(term(high))) expect(shared.has(term(high))).toBe(false);
            if (alone.width === 32) expect(shared.has(term(high))).toBe(alone.has(term(high)));
          }
        },
      ),
    );
  });

  it('comes back from what it sends when it is folded, with its common terms exact', () => {
    fc.assert(
      fc.property(fingerprints, fingerprints, width, (own, other, bits) => {
        const dictionary = new Dictionary(10, salt);
        dictionary.split(other, true);
        const sent = SharedTermSet.of(dictionary, own).foldTo(bits);
        const terms = TermSet.parse(sent.toBytes(), 1_000) as TermSet;
        const back = SharedTermSet.ofFolded(new Dictionary(10, salt), terms, TermSet.of(sent.exact()));
        expect([back.values(), back.exact()]).toEqual([sent.values(), sent.exact()]);
        const lie = SharedTermSet.ofFolded(
          new Dictionary(10, salt),
          terms,
          TermSet.of(Uint32Array.of(1, ...sent.exact())),
        );
        expect(lie.values()).toEqual(sent.values());
      }),
    );
  });

  it('takes less than half where texts are alike, all of it exact', () => {
    const dictionary = new Dictionary(14, salt);
    const peers = Array.from({ length: 150 }, (_, peer) => words(peer, 300, 40_000));
    const sets = peers.map((own) => SharedTermSet.of(dictionary, own));
    const bits = (list: readonly { readonly bytes: number; readonly count: number }[]): number =>
      (8 * list.reduce((sum, set) => sum + set.bytes, 0)) / list.reduce((sum, set) => sum + set.count, 0);
    const alone = bits(peers.map((own) => TermSet.of(own)));
    expect(bits(sets.slice(100).map((set) => set.packed()))).toBeLessThan(0.6 * alone);
    for (const [at, own] of peers.entries()) expect(own.every((high) => sets[at]?.has(term(high)))).toBe(true);
  });
});
