import { decodeAscending, encodeAscending } from './ascending.ts';
import { popCount } from './bits.ts';
import type { TermHash } from './term-hash.ts';

export const fingerprintWidthMin = 8;
export const fingerprintWidthMax = 32;

/** Buckets between two remembered positions: one word of memory for 64 buckets, at most five words read to find one. */
const bucketsPerSample = 64;
/** First byte of the serialised form. */
const form = 3;
const headBytes = 2;

/** What made one version of a peer's terms of another: fingerprints of 32 bits, ascending. */
export interface TermDelta {
  readonly added: Uint32Array;
  readonly removed: Uint32Array;
}

/**
 * The terms of one peer as fingerprints: the highest `width` bits of their hashes, ascending, packed as P. Elias (1974) and
 * R. Fano (1971) do: 2.3 bits a term beside the `width − log2(count)` that its low bits take. A term that is not there is
 * found with count ÷ 2^width: at 10.2 bits a term 0.48 %, half of what a Bloom filter of that size gives, and each
 * further bit halves it.
 *
 * Unlike a Bloom filter it knows its members: terms can be taken away, and a delta costs what changed. Folding it to
 * fewer bits keeps both of two fingerprints that become equal, so deltas go on to be exact. It never changes: `apply`
 * makes the next one.
 */
export class TermSet {
  readonly width: number;
  readonly count: number;
  readonly #bucketLog2: number;
  readonly #lowWidth: number;
  /** Where the bitmap of the high bits begins; the sampled positions are before it … */
  readonly #upperAt: number;
  /** … and the packed low bits behind it. */
  readonly #lowerAt: number;
  readonly #words: Uint32Array;

  /** `values` ascend and fit in `width` bits. */
  private constructor(values: Uint32Array, width: number) {
    this.width = width;
    this.count = values.length;
    this.#bucketLog2 = Math.min(width, Math.max(0, Math.floor(Math.log2(Math.max(1, values.length)))));
    this.#lowWidth = width - this.#bucketLog2;
    const buckets = 2 ** this.#bucketLog2;
    this.#upperAt = Math.ceil(buckets / bucketsPerSample);
    this.#lowerAt = this.#upperAt + Math.ceil((values.length + buckets) / 32);
    this.#words = new Uint32Array(this.#lowerAt + Math.ceil((values.length * this.#lowWidth) / 32));
    this.#fill(values, buckets);
  }

  static readonly empty: TermSet = new TermSet(new Uint32Array(0), fingerprintWidthMax);

  /** From fingerprints of 32 bits, ascending. */
  static of(fingerprints: Uint32Array, width: number = fingerprintWidthMax): TermSet {
    return new TermSet(shifted(fingerprints, fingerprintWidthMax - width), width);
  }

  /** Bytes of memory, the objects around the bits not counted. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** With which probability a term that is not there is found all the same. */
  get falsePositiveRate(): number {
    return 1 - Math.exp(-this.count / 2 ** this.width);
  }

  /** False: it is not there. True: it probably is. */
  has({ high }: TermHash): boolean {
    if (this.count === 0) return false;
    const value = this.width === 0 ? 0 : high >>> (fingerprintWidthMax - this.width);
    const bucket = this.#lowWidth >= 32 ? 0 : value >>> this.#lowWidth;
    const low = this.#lowWidth >= 32 ? value : value & ((1 << this.#lowWidth) - 1);
    let bit = this.#startOf(bucket);
    for (let index = bit - bucket; this.#isOne(bit); index++, bit++) {
      const other = this.#low(index);
      if (other === low >>> 0) return true;
      if (other > low >>> 0) return false;
    }
    return false;
  }

  hasAll(terms: readonly TermHash[]): boolean {
    for (const term of terms) if (!this.has(term)) return false;
    return true;
  }

  /** The fingerprints, of `width` bits, ascending. */
  values(): Uint32Array {
    const values = new Uint32Array(this.count);
    let bit = 0;
    for (let bucket = 0, index = 0; index < this.count; bucket++, bit++) {
      for (; this.#isOne(bit); bit++, index++) {
        values[index] = bucket * 2 ** this.#lowWidth + this.#low(index);
      }
    }
    return values;
  }

  /** The same terms in fewer bits; this one when it has no more. */
  foldTo(width: number): TermSet {
    const to = Math.max(fingerprintWidthMin, width);
    return to >= this.width ? this : new TermSet(shifted(this.values(), this.width - to), to);
  }

  /** The next version. What is removed and not there is ignored. */
  apply({ added, removed }: TermDelta): TermSet {
    const shift = fingerprintWidthMax - this.width;
    const kept = without(this.values(), shifted(removed, shift));
    return new TermSet(merged(kept, shifted(added, shift)), this.width);
  }

  toBytes(): Uint8Array {
    return serialised(this.values(), this.width);
  }

