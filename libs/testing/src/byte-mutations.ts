import * as fc from 'fast-check';

/** Where and how bytes are changed. Places are shares of the length, so that they shrink with it. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
export const byteMutations = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, value: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: place, to: place }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, to: place }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant('huge' as const), at: place }),
);
export type ByteMutation = typeof byteMutations extends fc.Arbitrary<infer T> ? T : never;

/** `bytes` with all of these changes, one after the other. */
export function mutated(bytes: Buffer, mutations: readonly ByteMutation[]): Buffer {
  return mutations.reduce<Buffer>(changed, bytes);
}

function changed(all: Buffer, one: ByteMutation): Buffer {
  const at = Math.floor(one.at * all.length);
  switch (one.kind) {
    case 'flip': {
      const copy = Buffer.from(all);
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ one.value;
      return copy;
    }
    case 'cut':
      return Buffer.concat([all.subarray(0, at), all.subarray(at + Math.floor(one.to * (all.length - at)))]);
    case 'repeat': {
      const part = all.subarray(at, at + Math.floor(one.to * (all.length - at)));
      return Buffer.concat([all.subarray(0, at), part, all.subarray(at)]);
    }
    case 'insert':
      return Buffer.concat([all.subarray(0, at), one.bytes, all.subarray(at)]);
    case 'huge':
      // Where a length happens to be: as long as a varint can say, or 4 GiB.
      return Buffer.concat([all.subarray(0, at), Buffer.alloc(5, 0xff), all.subarray(at + 5)]);
  }
}
