import { countMax, Rng } from '@starling/kernel';
import type { Body, MeshMessage } from '@starling/mesh';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyCodec } from './body-codec.ts';
import { defaultFrameLimits, FrameDecoder, FrameEncoder, toOutgoing } from './frame-codec.ts';
import { atWork } from './test-support/at-work.ts';

type Message = MeshMessage<Uint8Array>;

/** The largest that each kind of field on the wire takes, and what is next to it. */
const extremes = [
  0,
  1,
  128,
  65_535,
  0x7fff_ffff,
  0xffff_ffff,
  2 ** 32,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
  1e300,
];
const honest = ['p1', 'p2', 'p3'];
const names = ['p0', ...honest, 'p4', ''];

/** Which message of whom it is, of what is broadcast: only signatures can tell a lie about that (docs/security/attacks.md). */
const claims: ReadonlySet<string> = new Set(['stream', 'seq', 'from', 'to', 'publishedAt']);

/** The same value with some of its numbers and names exchanged, one of a dozen. */
function twisted(value: unknown, rng: Rng): unknown {
  if (typeof value === 'number' && rng.below(12) === 0) return extremes[rng.below(extremes.length)];
  if (typeof value === 'string' && names.includes(value) && rng.below(12) === 0) return names[rng.below(names.length)];
  if (Array.isArray(value)) return value.map((item) => twisted(item, rng));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, claims.has(key) ? item : twisted(item, rng)]),
  );
}

/** A broadcast's body is bytes to those who pass it on; it is twisted, too, where what comes out is one that can be read. */
function twistedBody(message: Message, rng: Rng): Message {
  if (message.area !== 'broadcast' || message.message.kind !== 'gossip') return message;
  try {
    const body = bodyCodec.encode(twisted(bodyCodec.decode(message.message.body), rng) as Body);
    bodyCodec.decode(body);
    return { ...message, message: { ...message.message, body } };
  } catch {
    return message;
  }
}

function isReadable(message: Message): boolean {
  try {
    const encoder = new FrameEncoder(defaultFrameLimits);
    encoder.add(toOutgoing(message));
    return new FrameDecoder(defaultFrameLimits).decode(encoder.take()).kind !== 'malformed';
  } catch {
    return false; // no encoder makes it
  }
}

describe('a neighbour that lies about numbers and names', () => {
  it('neither breaks a peer nor makes it say what others cannot read, or hold against it', () => {
    const told = new Set<string>();
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const rng = new Rng(seed);
        const lie = (message: Message): Message | null => {
          const lied = twisted(twistedBody(message, rng), rng) as Message;
          if (!isReadable(lied)) return null;
          told.add(message.message.kind);
          return lied;
        };
        const network = atWork(7, null, { id: 'p0', lie });
        for (const id of honest) {
          const blamed = network.events(id, 'protocolViolation').filter(({ peer }) => honest.includes(peer));
          expect(blamed, `what ${id} holds against others`).toEqual([]);
          for (const { tally } of network.events(id, 'queryFinished')) {
            const { asked, answered, messages, missing, bytes, statistics } = tally;
            for (const count of [asked, answered, messages, missing]) expect(count).toBeLessThanOrEqual(countMax);
            for (const sum of [bytes, statistics?.documents ?? 0])
              expect(sum).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
          }
        }
      }),
      { numRuns: 10 },
    );
    expect([...told].length).toBeGreaterThan(20);
  });
});
