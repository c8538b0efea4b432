const perBlock = 128;
/** First number of a block, and where its gaps begin with their Rice parameter. */
const headWords = 2;
const offsetBits = 27;

/**
 * Different numbers, ascending, as Rice coded gaps in blocks of 128 with a parameter each (R. Rice, 1979): where numbers are dense
 * they take little more than a bit, and one is found by decoding one block. It never changes.
 */
export class NumberSet {
  readonly count: number;
  readonly #bitsAt: number;
  readonly #words: Uint32Array;

  /** `numbers` ascend, each once. */
  constructor(numbers: Uint32Array) {
    this.count = numbers.length;
    const blocks = Math.ceil(numbers.length / perBlock);
    this.#bitsAt = blocks * headWords;
    const codes: RiceCode[] = [];
    let bits = 0;
    for (let block = 0; block < blocks; block++) {
      const code = riceCode(numbers, block * perBlock, Math.min(numbers.length, (block + 1) * perBlock));
      codes.push(code);
      bits += code.bits;
    }
    this.#words = new Uint32Array(this.#bitsAt + Math.ceil(bits / 32));
    let bit = 0;
    for (const [block, code] of codes.entries()) bit = this.#write(numbers, block, code, bit);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  has(number: number): boolean {
    let low = 0;
    let high = this.#bitsAt / headWords;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#words[middle * headWords] as number) <= number) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return false;
    let isThere = false;
    this.#read(low - 1, (value) => {
      isThere = value === number;
      return value < number;
    });
    return isThere;
  }

  /** Ascending. */
  values(): Uint32Array {
    const values = new Uint32Array(this.count);
    let at = 0;
    for (let block = 0; block < this.#bitsAt / headWords; block++) {
      this.#read(block, (value) => {
        values[at++] = value;
        return true;
      });
    }
    return values;
  }

  /** Gives the numbers of a block until `take` wants no more. */
  #read(block: number, take: (value: number) => boolean): void {
    const words = this.#words;
    let value = words[block * headWords] as number;
    const head = words[block * headWords + 1] as number;
    const rice = head >>> offsetBits;
    const unit = 2 ** rice;
    let bit = this.#bitsAt * 32 + (head & (2 ** offsetBits - 1));
    const end = Math.min(this.count, (block + 1) * perBlock);
    for (let index = block * perBlock; take(value) && index + 1 < end; index++) {
      value++;
      for (; (((words[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1; bit++) value += unit;
      bit++;
      if (rice === 0) continue;
      const at = bit >>> 5;
      const offset = bit & 31;
      let rest = (words[at] as number) >>> offset;
      if (offset + rice > 32) rest |= (words[at + 1] as number) << (32 - offset);
      value += rest & (unit - 1);
      bit += rice;
    }
  }

  #write(numbers: Uint32Array, block: number, { rice }: RiceCode, offset: number): number {
    const words = this.#words;
    const begin = block * perBlock;
    words[block * headWords] = numbers[begin] as number;
    words[block * headWords + 1] = (rice << offsetBits) | offset;
    let bit = offset;
    const set = (position: number): void => {
      const at = this.#bitsAt + (position >>> 5);
      words[at] = (words[at] as number) | (1 << (position & 31));
    };
    for (let index = begin + 1; index < Math.min(numbers.length, begin + perBlock); index++) {
      const gap = gapBefore(numbers, index);
      for (let ones = gap >>> rice; ones > 0; ones--) set(bit++);
      bit++;
      for (let low = 0; low < rice; low++, bit++) if ((gap >>> low) & 1) set(bit);
    }
    return bit;
  }
}

interface RiceCode {
  readonly rice: number;
  readonly bits: number;
}

/** The numbers left out between one and the one before. */
function gapBefore(numbers: Uint32Array, index: number): number {
  return (numbers[index] as number) - (numbers[index - 1] as number) - 1;
}

/** The cheapest of the parameters around log2 of the mean gap. */
function riceCode(numbers: Uint32Array, begin: number, end: number): RiceCode {
  const gaps = end - begin - 1;
  const mean = gaps === 0 ? 0 : ((numbers[end - 1] as number) - (numbers[begin] as number) - gaps) / gaps;
  const about = mean < 1 ? 0 : Math.floor(Math.log2(mean));
  let best: RiceCode = { rice: 0, bits: Number.POSITIVE_INFINITY };
  for (let rice = Math.max(0, about - 1); rice <= Math.min(31, about + 1); rice++) {
    let bits = gaps * (1 + rice);
    for (let index = begin + 1; index < end; index++) bits += gapBefore(numbers, index) >>> rice;
    if (bits < best.bits) best = { rice, bits };
  }
  return best;
}
