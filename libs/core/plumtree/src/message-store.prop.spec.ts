import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gossip } from './bench.test-support.ts';
import { heldMessageBytes, MessageStore } from './message-store.ts';
import type { Gossip, StreamDigest } from './messages.ts';

function message(stream: string, seq: number, bytes: number): Gossip<string> {
  return gossip(seq, { stream, body: 'x'.repeat(bytes) });
}

const adds = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 80 }), fc.nat(20)), {
  maxLength: 120,
  selector: ([stream, seq]) => `${stream}${seq}`,
});

/** The dumb twin: a list in order of arrival. */
interface Held {
  readonly message: Gossip<string>;
  readonly at: number;
}

function runsOf(held: readonly Held[], stream: string, max: number): StreamDigest[] {
  const seqs = held
    .filter(({ message }) => message.stream === stream)
    .map(({ message }) => message.seq)
    .sort((a, b) => a - b);
  const runs: { stream: string; from: number; seen: number }[] = [];
  for (const seq of seqs) {
    const last = runs[runs.length - 1];
    if (last?.seen === seq - 1) last.seen = seq;
    else runs.push({ stream, from: seq, seen: seq });
  }
  return runs.slice(-max);
}

describe('MessageStore', () => {
  it('holds the latest within its bounds and knows its runs', () => {
    fc.assert(
      fc.property(
        adds,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: heldMessageBytes + 20, max: 20 * heldMessageBytes }),
        (added, countMax, bytesMax) => {
          const store = new MessageStore<string>({ bytesMax, countMax, ageMs: 50 }, (body) => body.length);
          let twin: Held[] = [];
          for (const [now, [stream, seq, bytes]] of added.entries()) {
            store.expire(now);
            twin = twin.filter(({ at }) => at > now - 50);
            const one = message(stream, seq, bytes);
            expect(store.add(now, one)).toBe(true);
            twin.push({ message: one, at: now });
            const bytesOf = (): number =>
              twin.reduce((sum, { message }) => sum + message.body.length + heldMessageBytes, 0);
            while (twin.length > countMax || bytesOf() > bytesMax) twin.shift();
            expect(store.size).toBe(twin.length);
            expect(store.bytes).toBe(bytesOf());
          }
          for (const stream of ['a', 'b']) {
            const runs: StreamDigest[] = [];
            store.runs(stream, 3, runs);
            expect(runs).toEqual(runsOf(twin, stream, 3));
            const held = twin.map((one) => one.message).filter((one) => one.stream === stream);
            for (let seq = 0; seq <= 82; seq++)
              expect(store.get(stream, seq)).toBe(held.find((one) => one.seq === seq));
            const middle = held.filter((one) => one.seq >= 20 && one.seq <= 60).sort((a, b) => a.seq - b.seq);
            expect(store.range(stream, 20, 60, 5)).toEqual(middle.slice(0, 5));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not hold what is larger than all of it', () => {
    const bytesMax = heldMessageBytes + 10;
    const store = new MessageStore<string>({ bytesMax, countMax: 10, ageMs: 50 }, (body) => body.length);
    store.add(0, message('a', 1, 5));
    expect(store.add(0, message('a', 2, 11))).toBe(false);
    expect(store.size).toBe(1);
  });
});
