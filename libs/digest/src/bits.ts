/** Ones in a 32-bit word (H. Warren, Hacker's Delight, 5-1). */
export function popCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  x = (x + (x >>> 4)) & 0x0f0f0f0f;
  return Math.imul(x, 0x01010101) >>> 24;
}

/** Appends fields of up to 32 bits, lowest bit first. */
export class BitWriter {
  #bytes: Uint8Array;
  #bit = 0;

  constructor(bytesExpected: number) {
    this.#bytes = new Uint8Array(Math.max(16, bytesExpected));
  }

  write(value: number, width: number): void {
    this.#reserve(width);
    let rest = value >>> 0;
    let left = width;
    while (left > 0) {
      const offset = this.#bit & 7;
      const taken = Math.min(8 - offset, left);
      const at = this.#bit >>> 3;
      this.#bytes[at] = (this.#bytes[at] as number) | ((rest & ((1 << taken) - 1)) << offset);
      rest >>>= taken;
      this.#bit += taken;
      left -= taken;
    }
  }

  /** `count` ones and a zero. */
  writeUnary(count: number): void {
    for (let left = count; left > 0; left -= 32) this.write(0xffffffff, Math.min(32, left));
    this.write(0, 1);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, (this.#bit + 7) >>> 3);
  }

  #reserve(bits: number): void {
    const needed = ((this.#bit + bits + 7) >>> 3) + 1;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what a `BitWriter` wrote. Behind the end everything is −1. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length * 8;
  }

  /** The whole bytes that are not begun yet. */
  get bytesLeft(): number {
    return (this.#end - this.#bit) >>> 3;
  }

  read(width: number): number {
    if (this.#bit + width > this.#end) return -1;
    let value = 0;
    let done = 0;
    while (done < width) {
      const offset = this.#bit & 7;
      const taken = Math.min(8 - offset, width - done);
      const part = ((this.#bytes[this.#bit >>> 3] as number) >>> offset) & ((1 << taken) - 1);
      value |= part << done;
      this.#bit += taken;
      done += taken;
    }
    return value >>> 0;
  }

  readUnary(): number {
    let count = 0;
    while (this.#bit < this.#end) {
      const offset = this.#bit & 7;
      const rest = (this.#bytes[this.#bit >>> 3] as number) >>> offset;
      const ones = Math.min(trailingOnes(rest), 8 - offset);
      count += ones;
      this.#bit += ones;
      if (ones < 8 - offset) {
        this.#bit++;
        return count;
      }
    }
    return -1;
  }
}

function trailingOnes(byte: number): number {
  return 31 - Math.clz32(~byte & (byte + 1));
}
