import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MeshMessage } from '@starling/mesh';
import { meshMessages } from '@starling/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultFrameLimits, FrameDecoder, FrameEncoder, toOutgoing } from './frame-codec.ts';
import { FrameSchema } from './gen/starling/link/v1/link_pb.ts';

const messages = fc.array(meshMessages(fc.uint8Array({ maxLength: 300 })), { maxLength: 20 });

/** The order that a link keeps: payloads after control. */
function controlFirst(list: readonly MeshMessage<Uint8Array>[]): MeshMessage<Uint8Array>[] {
  const isGossip = (message: MeshMessage<Uint8Array>) =>
    message.area === 'broadcast' && message.message.kind === 'gossip';
  return [...list.filter((message) => !isGossip(message)), ...list.filter(isGossip)];
}

/** A Buffer and a Uint8Array with the same bytes are the same body. */
function plain(list: readonly MeshMessage<Uint8Array>[]): unknown[] {
  return list.map((message) =>
    message.area === 'broadcast' && message.message.kind === 'gossip'
      ? { ...message, message: { ...message.message, body: Array.from(message.message.body) } }
      : message,
  );
}

function encode(encoder: FrameEncoder, list: readonly MeshMessage<Uint8Array>[]): Buffer {
  for (const message of controlFirst(list)) encoder.add(toOutgoing(message));
  return encoder.take();
}

describe('frames', () => {
  it('bring every message over as it was, frame after frame', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 4 }), (frames) => {
        const encoder = new FrameEncoder(defaultFrameLimits);
        const decoder = new FrameDecoder(defaultFrameLimits);
        for (const frame of frames) {
          const decoded = decoder.decode(encode(encoder, frame));
          expect(decoded).toMatchObject({ kind: 'frame', unknown: 0 });
          if (decoded.kind === 'frame') expect(plain(decoded.messages)).toEqual(plain(controlFirst(frame)));
        }
      }),
    );
  });

  it('are what the generated code reads and writes: byte for byte', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const frame = encode(new FrameEncoder(defaultFrameLimits), list);
        const generated = fromBinary(FrameSchema, frame);
        expect(generated.messages.length + generated.gossips.length).toBe(list.length);
        for (const message of generated.messages) expect(message.$unknown).toBeUndefined();
        for (const gossip of generated.gossips) expect(gossip.$unknown).toBeUndefined();
        const rewritten = Buffer.from(toBinary(FrameSchema, generated));
        const decoded = new FrameDecoder(defaultFrameLimits).decode(rewritten);
        expect(decoded).toMatchObject({ kind: 'frame', unknown: 0 });
        if (decoded.kind === 'frame') expect(plain(decoded.messages)).toEqual(plain(controlFirst(list)));
      }),
    );
  });

  it('never make the decoder throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = new FrameDecoder(defaultFrameLimits).decode(Buffer.from(bytes));
        expect(['frame', 'malformed']).toContain(decoded.kind);
      }),
      { numRuns: 1000 },
    );
  });

  it('never make the decoder throw when a valid frame is cut or a bit of it flips', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat({ max: 7 }), fc.boolean(), (list, at, bit, cut) => {
        const frame = Buffer.from(encode(new FrameEncoder(defaultFrameLimits), list));
        if (frame.length === 0) return;
        const position = at % frame.length;
        frame[position] = (frame[position] as number) ^ (1 << bit);
        const bytes = cut ? frame.subarray(0, position) : frame;
        expect(['frame', 'malformed']).toContain(new FrameDecoder(defaultFrameLimits).decode(bytes).kind);
      }),
      { numRuns: 500 },
    );
  });
});
