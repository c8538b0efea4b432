import {
  defaultPlumtreeConfig,
  type Gossip,
  Plumtree,
  type PlumtreeEvent,
  type PlumtreeMessage,
} from '@starling/core-plumtree';
import { RecordingOutbox, Rng } from '@starling/kernel';
import { defaultFrameLimits, FrameDecoder, FrameEncoder, toOutgoing } from '@starling/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIdentity } from './identity.ts';
import { MessageSigning } from './message-signing.ts';

const config = { ...defaultPlumtreeConfig, signatures: 'signed' } as const;
const [origin, reader] = [createIdentity(), createIdentity()];

/** One peer of a mesh that signs, and its only neighbour. */
class Peer {
  readonly #core: Plumtree<Uint8Array>;
  readonly #out = new RecordingOutbox<PlumtreeMessage<Uint8Array>, PlumtreeEvent<Uint8Array>>();

  constructor(identity: typeof origin, neighbor: string) {
    const self = { id: identity.id, stream: `${identity.id}~1`, zone: '' };
    const signing = new MessageSigning(identity, 'm');
    this.#core = new Plumtree(config, self, new Rng(1), (body) => body.length, signing);
    this.#core.handle(0, { kind: 'command', command: { kind: 'neighborUp', peer: neighbor, zone: '' } }, this.#out);
    this.#out.take();
  }

  /** Frames with what is published, `count` messages in each. */
  frames(counts: readonly number[]): Buffer[] {
    const encoder = new FrameEncoder(defaultFrameLimits);
    let number = 0;
    return counts.map((count) => {
      for (let i = 0; i < count; i++) {
        const command = {
          kind: 'broadcast',
          body: Buffer.from(`m${number++}`),
          wantHeld: false,
          ephemeral: false,
        } as const;
        this.#core.handle(number, { kind: 'command', command }, this.#out);
      }
      for (const effect of this.#out.take()) {
        if (effect.kind === 'send') encoder.add(toOutgoing({ area: 'broadcast', swarm: 0, message: effect.message }));
      }
      return encoder.take();
    });
  }

  receive(messages: readonly Gossip<Uint8Array>[]): Gossip<Uint8Array>[] {
    for (const message of messages) {
      this.#core.handle(100, { kind: 'message', from: origin.id, message }, this.#out);
    }
    return this.#out
      .take()
      .flatMap((effect) => (effect.kind === 'emit' && effect.event.kind === 'delivered' ? [effect.event.message] : []));
  }
}

function gossipsOf(decoder: FrameDecoder, frame: Buffer): Gossip<Uint8Array>[] {
  const decoded = decoder.decode(frame);
  if (decoded.kind === 'malformed') return [];
  return decoded.messages.flatMap(({ area, message }) =>
    area === 'broadcast' && message.kind === 'gossip' ? [message] : [],
  );
}

const said = ({ stream, seq, publishedAt, tree, body }: Gossip<Uint8Array>): string =>
  JSON.stringify([stream, seq, publishedAt, tree, Buffer.from(body).toString('latin1')]);

describe('frames of a mesh that signs', () => {
  const counts = [3, 1, 2];
  const frames = new Peer(origin, reader.id).frames(counts);
  const decoder = new FrameDecoder(defaultFrameLimits);
  const truth = new Set(frames.flatMap((frame) => gossipsOf(decoder, frame)).map(said));

  it('bring everything when nobody touches them', () => {
    expect(truth.size).toBe(6);
    const fresh = new FrameDecoder(defaultFrameLimits);
    const all = frames.flatMap((frame) => gossipsOf(fresh, frame));
    expect(new Peer(reader, origin.id).receive(all).map(said)).toEqual([...truth]);
  });

  it('whatever bytes of them are changed, cut out or repeated: nothing is delivered that was not published, and nothing throws', () => {
    const change = fc.record({
      frame: fc.nat(frames.length - 1),
      at: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 3 }),
      cut: fc.nat(3),
    });
    let delivered = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const tampered = frames.map((frame) => Buffer.from(frame));
        for (const { frame, at, bytes, cut } of changes) {
          const whole = tampered[frame] as Buffer;
          const place = at % (whole.length + 1);
          tampered[frame] = Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(place + cut)]);
        }
        const relayed = new FrameDecoder(defaultFrameLimits);
        const peer = new Peer(reader, origin.id);
        for (const message of peer.receive(tampered.flatMap((frame) => gossipsOf(relayed, frame)))) {
          expect(truth).toContain(said(message));
          delivered++;
        }
      }),
      { numRuns: 300 },
    );
    expect(delivered).toBeGreaterThan(0);
  });

  it('a message of which a field is changed is never delivered', () => {
    const all = frames.flatMap((frame) => gossipsOf(new FrameDecoder(defaultFrameLimits), frame)).slice(0, 3);
    const lie: fc.Arbitrary<Partial<Gossip<Uint8Array>>> = fc.oneof(
      fc.record({ seq: fc.integer({ min: 1, max: 2 ** 40 }) }),
      fc.record({ publishedAt: fc.integer({ min: 1, max: 1_000 }) }),
      fc.record({ tree: fc.nat(1_000) }),
      fc.record({ body: fc.uint8Array({ maxLength: 9 }) }),
      fc.record({ stream: fc.constantFrom(`${origin.id}~2`, `${origin.id}~1!`, 'x~1') }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...all), lie, (message, part) => {
        for (const got of new Peer(reader, origin.id).receive([{ ...message, ...part }])) {
          expect(truth).toContain(said(got));
        }
      }),
      { numRuns: 200 },
    );
  });
});
