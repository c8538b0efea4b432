import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtoWriter } from './proto-writer.ts';

const slabBytes = 256;

describe('a writer of frames', () => {
  it('changes no byte of a frame before it is given back, whatever the order', () => {
    const step = fc.record({ bytes: fc.integer({ min: 0, max: 400 }), giveBack: fc.nat({ max: 7 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const writer = ProtoWriter.forFrames(slabBytes);
        const held: { frame: Buffer; mark: number; bytes: number }[] = [];
        for (const [i, { bytes, giveBack }] of steps.entries()) {
          const mark = i % 251;
          writer.reserve(bytes + 5);
          writer.bytes(new Uint8Array(bytes).fill(mark));
          held.push({ frame: writer.cut(), mark, bytes });
          // At most eight are under way; with 7 nothing comes back.
          if (giveBack < 7 && giveBack < held.length) writer.release(held.splice(giveBack, 1)[0]?.frame as Buffer);
          for (const each of held) {
            expect(each.frame.subarray(each.frame.length - each.bytes).every((byte) => byte === each.mark)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('uses its memory again: a thousand frames out of two slabs', () => {
    const writer = ProtoWriter.forFrames(slabBytes);
    const memory = new Set<ArrayBufferLike>();
    for (let i = 0; i < 1_000; i++) {
      writer.reserve(105);
      writer.bytes(new Uint8Array(100));
      const frame = writer.cut();
      memory.add(frame.buffer);
      writer.release(frame);
    }
    expect(memory.size).toBe(2);
  });

  it('carries a begun frame into the next slab, and gives what is larger than a slab memory of its own', () => {
    const writer = ProtoWriter.forFrames(slabBytes);
    writer.reserve(205);
    writer.bytes(new Uint8Array(200).fill(17));
    writer.reserve(1_005);
    writer.bytes(new Uint8Array(1_000).fill(18));
    const large = writer.cut();
    expect([large.filter((byte) => byte === 17).length, large.filter((byte) => byte === 18).length]).toEqual([
      200, 1_000,
    ]);
    writer.release(large);
    writer.reserve(105);
    writer.bytes(new Uint8Array(100).fill(19));
    expect(large.includes(19)).toBe(false);
  });

  it('keeps sixteen free slabs and no more', () => {
    const writer = ProtoWriter.forFrames(slabBytes);
    const burst = (frames: number) =>
      Array.from({ length: frames }, () => {
        writer.reserve(255);
        writer.bytes(new Uint8Array(250));
        return writer.cut();
      });
    const first = burst(40);
    for (const frame of first) writer.release(frame);
    const known = new Set(first.map(({ buffer }) => buffer));
    // Sixteen that were free, and the one that was being written into.
    expect(burst(40).filter(({ buffer }) => known.has(buffer))).toHaveLength(17);
  });
});
