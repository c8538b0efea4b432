import type { Body } from '@starling/mesh';
import { bodies } from '@starling/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyCodec } from './body-codec.ts';

const plain = (body: Body | null): unknown =>
  body?.kind === 'user' ? { ...body, payload: Array.from(body.payload) } : body;

describe('bodies', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const encoded = bodyCodec.encode(body);
        expect(bodyCodec.sizeOf(encoded)).toBe(encoded.length);
        expect(plain(bodyCodec.decode(encoded))).toEqual(plain(body));
      }),
    );
  });

  it('are null when the bytes are no body', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => bodyCodec.decode(bytes)).not.toThrow();
      }),
      { numRuns: 500 },
    );
    expect(bodyCodec.decode(new Uint8Array())).toBeNull();
    expect(bodyCodec.decode(new Uint8Array([0xff, 0xff]))).toBeNull();
  });
});
