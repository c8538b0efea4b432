const emptySlot = 0;
/** Slots per number: looking one up takes one or two looks. */
const slotsPerNumber = 2;
/** Bits and probes per term of the filter that remembers what was seen once: 0.2 % are mistaken when it is full. */
const seenBitsPerNumber = 16;
const seenProbes = 4;

/** Terms of one peer: those that have numbers, and the fingerprints of the others; both ascend. */
export interface SplitTerms {
  readonly numbers: Uint32Array;
  readonly others: Uint32Array;
}

/**
 * Small numbers for terms that several peers have. A term gets the next number when it is seen for the second time, which a filter of what
 * was seen once tells (the doorkeeper of TinyLFU: G. Einziger et al., ACM TOS 2017). So the more peers have a term, the sooner it has a
 * number and the smaller that is; a peer's numbers then lie dense where most terms are.
 *
 * Numbers are never taken back. When there are no more, further terms get none.
 */
export class Dictionary {
  readonly #countMax: number;
  readonly #salt: number;
  readonly #slots: Uint32Array;
  readonly #fingerprints: Uint32Array;
  readonly #seen: Uint32Array;
  #seenCount = 0;
  #count = 0;

  /**
   * For 2^`countLog2` terms. `salt` is any number of 32 bits that peers which choose fingerprints do not know: terms that all fall
   * on one place would make each look at it as long as there are such terms (Crosby and Wallach, USENIX Security 2003).
   */
  constructor(countLog2: number, salt: number) {
    this.#countMax = 2 ** countLog2;
    this.#salt = salt;
    this.#slots = new Uint32Array(this.#countMax * slotsPerNumber);
    this.#fingerprints = new Uint32Array(this.#countMax);
    this.#seen = new Uint32Array((this.#countMax * seenBitsPerNumber) / 32);
  }

  /** Terms that have a number. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#fingerprints.byteLength + this.#seen.byteLength;
  }

  /** −1: it has none. */
  numberOf(fingerprint: number): number {
    const entry = this.#slots[this.#slotOf(fingerprint)] as number;
    return entry === emptySlot ? -1 : entry - 1;
  }

  fingerprintOf(number: number): number {
    return this.#fingerprints[number] as number;
  }

  /** Its number, a new one when it had none; −1: there are no more. */
  add(fingerprint: number): number {
    const slot = this.#slotOf(fingerprint);
    const entry = this.#slots[slot] as number;
    if (entry !== emptySlot) return entry - 1;
    if (this.#count >= this.#countMax) return -1;
    this.#fingerprints[this.#count] = fingerprint;
    this.#slots[slot] = ++this.#count;
    return this.#count - 1;
  }

  /** `isNews`: they were not seen of this peer before, and terms that another peer has, too, get numbers. */
  split(fingerprints: Uint32Array, isNews: boolean): SplitTerms {
    const numbers = new Uint32Array(fingerprints.length);
    const others = new Uint32Array(fingerprints.length);
    let numbered = 0;
    let left = 0;
    for (let at = 0; at < fingerprints.length; at++) {
      const fingerprint = fingerprints[at] as number;
      let number = this.numberOf(fingerprint);
      if (isNews && number < 0 && this.#wasSeen(fingerprint)) number = this.add(fingerprint);
      // What is there twice keeps its second place among the others.
      if (number < 0 || (at > 0 && fingerprints[at - 1] === fingerprint)) others[left++] = fingerprint;
      else numbers[numbered++] = number;
    }
    return { numbers: numbers.slice(0, numbered).sort(), others: others.slice(0, left) };
  }

  /** The slot of a term, or the empty one where it would be. */
  #slotOf(fingerprint: number): number {
    const mask = this.#slots.length - 1;
    let slot = scattered(fingerprint, this.#salt) & mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === emptySlot || this.#fingerprints[entry - 1] === fingerprint) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Whether it was seen before, lately; now it was. */
  #wasSeen(fingerprint: number): boolean {
    const shift = Math.clz32(this.#seen.length * 32 - 1);
    const step = Math.imul(fingerprint, 0x9e3779b1) | 1;
    let hash = Math.imul(fingerprint ^ (fingerprint >>> 15), 0x85ebca6b);
    let wasSeen = true;
    for (let probe = 0; probe < seenProbes; probe++) {
      hash = (hash + step) | 0;
      const bit = hash >>> shift;
      const word = this.#seen[bit >>> 5] as number;
      if ((word & (1 << (bit & 31))) !== 0) continue;
      wasSeen = false;
      this.#seen[bit >>> 5] = word | (1 << (bit & 31));
    }
    if (!wasSeen && ++this.#seenCount >= this.#countMax) {
      this.#seen.fill(0);
      this.#seenCount = 0;
    }
    return wasSeen;
  }
}

/** The finaliser of MurmurHash3 (A. Appleby), which spreads each bit over all, behind a salt. */
export function scattered(fingerprint: number, salt: number): number {
  let hash = fingerprint ^ salt;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
