import { BitReader, BitWriter } from './bits.ts';

/**
 * Ascending numbers as Golomb–Rice coded gaps (R. Rice, 1979): about log2(universe ÷ count) + 1.5 bits each when they
 * are spread evenly, the least a set of random numbers can cost being log2(universe ÷ count) + 1.44. Equal neighbours
 * are allowed: a gap of 0.
 *
 * Form: 5 bits Rice parameter, 32 bits count, then per gap the quotient in unary and the remainder.
 */
export function encodeAscending(values: Uint32Array, universeLog2: number): Uint8Array {
  const rice = riceParameter(values.length, universeLog2);
  const writer = new BitWriter(6 + Math.ceil((values.length * (rice + 2.5)) / 8));
  writer.write(rice, 5);
  writer.write(values.length, 32);
  let previous = 0;
  for (const value of values) {
    const gap = value - previous;
    previous = value;
    writer.writeUnary(Math.floor(gap / 2 ** rice));
    writer.write(gap, rice);
  }
  return writer.take();
}

/** Null when it is malformed, longer than `countMax`, or holds a number that does not fit in the universe. */
export function decodeAscending(bytes: Uint8Array, universeLog2: number, countMax: number): Uint32Array | null {
  const reader = new BitReader(bytes);
  const rice = reader.read(5);
  const count = reader.read(32);
  // Each number costs a bit at least: what is claimed must be there before room is made for it.
  if (rice < 0 || count < 0 || count > countMax || count > bytes.length * 8) return null;
  const values = new Uint32Array(count);
  const end = 2 ** universeLog2;
  let value = 0;
  for (let i = 0; i < count; i++) {
    const quotient = reader.readUnary();
    const rest = reader.read(rice);
    if (quotient < 0 || rest < 0) return null;
    value += quotient * 2 ** rice + rest;
    if (value >= end) return null;
    values[i] = value;
  }
  return reader.bytesLeft > 0 ? null : values;
}

/** The power of two nearest below mean gap × ln 2, which is the best for gaps of random numbers (A. Kiely, 2004). */
function riceParameter(count: number, universeLog2: number): number {
  if (count === 0) return 0;
  return Math.min(31, Math.max(0, Math.floor(universeLog2 - Math.log2(count) - 0.25)));
}