  /** What `toBytes` wrote. Null when it is malformed or has more than `countMax` terms. Never throws. */
  static parse(bytes: Uint8Array, countMax: number): TermSet | null {
    const width = bytes[1] ?? 0;
    if (bytes[0] !== form || width < fingerprintWidthMin || width > fingerprintWidthMax) return null;
    const values = decodeAscending(bytes.subarray(headBytes), width, countMax);
    return values === null ? null : new TermSet(values, width);
  }

  #fill(values: Uint32Array, buckets: number): void {
    const words = this.#words;
    let bucket = 0;
    words[0] = 0;
    const next = (index: number): void => {
      bucket++;
      if (bucket < buckets && bucket % bucketsPerSample === 0) words[bucket / bucketsPerSample] = index + bucket;
    };
    for (let index = 0; index < values.length; index++) {
      const value = values[index] as number;
      const own = this.#lowWidth >= 32 ? 0 : value >>> this.#lowWidth;
      while (bucket < own) next(index);
      const bit = index + bucket;
      const at = this.#upperAt + (bit >>> 5);
      words[at] = (words[at] as number) | (1 << (bit & 31));
      this.#setLow(index, value);
    }
    while (bucket < buckets - 1) next(values.length);
  }

  /** The bit where the ones of a bucket begin: behind the zero that ends the bucket before. */
  #startOf(bucket: number): number {
    let bit = this.#words[Math.floor(bucket / bucketsPerSample)] as number;
    let zeros = bucket % bucketsPerSample;
    if (zeros === 0) return bit;
    for (;;) {
      const word = ~(this.#words[this.#upperAt + (bit >>> 5)] as number) & (-1 << (bit & 31));
      const here = popCount(word);
      if (here >= zeros) return ((bit >>> 5) << 5) + nthOne(word, zeros) + 1;
      zeros -= here;
      bit = ((bit >>> 5) + 1) << 5;
    }
  }

  #isOne(bit: number): boolean {
    return ((this.#words[this.#upperAt + (bit >>> 5)] as number) & (1 << (bit & 31))) !== 0;
  }

  #low(index: number): number {
    const width = this.#lowWidth;
    if (width === 0) return 0;
    const bit = index * width;
    const at = this.#lowerAt + Math.floor(bit / 32);
    const offset = bit & 31;
    let value = (this.#words[at] as number) >>> offset;
    if (offset + width > 32) value |= (this.#words[at + 1] as number) << (32 - offset);
    return (width === 32 ? value : value & ((1 << width) - 1)) >>> 0;
  }

  #setLow(index: number, value: number): void {
    const width = this.#lowWidth;
    if (width === 0) return;
    const low = width === 32 ? value : value & ((1 << width) - 1);
    const bit = index * width;
    const at = this.#lowerAt + Math.floor(bit / 32);
    const offset = bit & 31;
    this.#words[at] = (this.#words[at] as number) | (low << offset);
    if (offset + width > 32) this.#words[at + 1] = (this.#words[at + 1] as number) | (low >>> (32 - offset));
  }
}

/** A set as it travels: fingerprints of `width` bits, ascending. */
export function serialised(values: Uint32Array, width: number): Uint8Array {
  const gaps = encodeAscending(values, width);
  const bytes = new Uint8Array(headBytes + gaps.length);
  bytes.set([form, width]);
  bytes.set(gaps, headBytes);
  return bytes;
}

/** The fingerprints of terms, of 32 bits, ascending, each once. */
export function fingerprintsOf(terms: Iterable<string>, hash: (term: string) => TermHash): Uint32Array {
  const all: number[] = [];
  for (const term of terms) all.push(hash(term).high);
  const sorted = Uint32Array.from(all).sort();
  let kept = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i > 0 && sorted[i] === sorted[i - 1]) continue;
    sorted[kept++] = sorted[i] as number;
  }
  return sorted.slice(0, kept);
}

/** What makes `newer` of `older`; both ascending. */
export function deltaBetween(older: Uint32Array, newer: Uint32Array): TermDelta {
  return { added: without(newer, older), removed: without(older, newer) };
}

/** `from` less one of each equal in `gone`; both ascending. */
export function without(from: Uint32Array, gone: Uint32Array): Uint32Array {
  const kept = new Uint32Array(from.length);
  let count = 0;
  let at = 0;
  for (const value of from) {
    while (at < gone.length && (gone[at] as number) < value) at++;
    if (at < gone.length && gone[at] === value) at++;
    else kept[count++] = value;
  }
  return kept.slice(0, count);
}

/** Both ascending, and so is what they make. */
export function merged(a: Uint32Array, b: Uint32Array): Uint32Array {
  const all = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < all.length; at++) {
    const fromA = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    all[at] = (fromA ? a[i++] : b[j++]) as number;
  }
  return all;
}

export function shifted(values: Uint32Array, by: number): Uint32Array {
  return by === 0 ? values : values.map((value) => value >>> by);
}

/** The position of the n-th one of a word, counted from 1. */
function nthOne(word: number, n: number): number {
  let rest = word;
  for (let i = 1; i < n; i++) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}
