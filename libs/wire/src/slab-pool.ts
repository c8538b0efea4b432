/** A slab that is used again, and how many still use it: its writer, and each frame that was cut from it. */
interface Lent {
  readonly slab: Buffer;
  holders: number;
}

/** Free slabs that are kept: 1 MiB with the shipped frames. More are left to the collector. */
const freeMax = 16;

/**
 * Memory for frames, which is used again once they are written. New memory for every frame costs more than filling it: what lies
 * outside the collector's heap makes it run often and find little (measured, bench/link.ts: two fifths of the CPU of large frames).
 * A frame that is never given back, because its link broke, is left to the collector with its slab.
 */
export class SlabPool {
  readonly #slabBytes: number;
  readonly #free: Buffer[] = [];
  readonly #lent = new WeakMap<ArrayBufferLike, Lent>();

  /** `slabBytes`: of each slab. Bigger than the usual frame. */
  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
  }

  /** A slab with room for `bytes`, held once. */
  take(bytes: number): Buffer {
    // A frame larger than usual has memory of its own, once.
    if (bytes > this.#slabBytes) return Buffer.allocUnsafeSlow(bytes);
    const slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#slabBytes);
    this.#lent.set(slab.buffer, { slab, holders: 1 });
    return slab;
  }

  /** One more uses the slab that `bytes` is a view of. */
  hold(bytes: Buffer): void {
    const lent = this.#lent.get(bytes.buffer);
    if (lent !== undefined) lent.holders++;
  }

  /** One less uses the slab that `bytes` is a view of. The last one gives it back. */
  release(bytes: Buffer): void {
    const lent = this.#lent.get(bytes.buffer);
    if (lent === undefined || --lent.holders > 0) return;
    this.#lent.delete(bytes.buffer);
    if (this.#free.length < freeMax) this.#free.push(lent.slab);
  }
}
