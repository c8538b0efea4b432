import { decodeAscending, encodeAscending } from './ascending.ts';
import { popCount } from './bits.ts';
import type { TermHash } from './term-hash.ts';

/** 2^6 … 2^24 bits: 8 bytes to 2 MiB. */
export const bloomSizeLog2Min = 6;
export const bloomSizeLog2Max = 24;
/** With ten bits per term five bits set give 0.94 % false answers, the best (seven) 0.82 %: fewer memory reads, and a union fills slower. */
const hashesDefault = 5;
const hashesMax = 16;

/** First byte of the serialised form. */
const formRaw = 1;
const formSparse = 2;
const headBytes = 3;

/**
 * A Bloom filter (B. Bloom, 1970) whose size is a power of two, so that one can be folded to half its size and two of
 * different sizes can be united. The positions of a term are `low + i × (high | 1)` modulo the size (A. Kirsch and
 * M. Mitzenmacher, "Less hashing, same performance", 2006): those of a folded or less hashed filter are among them.
 */
export class Bloom {
  readonly sizeLog2: number;
  /** Bits set per term. */
  readonly hashes: number;
  readonly #words: Uint32Array;
  /** Null: nobody asked yet. Only `add` changes a filter once it is made. */
  #isEmpty: boolean | null = null;

  /** Throws when the sizes are out of range: they are our own, `parse` judges foreign ones. */
  constructor(sizeLog2: number, hashes: number = hashesDefault) {
    if (!isSizeLog2(sizeLog2) || !isHashes(hashes)) throw new RangeError(`no Bloom filter of 2^${sizeLog2}, ${hashes}`);
    this.sizeLog2 = sizeLog2;
    this.hashes = hashes;
    this.#words = new Uint32Array(2 ** (sizeLog2 - 5));
  }

  /** The smallest size that gives every one of `terms` so many bits. */
  static sizeFor(terms: number, bitsPerTerm = 10): number {
    const exact = Math.ceil(Math.log2(Math.max(1, terms * bitsPerTerm)));
    return Math.min(bloomSizeLog2Max, Math.max(bloomSizeLog2Min, exact));
  }

  static of(terms: Iterable<string>, hash: (term: string) => TermHash, sizeLog2: number, hashes?: number): Bloom {
    const bloom = new Bloom(sizeLog2, hashes);
    for (const term of terms) bloom.add(hash(term));
    return bloom;
  }

  /** Bytes of memory for the bits. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  get isEmpty(): boolean {
    this.#isEmpty ??= this.#words.every((word) => word === 0);
    return this.#isEmpty;
  }

  /** Share of bits that are set: a term that was never added is found with `fillRatio ** hashes`. */
  get fillRatio(): number {
    return this.#ones() / 2 ** this.sizeLog2;
  }

  get falsePositiveRate(): number {
    return this.fillRatio ** this.hashes;
  }

  /** An estimate of how many terms were added (S. Swamidass and P. Baldi, 2007); Infinity when every bit is set. */
  get cardinality(): number {
    return (-(2 ** this.sizeLog2) / this.hashes) * Math.log1p(-this.fillRatio);
  }

