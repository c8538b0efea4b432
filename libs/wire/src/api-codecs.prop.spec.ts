import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeDelivery } from './delivery-codec.ts';
import {
  Acknowledge,
  PublishStreamRequestSchema,
  PublishStreamResponseSchema,
  SubscribeResponseSchema,
} from './gen/starling/v1/mesh_pb.ts';
import { readPublishStreamRequest, writePublishStreamResponse } from './publish-codec.ts';

const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 70 });
const text = fc.oneof({ weight: 9, arbitrary: ascii }, fc.string());
const payload = fc.uint8Array({ maxLength: 300 }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>;
const sequence = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 40n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const time = fc.option(fc.record({ seconds: fc.bigInt({ min: -5n, max: 2n ** 36n }), nanos: fc.nat(999_999_999) }), {
  nil: undefined,
});
const uint32 = fc.oneof(fc.nat(20), fc.nat(0xffff_ffff));

describe('what PublishStream answers', () => {
  it('is written as the generated code writes it, or left to it', () => {
    let written = 0;
    const accepted = fc.record({
      messageId: text,
      origin: text,
      sequence,
      publishTime: time,
      heldBy: uint32,
      alone: fc.boolean(),
    });
    fc.assert(
      fc.property(sequence, accepted, (number, value) => {
        const response = create(PublishStreamResponseSchema, { number, result: { case: 'accepted', value } });
        const bytes = writePublishStreamResponse(response);
        if (bytes === null) return;
        written++;
        expect([...bytes]).toEqual([...toBinary(PublishStreamResponseSchema, response)]);
      }),
      { numRuns: 500 },
    );
    expect(written).toBeGreaterThan(100);
    const error = { code: 3, message: 'm', reason: 'R' };
    expect(
      writePublishStreamResponse(create(PublishStreamResponseSchema, { result: { case: 'error', value: error } })),
    ).toBeNull();
  });
});

describe('what PublishStream is asked', () => {
  it('is read as the generated code reads it, whatever has become of its bytes', () => {
    let read = 0;
    const message = fc.record({
      topic: text,
      payload,
      headers: fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, fc.dictionary(text, text, { maxKeys: 2 })),
      acknowledge: fc.constantFrom(Acknowledge.UNSPECIFIED, Acknowledge.ACCEPTED, Acknowledge.HELD),
      holdNeighbors: fc.nat(200),
      requestId: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, text),
    });
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
    fc.assert(
      fc.property(message, changes, fc.option(fc.nat(), { freq: 1 }), (value, changed, cut) => {
        const bytes = Buffer.from(
          toBinary(PublishStreamRequestSchema, create(PublishStreamRequestSchema, { message: value })),
        );
        for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const sent = cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
        let seen: unknown;
        try {
          seen = readPublishStreamRequest(sent);
        } catch {
          expect(() => fromBinary(PublishStreamRequestSchema, sent)).toThrow();
          return;
        }
        if (seen === null) return;
        read++;
        const plain = (request: unknown): unknown =>
          JSON.parse(JSON.stringify(request, (_, each) => (each instanceof Uint8Array ? [...each] : each)));
        const { $unknown: _, ...generated } = fromBinary(PublishStreamRequestSchema, sent);
        expect(plain(seen)).toEqual(plain(generated));
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(500);
  });
});

describe('what Subscribe streams', () => {
  it('is written as the generated code writes it, or left to it', () => {
    let written = 0;
    const message = fc.record({
      messageId: text,
      topic: text,
      payload,
      headers: fc.dictionary(ascii, text, { maxKeys: 3 }),
      origin: text,
      sequence,
      publishTime: time,
      hops: uint32,
      cursor: text,
      replayed: fc.boolean(),
    });
    fc.assert(
      fc.property(message, (value) => {
        const response = create(SubscribeResponseSchema, { event: { case: 'message', value } });
        const bytes = writeDelivery(response);
        if (bytes === null) return;
        written++;
        expect([...bytes]).toEqual([...toBinary(SubscribeResponseSchema, response)]);
      }),
      { numRuns: 1_000 },
    );
    expect(written).toBeGreaterThan(200);
    const checkpoint = { cursor: 'c', live: true };
    expect(
      writeDelivery(create(SubscribeResponseSchema, { event: { case: 'checkpoint', value: checkpoint } })),
    ).toBeNull();
  });
});
