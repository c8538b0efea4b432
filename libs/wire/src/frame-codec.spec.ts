import type { Gossip } from '@starling/core-plumtree';
import type { MeshMessage } from '@starling/mesh';
import { describe, expect, it } from 'vitest';
import { type DecodedFrame, defaultFrameLimits, FrameDecoder, FrameEncoder, toOutgoing } from './frame-codec.ts';
import { streamNamesMax } from './stream-names.ts';

const stream = `${'a'.repeat(52)}~1700000000000`;

function gossip(changes: Partial<Gossip<Uint8Array>> = {}): MeshMessage<Uint8Array> {
  const message: Gossip<Uint8Array> = {
    kind: 'gossip',
    stream,
    seq: 70_000,
    round: 5,
    publishedAt: 1_700_000_000_000.25,
    wantHeld: false,
    repair: false,
    tree: 0,
    entry: 0,
    signature: null,
    body: new Uint8Array(100),
    ...changes,
  };
  return { area: 'broadcast', swarm: 0, message };
}

function frame(encoder: FrameEncoder, ...messages: MeshMessage<Uint8Array>[]): Buffer {
  for (const message of messages) encoder.add(toOutgoing(message));
  return encoder.take();
}

function gossipsOf(decoded: DecodedFrame): Gossip<Uint8Array>[] {
  if (decoded.kind === 'malformed') throw new Error(decoded.reason);
  return decoded.messages.flatMap(({ area, message }) =>
    area === 'broadcast' && message.kind === 'gossip' ? [message] : [],
  );
}

describe('a gossip', () => {
  it('has a header of at most 22 bytes once its stream is known', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    expect(frame(encoder, gossip()).length - 100).toBeLessThan(100);
    expect(frame(encoder, gossip({ seq: 70_001 })).length - 100).toBeLessThanOrEqual(22);
  });

  it('keeps its body as a view when it is much of the frame, and as a copy when it is little', () => {
    const decode = (...bodies: number[]) => {
      const bytes = frame(
        new FrameEncoder(defaultFrameLimits),
        ...bodies.map((n) => gossip({ body: new Uint8Array(n) })),
      );
      const decoded = gossipsOf(new FrameDecoder(defaultFrameLimits).decode(bytes));
      return decoded.map(({ body }) => body.buffer === bytes.buffer);
    };
    expect(decode(10_000)).toEqual([true]);
    expect(decode(10_000, 100)).toEqual([true, false]);
  });
});

describe('the signature of a batch', () => {
  const signature = (first: number, keyByte = 1) => ({
    key: new Uint8Array(91).fill(keyByte),
    first,
    digests: new Uint8Array(64 * 16).fill(first),
    signature: new Uint8Array(64).fill(3),
  });

  it('is sent once for all messages of a stream that share it, and its key once for the stream', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const decoder = new FrameDecoder(defaultFrameLimits);
    const [one, two] = [signature(1), signature(65)];
    const other = `${'b'.repeat(52)}~1`;
    const list = [
      gossip({ seq: 1, signature: one }),
      gossip({ seq: 1, stream: other, signature: signature(1, 2) }),
      gossip({ seq: 2, signature: one }),
      gossip({ seq: 65, signature: two }),
      gossip({ seq: 3, signature: one }),
      gossip({ seq: 66, signature: null }),
      gossip({ seq: 4, signature: one }),
    ];
    const sizes: number[] = [];
    const came = list.flatMap((message) => {
      const bytes = frame(encoder, message);
      sizes.push(bytes.length);
      return gossipsOf(decoder.decode(bytes));
    });
    expect(came.map((message) => message.signature)).toEqual([one, signature(1, 2), one, two, one, null, one]);
    expect(came[2]?.signature).toBe(came[0]?.signature);
    const [first, , same, next] = sizes as [number, number, number, number];
    const bare = frame(encoder, gossip({ seq: 5 })).length;
    expect(same - bare).toBe(2);
    expect(next - bare).toBeGreaterThan(64 * 17);
    expect(next - bare).toBeLessThan(64 * 17 + 16);
    expect(first - next).toBeGreaterThan(91);
  });

  it('goes with its stream when the dictionary forgets that', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const decoder = new FrameDecoder(defaultFrameLimits);
    const names = Array.from({ length: streamNamesMax + 1 }, (_, i) => `s~${i}`);
    const list = names.map((name, i) => gossip({ stream: name, signature: i === 0 ? signature(1) : null }));
    decoder.decode(frame(encoder, ...list));
    // It has the ref of the first one now.
    const last = names.at(-1) as string;
    const [came] = gossipsOf(decoder.decode(frame(encoder, gossip({ stream: last, signature: signature(1) }))));
    expect(came?.signature).toEqual(signature(1));
  });

  it.each([
    ['the same as none', [0x2a, 0x07, 0x08, 0x01, 0x12, 0x01, 0x61, 0x60, 0x01]],
    [
      'one without a key, of a stream that had none',
      [0x2a, 0x09, 0x08, 0x01, 0x12, 0x01, 0x61, 0x5a, 0x02, 0x10, 0x01],
    ],
    ['the same, of a stream without a ref', [0x2a, 0x05, 0x12, 0x01, 0x61, 0x60, 0x01]],
    ['one that is cut off', [0x2a, 0x09, 0x08, 0x01, 0x12, 0x01, 0x61, 0x5a, 0x05, 0x10, 0x01]],
  ])('is malformed when it is %s', (_, bytes) => {
    expect(new FrameDecoder(defaultFrameLimits).decode(Buffer.from(bytes)).kind).toBe('malformed');
  });

  it('is malformed when a part of it is too long', () => {
    for (const [part, length] of [
      ['key', 257],
      ['digests', 64 * 16 + 1],
      ['signature', 257],
    ] as const) {
      const bytes = frame(
        new FrameEncoder(defaultFrameLimits),
        gossip({ signature: { ...signature(1), [part]: new Uint8Array(length) } }),
      );
      expect(new FrameDecoder(defaultFrameLimits).decode(bytes)).toMatchObject({ kind: 'malformed' });
    }
  });
});

