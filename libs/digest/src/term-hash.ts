/** 64 bits of a term, as two unsigned 32-bit halves. Not for secrets: whoever wants a collision finds one. */
export interface TermHash {
  /** Also the term's fingerprint in a `TermSet`. */
  readonly high: number;
  readonly low: number;
}

/**
 * Hashes the UTF-16 code units of a term, the same on every machine: two lanes with different odd multipliers, then
 * MurmurHash3's 32-bit finaliser (A. Appleby, public domain) over each, crossed. A term that is the same in two peers
 * must be the same sequence of code units: normalising it is the analyser's task.
 */
export function hashTerm(term: string): TermHash {
  let a = 0x2f0b4c47 ^ term.length;
  let b = 0x6a09e667 ^ term.length;
  for (let i = 0; i < term.length; i++) {
    const unit = term.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ unit, 0x85ebca77);
    b ^= b >>> 13;
  }
  const high = finish(a ^ Math.imul(b, 0xc2b2ae3d));
  const low = finish(b ^ Math.imul(a, 0x27d4eb2f));
  return { high: high >>> 0, low: low >>> 0 };
}

function finish(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}
