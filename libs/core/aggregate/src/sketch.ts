/** The relative error of every quantile: 1 %. */
export const relativeError = 0.01;
const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);
/** Smaller amounts count as 0: a millionth of a microsecond. */
const amountMin = 1e-9;
/** Of the smallest amount and of the largest number, with room. */
export const binLimits = { indexMin: -1_100, indexMax: 36_000 } as const;

/** A sketch as it travels: bins by ascending index. */
export interface SketchData {
  /** Amounts that are 0. */
  readonly zeros: number;
  readonly indexes: readonly number[];
  /** Each above 0, as many as indexes. */
  readonly counts: readonly number[];
}

/**
 * Quantiles of amounts, merged without loss: DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch
 * with Relative-Error Guarantees", PVLDB 12(12), 2019, §2). Bin i holds the amounts in (γ^(i−1), γ^i], so each of them is within
 * α of the bin's middle. At most `binsMax` bins: beyond, the lowest are one (§2.2), and low quantiles come out too high.
 */
export class Sketch {
  readonly #binsMax: number;
  readonly #bins = new Map<number, number>();
  #zeros = 0;
  #count = 0;

  constructor(binsMax: number) {
    this.#binsMax = binsMax;
  }

  get bins(): number {
    return this.#bins.size;
  }

  get count(): number {
    return this.#count;
  }

  /** `amount`: finite, not below 0. */
  add(amount: number): void {
    if (amount < amountMin) this.#zeros++;
    else this.#put(Math.ceil(Math.log(amount) / logGamma), 1);
    this.#count++;
    this.#collapse();
  }

  merge({ zeros, indexes, counts }: SketchData): void {
    this.#zeros += zeros;
    this.#count += zeros;
    for (const [at, index] of indexes.entries()) {
      const count = counts[at] ?? 0;
      this.#put(index, count);
      this.#count += count;
    }
    this.#collapse();
  }

  /** Within α of the amount at that place of all amounts in order; NaN: there are none. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    // The lower of two in the middle, as in the paper: rank ⌊1 + q(n − 1)⌋.
    let rank = Math.floor(q * (this.#count - 1)) + 1 - this.#zeros;
    if (rank <= 0) return 0;
    let last = 0;
    for (const [index, count] of this.#sorted()) {
      last = index;
      rank -= count;
      if (rank <= 0) break;
    }
    return (2 * gamma ** last) / (gamma + 1);
  }

  data(): SketchData {
    const sorted = this.#sorted();
    return { zeros: this.#zeros, indexes: sorted.map(([index]) => index), counts: sorted.map(([, count]) => count) };
  }

  #sorted(): [number, number][] {
    return [...this.#bins].sort(([a], [b]) => a - b);
  }

  #put(index: number, count: number): void {
    this.#bins.set(index, (this.#bins.get(index) ?? 0) + count);
  }

  /** What stays is the highest bins, so the order of merges does not matter. */
  #collapse(): void {
    const surplus = this.#bins.size - this.#binsMax;
    if (surplus <= 0) return;
    const sorted = this.#sorted();
    let count = 0;
    for (const [index, more] of sorted.slice(0, surplus + 1)) {
      count += more;
      this.#bins.delete(index);
    }
    this.#bins.set((sorted[surplus] as [number, number])[0], count);
  }
}
