import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './parse.ts';
import { printQuery } from './print.ts';
import { type QueryNode, queryLimits } from './syntax.ts';
import { wordsOf } from './words.ts';

/** Texts made of what the language is made of, so that most of the parser is reached. */
const pieces = fc.constantFrom(
  ...[
    'starling',
    'Ångström',
    '東京',
    'title:',
    'a.b:',
    'year>',
    'n<=',
    'x=',
    '"',
    '(',
    ')',
    '-',
    '*',
    '..',
    ' ',
    ' OR ',
  ],
  ...[' AND ', ' NOT ', '10', '-2.5', '2020-01-31', '1990..2000', '&', 'or', ':', '>', 'ﷺ', '\u0301', '\ud800'],
);
const likely = fc.array(pieces, { maxLength: 24 }).map((all) => all.join(''));
const anything = fc.oneof(likely, fc.string({ maxLength: 200, unit: 'binary' }), fc.string({ maxLength: 1_200 }));

function withoutPlaces(node: QueryNode): unknown {
  return JSON.parse(JSON.stringify(node, (key, value) => (key === 'at' || key === 'end' ? undefined : value)));
}

describe('parseQuery', () => {
  it('never throws, and points into the text', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseQuery(text);
        const { at, end } = parsed.ok ? parsed.query : parsed;
        expect(at).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(at);
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what printQuery writes as the same query', () => {
    let read = 0;
    fc.assert(
      fc.property(likely, (text) => {
        const parsed = parseQuery(text);
        if (!parsed.ok) return;
        const printed = printQuery(parsed.query);
        // ﷺ is one character that is eighteen letters.
        fc.pre(printed.length <= queryLimits.queryCharsMax);
        read++;
        const again = parseQuery(printed);
        expect(again.ok && withoutPlaces(again.query), printed).toEqual(withoutPlaces(parsed.query));
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

describe('wordsOf', () => {
  it('finds in its own words nothing but themselves', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme' })), (text) => {
        for (const word of wordsOf(text)) expect(wordsOf(word)).toEqual([word]);
        expect(wordsOf(wordsOf(text).join(' '))).toEqual(wordsOf(text));
      }),
      { numRuns: 2_000 },
    );
  });
});
