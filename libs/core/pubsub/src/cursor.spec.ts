import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cursor, cursorLimits, decodeCursor, encodeCursor, fitsCursor, mergeCursors } from './cursor.ts';

const streams = fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme-ascii' });
const cursors = fc.record({
  seen: fc.array(fc.tuple(streams, fc.nat(2 ** 31 - 1)), { maxLength: 20 }).map((entries) => new Map(entries)),
  time: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  isComplete: fc.boolean(),
});

function decoded(text: string): Cursor {
  const parsed = decodeCursor(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

function cursor(seen: [string, number][], time: number, isComplete = false): Cursor {
  return { seen: new Map(seen), time, isComplete };
}

describe('cursors', () => {
  it('survive the way through text that needs no escaping in a URL', () => {
    fc.assert(
      fc.property(cursors, (one) => {
        const text = encodeCursor(one);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decoded(text)).toEqual(one);
      }),
    );
  });

  it('any other text is refused with a sentence', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = decodeCursor(text);
        if (!parsed.ok) expect(parsed.problem).toMatch(/^is /);
      }),
    );
    expect(decodeCursor('')).toEqual({ ok: false, problem: 'is no cursor: it is cut short' });
    expect(decodeCursor('a b').ok).toBe(false);
    expect(decodeCursor('A'.repeat(100_000))).toEqual({ ok: false, problem: 'is longer than any cursor' });
  });

  it('a changed character is noticed', () => {
    const text = encodeCursor(cursor([['peer~1', 41]], 1_764_000_000_000));
    for (let i = 0; i < text.length; i++) {
      const changed = `${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`;
      expect(decodeCursor(changed).ok).toBe(false);
    }
  });

  it('one of a later version says so', () => {
    const text = encodeCursor(cursor([], 0));
    expect(decodeCursor(`Ag${text.slice(2)}`)).toEqual({
      ok: false,
      problem: 'is of version 2, which this peer does not know',
    });
  });

  it('is never too long to be read back: what has no room is left out, and it is complete no longer', () => {
    const many = new Map(Array.from({ length: 1_000 }, (_, i) => [`${'x'.repeat(60)}~${i}`, i + 1] as const));
    const one = { seen: many, time: 5, isComplete: true };
    expect(fitsCursor(many)).toBe(false);
    const text = encodeCursor(one);
    expect(text.length).toBeLessThanOrEqual(Math.ceil((cursorLimits.bytesMax * 4) / 3));
    const read = decoded(text);
    expect(read.isComplete).toBe(false);
    expect(read.seen.size).toBeGreaterThan(100);
    expect([...read.seen]).toEqual([...many].slice(0, read.seen.size));
  });

  it('merge to the most seen of each stream and the latest time', () => {
    expect(
      mergeCursors([
        cursor([['a', 3]], 10),
        cursor(
          [
            ['a', 5],
            ['b', 1],
          ],
          7,
        ),
      ]),
    ).toEqual(
      cursor(
        [
          ['a', 5],
          ['b', 1],
        ],
        10,
      ),
    );
  });

  it('merge by the time of the complete ones: others vouch only for what had time to spread', () => {
    const merged = mergeCursors([cursor([['a', 3]], 100), cursor([['b', 1]], 20, true), cursor([['c', 1]], 30, true)]);
    expect(merged.time).toBe(30);
    expect(merged.isComplete).toBe(true);
  });
});
