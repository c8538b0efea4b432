/**
 * A seeded random source: sfc32, a 128-bit chaotic generator that passes PractRand and costs a few integer operations.
 * Every random choice of a core comes from one of these, so that a seed replays a run. Not for secrets.
 */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** The same 32-bit `seed` gives the same sequence on every machine. */
  constructor(seed: number) {
    this.#a = 0;
    this.#b = seed | 0;
    this.#c = 0x9e3779b9 | 0;
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Uniform in 0 … 2^32 − 1. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    this.#c |= 0;
    return result >>> 0;
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number, uniform in 0 … bound − 1; `bound` from 1 to 2^32. The bias is below bound / 2^32. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** A generator of its own, for a child component, decided by this one's next number. */
  child(): Rng {
    return new Rng(this.uint32());
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i] as T;
      items[i] = items[j] as T;
      items[j] = kept;
    }
    return items;
  }

  /** Up to `count` different elements, in random order. Does not change `items`. */
  sample<T>(items: readonly T[], count: number): T[] {
    const taken = Math.min(count, items.length);
    if (taken * 8 < items.length) return this.#sampleFew(items, taken);
    const pool = items.slice();
    for (let i = 0; i < taken; i++) {
      const j = i + this.below(pool.length - i);
      const kept = pool[i] as T;
      pool[i] = pool[j] as T;
      pool[j] = kept;
    }
    pool.length = taken;
    return pool;
  }

  /** The very same draws and elements without a copy of all: the places that a swap has changed are noted, and looked for one by one. */
  #sampleFew<T>(items: readonly T[], taken: number): T[] {
    const sample: T[] = [];
    const places: number[] = [];
    const holds: number[] = [];
    for (let i = 0; i < taken; i++) {
      const j = i + this.below(items.length - i);
      const atJ = places.indexOf(j);
      const atI = places.indexOf(i);
      sample.push(items[atJ < 0 ? j : (holds[atJ] as number)] as T);
      const moved = atI < 0 ? i : (holds[atI] as number);
      if (atJ < 0) {
        places.push(j);
        holds.push(moved);
      } else holds[atJ] = moved;
    }
    return sample;
  }
}
