import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Body } from '@starling/mesh';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyCodec } from './body-codec.ts';
import { BodySchema } from './gen/starling/link/v1/body_pb.ts';
import { decodeUserBody, encodeUserBody } from './user-body.ts';

type UserBody = Extract<Body, { readonly kind: 'user' }>;

const text = fc.oneof({ weight: 3, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) }, fc.string());
const userBodies: fc.Arbitrary<UserBody> = fc.record({
  kind: fc.constant('user' as const),
  topic: text,
  payload: fc.uint8Array({ maxLength: 200 }),
  headers: fc.dictionary(text, text, { maxKeys: 4 }),
});

/** What the generated code makes of a body's bytes, in plain values; null when it refuses them or they are of another kind. */
function generated(bytes: Uint8Array): unknown {
  try {
    const { kind } = fromBinary(BodySchema, bytes);
    if (kind.case !== 'user') return null;
    const { topic, payload, headers } = kind.value;
    return { kind: 'user', topic, payload: [...payload], headers: { ...headers } };
  } catch {
    return null;
  }
}

function byHand(bytes: Uint8Array): unknown {
  try {
    const body = decodeUserBody(bytes);
    return body && { ...body, payload: [...body.payload], headers: { ...body.headers } };
  } catch {
    return 'refused';
  }
}

describe('a body written by hand', () => {
  it('is what the generated code writes, byte for byte, or is left to it', () => {
    let written = 0;
    fc.assert(
      fc.property(userBodies, (body) => {
        const { topic, headers } = body;
        const payload = body.payload as Uint8Array<ArrayBuffer>;
        const value = { topic, payload, headers };
        const bytes = encodeUserBody(body);
        if (bytes === null) return;
        written++;
        expect([...bytes]).toEqual([...toBinary(BodySchema, create(BodySchema, { kind: { case: 'user', value } }))]);
      }),
      { numRuns: 500 },
    );
    expect(written).toBeGreaterThan(100);
  });

  it('is read as the generated code reads it, whatever has become of its bytes', () => {
    let read = 0;
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
    fc.assert(
      fc.property(userBodies, changes, fc.option(fc.nat()), (body, changed, cut) => {
        const bytes = new Uint8Array(bodyCodec.encode(body));
        for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const sent = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
        const seen = byHand(sent);
        // Null: it has no opinion.
        if (seen === null) return;
        read++;
        expect(seen === 'refused' ? null : seen).toEqual(generated(sent));
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(500);
  });

  it('holds no more than it must: the payload is a view', () => {
    const bytes = Buffer.from(
      bodyCodec.encode({ kind: 'user', topic: 'a.b', payload: new Uint8Array(100), headers: { x: 'y' } }),
    );
    expect(decodeUserBody(bytes)?.payload.buffer).toBe(bytes.buffer);
  });
});
