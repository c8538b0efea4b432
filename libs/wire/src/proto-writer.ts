import { SlabPool } from './slab-pool.ts';

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
  readonly #pool: SlabPool | null;
  #slab: Buffer;
  #start = 0;
  position = 0;

  /** `slab`: what is written into first. Without a `pool`, more room than it has is new memory. */
  constructor(slab: Buffer, pool: SlabPool | null = null) {
    this.#slab = slab;
    this.#pool = pool;
  }

  /** For one short-lived message of exactly so many bytes: cut out of Node's pool, which is faster. */
  static forMessage(bytes: number): ProtoWriter {
    return new ProtoWriter(Buffer.allocUnsafe(bytes));
  }

  /** For frames, without end: each is to be given back (`release`) when it is written. `slabBytes`: bigger than the usual frame. */
  static forFrames(slabBytes: number): ProtoWriter {
    const pool = new SlabPool(slabBytes);
    return new ProtoWriter(pool.take(0), pool);
  }

  /** Bytes written since the last `cut`. */
  get length(): number {
    return this.position - this.#start;
  }

  /** Makes room for `bytes` more, in another slab if need be. */
  reserve(bytes: number): void {
    if (this.position + bytes <= this.#slab.length) return;
    const written = this.length;
    const slab = this.#pool?.take(written + bytes) ?? Buffer.allocUnsafeSlow(written + bytes);
    this.#slab.copy(slab, 0, this.#start, this.position);
    this.#pool?.release(this.#slab);
    this.#slab = slab;
    this.#start = 0;
    this.position = written;
  }

  /** What was written since the last `cut`. Not changed before it is given back. */
  cut(): Buffer {
    const frame = this.#slab.subarray(this.#start, this.position);
    this.#start = this.position;
    this.#pool?.hold(frame);
    return frame;
  }

  /** Takes back what `cut` gave, once: nobody reads it any more. */
  release(frame: Buffer): void {
    this.#pool?.release(frame);
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
