import type { Dictionary, SplitTerms } from './dictionary.ts';
import { NumberSet } from './number-set.ts';
import type { TermHash } from './term-hash.ts';
import { fingerprintWidthMax, merged, serialised, shifted, type TermDelta, TermSet, without } from './term-set.ts';

const none = new Uint32Array(0);
/** What the objects around one take more than those around a `TermSet`. (measured: `node libs/core/summaries/bench.ts`) */
const objectBytes = 470;

/**
 * The terms of one peer beside those of others: what several peers have is kept by its number in a dictionary that they share, exactly, in
 * some five bits a term where texts are alike; the others by their fingerprints, as a `TermSet` does. It never changes, but for the
 * dictionary's learning more.
 */
export class SharedTermSet {
  readonly #dictionary: Dictionary;
  readonly #common: NumberSet;
  readonly #others: TermSet;

  private constructor(dictionary: Dictionary, common: NumberSet, others: TermSet) {
    this.#dictionary = dictionary;
    this.#common = common;
    this.#others = others;
  }

  /** From fingerprints of 32 bits, ascending. `isNews`: they were not seen of this peer before. */
  static of(dictionary: Dictionary, fingerprints: Uint32Array, isNews = true): SharedTermSet {
    return SharedTermSet.#with(dictionary, none, dictionary.split(fingerprints, isNews), TermSet.empty);
  }

  /**
   * From a set that was folded, and those of its terms that are known exactly. They need not be seen twice: who says so knows that
   * several have them.
   */
  static ofFolded(dictionary: Dictionary, terms: TermSet, exact: TermSet): SharedTermSet {
    const fingerprints = exact.values();
    for (const fingerprint of fingerprints) dictionary.add(fingerprint);
    const { numbers } = dictionary.split(fingerprints, false);
    const others = terms.apply({ added: none, removed: fingerprintsOfNumbers(numbers, dictionary) });
    // What is said to be known and is not among the terms is not there.
    if (others.count + numbers.length > terms.count) return new SharedTermSet(dictionary, new NumberSet(none), terms);
    return new SharedTermSet(dictionary, new NumberSet(numbers), others);
  }

  /** Adds terms. What is there already keeps its second place among the others. */
  static #with(dictionary: Dictionary, common: Uint32Array, added: SplitTerms, others: TermSet): SharedTermSet {
    const fresh = without(added.numbers, common);
    const again = fingerprintsOfNumbers(without(added.numbers, fresh), dictionary);
    const more = others.apply({ added: merged(added.others, again), removed: none });
    return new SharedTermSet(dictionary, new NumberSet(merged(common, fresh)), more);
  }

  /** Of the fingerprints of terms that have no number. */
  get width(): number {
    return this.#others.width;
  }

  get count(): number {
    return this.#common.count + this.#others.count;
  }

  /** Of these how many are kept exactly, by their number. */
  get commonCount(): number {
    return this.#common.count;
  }

  get bytes(): number {
    return this.#common.bytes + this.#others.bytes + objectBytes;
  }

  /** With which probability a term that is not there is found all the same. */
  get falsePositiveRate(): number {
    return this.#others.falsePositiveRate;
  }

  has(term: TermHash): boolean {
    const number = this.#dictionary.numberOf(term.high);
    return (number >= 0 && this.#common.has(number)) || this.#others.has(term);
  }

  hasAll(terms: readonly TermHash[]): boolean {
    for (const term of terms) if (!this.has(term)) return false;
    return true;
  }

  /** The fingerprints, of `width` bits, ascending. */
  values(): Uint32Array {
    return merged(shifted(this.exact(), fingerprintWidthMax - this.width), this.#others.values());
  }

  /** The fingerprints, of 32 bits, of the terms that are kept by number; ascending. */
  exact(): Uint32Array {
    return fingerprintsOfNumbers(this.#common.values(), this.#dictionary);
  }

  foldTo(width: number): SharedTermSet {
    const others = this.#others.foldTo(width);
    return others === this.#others ? this : new SharedTermSet(this.#dictionary, this.#common, others);
  }

  /** The same with the numbers that terms have got since. */
  packed(): SharedTermSet {
    if (this.width < fingerprintWidthMax || this.#others.count === 0) return this;
    const split = this.#dictionary.split(this.#others.values(), false);
    if (split.numbers.length === 0) return this;
    return SharedTermSet.#with(this.#dictionary, this.#common.values(), split, TermSet.empty);
  }

  /** The next version. What is removed and not there is ignored. */
  apply({ added, removed }: TermDelta): SharedTermSet {
    const before = this.exact();
    const kept = without(before, removed);
    const taken = without(before, kept);
    const others = this.#others.apply({ added: none, removed: without(removed, taken) });
    const common = without(this.#common.values(), this.#numbersOf(taken));
    return SharedTermSet.#with(this.#dictionary, common, this.#dictionary.split(added, true), others);
  }

  toBytes(): Uint8Array {
    return serialised(this.values(), this.width);
  }

  #numbersOf(fingerprints: Uint32Array): Uint32Array {
    return fingerprints.map((fingerprint) => this.#dictionary.numberOf(fingerprint)).sort();
  }
}

function fingerprintsOfNumbers(numbers: Uint32Array, dictionary: Dictionary): Uint32Array {
  return numbers.map((number) => dictionary.fingerprintOf(number)).sort();
}
