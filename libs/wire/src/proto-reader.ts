/** Thrown inside this package for bytes that are no valid message; caught at its border and turned into a value. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** The protobuf wire types that are still in use. */
export const wireType = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * Reads protobuf's wire format from a range of a Buffer, without copying. Every method throws `MalformedError`, and
 * nothing else, for bytes that cannot be read.
 */
export class ProtoReader {
  readonly bytes: Buffer;
  position: number;
  end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** A varint below 2^53: a tag, a length, a number. */
  varint(): number {
    const { bytes, end } = this;
    let position = this.position;
    let value = 0;
    let factor = 1;
    for (let shift = 0; shift < 10; shift++) {
      if (position >= end) throw new MalformedError('varint is cut off');
      const byte = bytes[position++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('varint is too big');
        this.position = position;
        return value;
      }
      factor *= 128;
    }
    throw new MalformedError('varint does not end');
  }

  uint32(): number {
    const value = this.varint();
    if (value > 0xffff_ffff) throw new MalformedError('number is too big');
    return value;
  }

  bool(): boolean {
    return this.varint() !== 0;
  }

  double(): number {
    const at = this.#take(8);
    return this.bytes.readDoubleLE(at);
  }

  string(): string {
    const length = this.varint();
    const at = this.#take(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  /** A view of the bytes, not a copy: it keeps the whole Buffer alive. */
  view(): Buffer {
    const length = this.varint();
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Enters a length-delimited field: reads its length and returns where it ends. The caller reads up to there. */
  enter(): number {
    const length = this.varint();
    if (length > this.end - this.position) throw new MalformedError('field is cut off');
    return this.position + length;
  }

  /** Passes over a field of the wire type in `tag`. */
  skip(tag: number): void {
    switch (tag & 7) {
      case wireType.varint:
        this.#skipVarint();
        return;
      case wireType.fixed64:
        this.#take(8);
        return;
      case wireType.lengthDelimited:
        this.#take(this.varint());
        return;
      case wireType.fixed32:
        this.#take(4);
        return;
      default:
        throw new MalformedError('wire type is unknown');
    }
  }

  #skipVarint(): void {
    for (let length = 0; length < 10; length++) {
      if ((this.bytes[this.#take(1)] as number) < 0x80) return;
    }
    throw new MalformedError('varint does not end');
  }

  #take(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw new MalformedError('field is cut off');
    this.position = at + length;
    return at;
  }
}
