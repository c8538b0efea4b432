/**
 * A running 64-bit fingerprint of everything that happened, in order. Two runs with the same fingerprint took the same
 * way; a difference anywhere changes all that follows. Two 32-bit lanes of murmur3's mixing; not for secrets.
 */
export class TraceHash {
  #a = 0x9e3779b9 | 0;
  #b = 0x85ebca6b | 0;

  /** Adds a whole number of up to 32 bits. */
  add(word: number): void {
    const mixed = Math.imul(word, 0xcc9e2d51);
    this.#a = Math.imul(this.#a ^ mixed, 0x1b873593) ^ (this.#a >>> 15);
    this.#b = (Math.imul(this.#b ^ word, 0xc2b2ae35) + this.#a) | 0;
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

/** A 32-bit hash of a short text (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A number in [0, 1) that depends on the three numbers alone: a draw that need not be remembered. */
export function noise(seed: number, a: number, b: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ Math.imul(b + 0x165667b1, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16), 0x297a2d39);
  h = Math.imul(h ^ (h >>> 13), 0x7feb352d);
  return ((h ^ (h >>> 16)) >>> 0) / 0x1_0000_0000;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
