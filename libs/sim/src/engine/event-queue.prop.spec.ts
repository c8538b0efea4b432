import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue, msFromTicks, ticksFromMs } from './event-queue.ts';

/** The obvious queue: a list sorted by tick, then by order of arrival. */
class DumbQueue {
  #events: { tick: number; order: number }[] = [];
  #order = 0;
  now = 0;

  add(tick: number): number {
    const order = this.#order++;
    this.#events.push({ tick: Math.max(tick, this.now), order });
    return order;
  }

  take(until: number): number | undefined {
    this.#events.sort((a, b) => a.tick - b.tick || a.order - b.order);
    const first = this.#events[0];
    if (first === undefined || first.tick > until) {
      if (until < Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
      return undefined;
    }
    this.#events.shift();
    this.now = first.tick;
    return first.order;
  }
}

/** Delays that fall in the same tick, the near wheel, the far wheel and beyond both. */
const delay = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 20_000_000 }),
  fc.integer({ min: 0, max: 200_000_000 }),
);
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), delay }),
  fc.record({ do: fc.constant('take' as const), delay }),
  fc.record({ do: fc.constant('drain' as const), delay: fc.integer({ min: 0, max: 30_000_000 }) }),
);

describe('EventQueue', () => {
  it('gives the same events at the same ticks in the same order as a sorted list', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new EventQueue<number, null>();
        const dumb = new DumbQueue();
        const takeBoth = (until: number): boolean => {
          const expected = dumb.take(until);
          const taken = queue.take(until);
          expect(taken ? queue.subject : undefined).toBe(expected);
          expect(queue.now).toBe(dumb.now);
          return taken;
        };
        for (const { do: action, delay } of steps) {
          if (action === 'add') queue.add(dumb.now + delay, 1, dumb.add(dumb.now + delay), null);
          else if (action === 'take') takeBoth(dumb.now + delay);
          else {
            const until = dumb.now + delay;
            while (takeBoth(until));
          }
        }
        while (takeBoth(Number.POSITIVE_INFINITY));
        expect(queue.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps ticks exact past 2^31', () => {
    const queue = new EventQueue<string, null>();
    queue.add(2 ** 31 + 5, 1, 'late', null);
    queue.add(2 ** 31 - 5, 1, 'early', null);
    queue.take(Number.POSITIVE_INFINITY);
    expect([queue.subject, queue.now]).toEqual(['early', 2 ** 31 - 5]);
    queue.take(Number.POSITIVE_INFINITY);
    expect([queue.subject, queue.now]).toEqual(['late', 2 ** 31 + 5]);
  });

  it('never rounds a deadline to before it', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (ms) => msFromTicks(ticksFromMs(ms)) >= ms));
  });
});