  add({ high, low }: TermHash): void {
    this.#isEmpty = false;
    const mask = 2 ** this.sizeLog2 - 1;
    const step = high | 1;
    let position = low;
    for (let i = 0; i < this.hashes; i++) {
      const bit = position & mask;
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] as number) | (1 << (bit & 31));
      position = (position + step) | 0;
    }
  }

  /** False: it was never added. True: it probably was. */
  has({ high, low }: TermHash): boolean {
    const mask = 2 ** this.sizeLog2 - 1;
    const step = high | 1;
    let position = low;
    for (let i = 0; i < this.hashes; i++) {
      const bit = position & mask;
      if (((this.#words[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
      position = (position + step) | 0;
    }
    return true;
  }

  hasAll(terms: readonly TermHash[]): boolean {
    return terms.every((term) => this.has(term));
  }

  clone(): Bloom {
    const copy = new Bloom(this.sizeLog2, this.hashes);
    copy.#words.set(this.#words);
    return copy;
  }

  /** The same terms in a filter of that size; this one when it is not larger. Halves lie over each other: it gets fuller. */
  foldTo(sizeLog2: number): Bloom {
    if (sizeLog2 >= this.sizeLog2) return this;
    const folded = new Bloom(sizeLog2, this.hashes);
    const mask = folded.#words.length - 1;
    for (let i = 0; i < this.#words.length; i++) {
      folded.#words[i & mask] = (folded.#words[i & mask] as number) | (this.#words[i] as number);
    }
    return folded;
  }

  /**
   * A filter of what is in either: of the smaller size and the fewer hashes, so that neither is misread. It may be one of the two: where few peers
   * have documents nearly all are empty.
   */
  union(other: Bloom): Bloom {
    if (this.isLike(other)) {
      if (other.isEmpty) return this;
      if (this.isEmpty) return other;
    }
    const sizeLog2 = Math.min(this.sizeLog2, other.sizeLog2);
    const united = new Bloom(sizeLog2, Math.min(this.hashes, other.hashes));
    united.#words.set(this.foldTo(sizeLog2).#words);
    const theirs = other.foldTo(sizeLog2).#words;
    for (let i = 0; i < theirs.length; i++) united.#words[i] = (united.#words[i] as number) | (theirs[i] as number);
    return united;
  }

  equals(other: Bloom): boolean {
    if (!this.isLike(other)) return false;
    if (this.isEmpty && other.isEmpty) return true;
    for (let i = 0; i < this.#words.length; i++) if (this.#words[i] !== other.#words[i]) return false;
    return true;
  }

  /** Same size and hashes: a delta between the two exists. */
  isLike(other: Bloom): boolean {
    return this.sizeLog2 === other.sizeLog2 && this.hashes === other.hashes;
  }

  /**
   * The bits in which two versions differ, as a filter of their kind: `toBytes` of it is the delta to send, and the same
   * call makes either version of the other. Null when they are not of one kind.
   */
  xor(other: Bloom): Bloom | null {
    if (!this.isLike(other)) return null;
    const difference = new Bloom(this.sizeLog2, this.hashes);
    for (let i = 0; i < this.#words.length; i++) {
      difference.#words[i] = (this.#words[i] as number) ^ (other.#words[i] as number);
    }
    return difference;
  }

  /** The shorter of the bits as they are and the gaps between the set ones: sparse filters and deltas take few bytes. */
  toBytes(): Uint8Array {
    const words = this.#words;
    const ones = this.#ones();
    // The coded form is shorter up to a fill ratio of about 0.28; when it cannot be, do not try.
    if (ones * 3 < 2 ** this.sizeLog2) {
      const positions = new Uint32Array(ones);
      let at = 0;
      for (let i = 0; i < words.length; i++) {
        for (let word = words[i] as number; word !== 0; word &= word - 1) {
          positions[at++] = i * 32 + 31 - Math.clz32(word & -word);
        }
      }
      const gaps = encodeAscending(positions, this.sizeLog2);
      if (gaps.length < this.bytes) return this.#withHead(formSparse, gaps);
    }
    const raw = new Uint8Array(this.bytes);
    const view = new DataView(raw.buffer);
    for (let i = 0; i < words.length; i++) view.setUint32(i * 4, words[i] as number, true);
    return this.#withHead(formRaw, raw);
  }

  /** What `toBytes` wrote. Null when it is malformed or larger than 2^`sizeLog2Max` bits. Never throws. */
  static parse(bytes: Uint8Array, sizeLog2Max: number = bloomSizeLog2Max): Bloom | null {
    const [form, sizeLog2, hashes] = bytes;
    if (sizeLog2 === undefined || !isSizeLog2(sizeLog2) || sizeLog2 > sizeLog2Max) return null;
    if (hashes === undefined || !isHashes(hashes)) return null;
    const rest = bytes.subarray(headBytes);
    if (form === formRaw) {
      if (rest.length !== 2 ** (sizeLog2 - 3)) return null;
      const bloom = new Bloom(sizeLog2, hashes);
      const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
      for (let i = 0; i < bloom.#words.length; i++) bloom.#words[i] = view.getUint32(i * 4, true);
      return bloom;
    }
    if (form !== formSparse) return null;
    const positions = decodeAscending(rest, sizeLog2, 2 ** sizeLog2);
    if (positions === null) return null;
    const bloom = new Bloom(sizeLog2, hashes);
    for (const bit of positions) bloom.#words[bit >>> 5] = (bloom.#words[bit >>> 5] as number) | (1 << (bit & 31));
    return bloom;
  }

  #ones(): number {
    let ones = 0;
    for (const word of this.#words) ones += popCount(word);
    return ones;
  }

  #withHead(form: number, body: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(headBytes + body.length);
    bytes.set([form, this.sizeLog2, this.hashes]);
    bytes.set(body, headBytes);
    return bytes;
  }
}

function isSizeLog2(value: number): boolean {
  return Number.isInteger(value) && value >= bloomSizeLog2Min && value <= bloomSizeLog2Max;
}

function isHashes(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= hashesMax;
}
