/** Bytes that a varint of a non-negative safe integer takes. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let bytes = 4;
  for (let rest = Math.floor(value / 0x1000_0000); rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/**
 * Writes protobuf's wire format into slabs that many frames share: a frame is cut out of the current slab and no byte of
 * it is moved again. The caller reserves room (`reserve`) before it writes; nothing else is checked.
 */
export class ProtoWriter {
  readonly #slabBytes: number;
  #slab: Buffer;
  #start = 0;
  position = 0;

  /** `slabBytes`: how much is allocated at a time. Bigger than the usual frame. `slab`: the first one. */
  constructor(slabBytes: number, slab = Buffer.allocUnsafeSlow(slabBytes)) {
    this.#slabBytes = slabBytes;
    this.#slab = slab;
  }

  /** For one short-lived message of exactly so many bytes: cut out of Node's pool, which is faster. */
  static forMessage(bytes: number): ProtoWriter {
    return new ProtoWriter(bytes, Buffer.allocUnsafe(bytes));
  }

  /** Bytes written since the last `cut`. */
  get length(): number {
    return this.position - this.#start;
  }

  /** Makes room for `bytes` more, in a new slab if need be. */
  reserve(bytes: number): void {
    if (this.position + bytes <= this.#slab.length) return;
    const written = this.length;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, written + bytes));
    this.#slab.copy(slab, 0, this.#start, this.position);
    this.#slab = slab;
    this.#start = 0;
    this.position = written;
  }

  /** What was written since the last `cut`. Never changed afterwards. */
  cut(): Buffer {
    const frame = this.#slab.subarray(this.#start, this.position);
    this.#start = this.position;
    return frame;
  }

  varint(value: number): void {
    const slab = this.#slab;
    let rest = value;
    while (rest >= 0x1000_0000) {
      slab[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      slab[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    slab[this.position++] = rest;
  }

  double(value: number): void {
    this.position = this.#slab.writeDoubleLE(value, this.position);
  }

  /** The length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#slab.set(value, this.position);
    this.position += value.length;
  }

  /** A varint field. */
  number(tag: number, value: number): void {
    this.varint(tag);
    this.varint(value);
  }

  /** A field of text that is short and all ASCII (`isPlain`): tag, length, characters. */
  plain(tag: number, text: string): void {
    this.varint(tag);
    this.varint(text.length);
    const slab = this.#slab;
    const { length } = text;
    let { position } = this;
    // Measured: a call out of JavaScript costs as much as forty characters.
    if (length > 40) {
      this.position = position + slab.write(text, position, 'latin1');
      return;
    }
    for (let i = 0; i < length; i++) slab[position++] = text.charCodeAt(i);
    this.position = position;
  }

  /** Begins a length-delimited field whose length is not known yet; `finish` with what this returns. */
  begin(): number {
    this.reserve(1);
    return ++this.position - this.#start;
  }

  /** Writes the length of what came since `begin`, moving it when the length takes more than a byte. */
  finish(begun: number): void {
    const length = this.length - begun;
    const extra = varintBytes(length) - 1;
    this.reserve(extra);
    const start = this.#start + begun;
    if (extra > 0) this.#slab.copyWithin(start + extra, start, this.position);
    this.position = start - 1;
    this.varint(length);
    this.position += length;
  }
}
