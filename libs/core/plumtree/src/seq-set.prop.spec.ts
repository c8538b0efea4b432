import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeqSet } from './seq-set.ts';

const seqs = fc.integer({ min: 1, max: 60 });
const steps = fc.array(
  fc.oneof({ weight: 12, arbitrary: seqs }, { weight: 1, arbitrary: fc.constant('giveUp' as const) }),
  {
    maxLength: 150,
  },
);

/** The same by a set of numbers. */
class Twin {
  readonly seen = new Set<number>();

  add(seq: number): boolean {
    const isNew = !this.seen.has(seq);
    this.seen.add(seq);
    return isNew;
  }

  giveUpLowest(): { from: number; to: number } | null {
    const highest = Math.max(0, ...this.seen);
    let from = 1;
    while (this.seen.has(from)) from++;
    if (from > highest) return null;
    let to = from;
    while (!this.seen.has(to + 1)) to++;
    for (let seq = from; seq <= to; seq++) this.seen.add(seq);
    return { from, to };
  }

  absent(from: number, to: number): number[] {
    const found: number[] = [];
    for (let seq = from; seq <= to; seq++) if (!this.seen.has(seq)) found.push(seq);
    return found;
  }
}

describe('SeqSet', () => {
  it('is a set of numbers', () => {
    fc.assert(
      fc.property(steps, seqs, seqs, (taken, a, b) => {
        const set = new SeqSet();
        const twin = new Twin();
        for (const [now, step] of taken.entries()) {
          if (step === 'giveUp') expect(set.giveUpLowest()).toEqual(twin.giveUpLowest());
          else expect(set.add(step, now)).toBe(twin.add(step));
        }
        for (let seq = 1; seq <= 70; seq++) expect(set.has(seq)).toBe(twin.seen.has(seq));
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const absent = set.absent(from, to, 100).flatMap((run) => {
          return Array.from({ length: run.to - run.from + 1 }, (_, i) => run.from + i);
        });
        expect(absent).toEqual(twin.absent(from, to));
        expect(set.hasHoles).toBe(set.highest > set.floor);
        expect(set.highest).toBe(Math.max(0, ...twin.seen));
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows since when its lowest hole is known', () => {
    const set = new SeqSet();
    set.add(1, 10);
    expect(set.lowestHoleSince).toBe(Number.POSITIVE_INFINITY);
    set.add(9, 20);
    set.add(5, 30); // splits the hole: its lower part is as old
    expect(set.lowestHoleSince).toBe(20);
    expect(set.giveUpLowest()).toEqual({ from: 2, to: 4 });
    expect(set.floor).toBe(5);
  });
});