describe('the dictionary of streams', () => {
  it('forgets the oldest when it is full, and both sides agree on which', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const decoder = new FrameDecoder(defaultFrameLimits);
    const names = Array.from({ length: 3 * streamNamesMax }, (_, i) => `s~${i % (streamNamesMax + 7)}`);
    for (let at = 0; at < names.length; at += 100) {
      const part = names.slice(at, at + 100);
      const bytes = frame(encoder, ...part.map((name) => gossip({ stream: name, body: new Uint8Array() })));
      expect(gossipsOf(decoder.decode(bytes)).map((message) => message.stream)).toEqual(part);
    }
  });

  it('is shared by control and payload messages', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const decoder = new FrameDecoder(defaultFrameLimits);
    const graft: MeshMessage<Uint8Array> = {
      area: 'broadcast',
      swarm: 0,
      message: { kind: 'graft', ranges: [{ stream, from: 1, to: 2 }], tree: 9 },
    };
    const first = frame(encoder, graft, gossip());
    expect(first.length).toBeLessThan(220);
    expect(gossipsOf(decoder.decode(first))).toHaveLength(1);
  });

  it.each([
    ['a ref that was never given', [0x2a, 0x02, 0x08, 0x05]],
    ['a ref out of range', [0x2a, 0x06, 0x08, 0x81, 0x08, 0x12, 0x01, 0x61]],
    ['no stream at all', [0x2a, 0x00]],
  ])('refuses %s', (_, bytes) => {
    expect(new FrameDecoder(defaultFrameLimits).decode(Buffer.from(bytes)).kind).toBe('malformed');
  });
});

describe('the decoder', () => {
  it.each([
    ['a length beyond the end', [0x2a, 0x7f, 0x08]],
    ['an unknown field that is cut off', [0x9a, 0x06, 0x7f, 0x41]],
    ['a varint without an end', [0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['an inner field that runs into the next message', [0x2a, 0x04, 0x12, 0x09, 0x61, 0x61, 0x2a, 0x02, 0x08, 0x01]],
    ['a wire type that is none', [0x2f]],
    ['a number above 2^53', [0x2a, 0x0b, 0x12, 0x01, 0x61, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a time that is none', [0x2a, 0x0c, 0x12, 0x01, 0x61, 0x29, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
    ['a peer without an id', [0x22, 0x04, 0x42, 0x02, 0x0a, 0x00]],
    ['a hello without a peer', [0x0a, 0x02, 0x08, 0x01]],
  ])('calls %s malformed', (_, bytes) => {
    expect(new FrameDecoder(defaultFrameLimits).decode(Buffer.from(bytes))).toMatchObject({ kind: 'malformed' });
  });

  it('refuses a body larger than allowed', () => {
    const limits = { ...defaultFrameLimits, bodyBytesMax: 50 };
    const bytes = frame(new FrameEncoder(defaultFrameLimits), gossip());
    expect(new FrameDecoder(limits).decode(bytes)).toEqual({ kind: 'malformed', reason: 'body is too big' });
  });

  it('ignores an enum value of a later version with its message, and counts it', () => {
    const decoded = new FrameDecoder(defaultFrameLimits).decode(Buffer.from([0x22, 0x04, 0x62, 0x02, 0x08, 0x63]));
    expect(decoded).toMatchObject({ kind: 'frame', messages: [], unknown: 1 });
  });
});

describe('the encoder', () => {
  it('ends a frame at 64 KiB, and lets a bigger message have one of its own', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    encoder.add(toOutgoing(gossip()));
    expect(encoder.isFull(1_000)).toBe(false);
    expect(encoder.isFull(64 * 1024)).toBe(true);
    encoder.take();
    expect(encoder.isFull(1024 * 1024)).toBe(false);
  });

  it('never changes a frame that was taken', () => {
    const encoder = new FrameEncoder(defaultFrameLimits);
    const first = frame(encoder, gossip());
    const copy = Buffer.from(first);
    for (let i = 0; i < 2_000; i++) frame(encoder, gossip({ body: new Uint8Array(100).fill(i) }));
    expect(first.equals(copy)).toBe(true);
  });
});
