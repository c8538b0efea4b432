import { bm25, documentText, matches, occurrences, parseQuery, rankedTerms } from '@starling/query';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredDocument } from './local-index.ts';
import { SqliteIndex } from './sqlite-index.ts';

// A small world, so that documents and questions meet.
const word = fc.constantFrom('owl', 'owl', 'owls', 'cat', 'Café', '東京', 'or');
const text = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(' '));
const value = fc.oneof(text, fc.constantFrom(1, 2, 2.5, -3), fc.constantFrom('2020-01-31', '2020-06', true));
const key = fc.constantFrom('a', 'b', 'a.b', 'c');
const fields = fc.dictionary(
  key,
  fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.dictionary(key, value, { maxKeys: 2 })),
  { minKeys: 1, maxKeys: 3 },
);
const change = fc.oneof(
  { weight: 8, arbitrary: fc.record({ id: fc.constantFrom(...'123456'), fields, version: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom(...'123456') }) },
);

const filter = fc.constantFrom('', '', '', 'a:', 'a.b:', 'c:', 'nobody:');
const term = fc.oneof(
  fc.tuple(filter, word).map((parts) => parts.join('')),
  fc.tuple(filter, fc.constantFrom('ow*', 'ca*', 'caf*')).map((parts) => parts.join('')),
  fc.tuple(filter, text, fc.constantFrom('', '*')).map(([of, phrase, star]) => `${of}"${phrase}"${star}`),
  fc.constantFrom('a>1', 'b<=2', 'c:2020..2021', 'a:2020-01..', 'a.b=2', 'c=1', 'b:-5..2'),
);
const all = fc
  .tuple(term, fc.array(fc.tuple(fc.constantFrom('', '', '-'), term), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest.map((parts) => parts.join(''))].join(' '));
const question = fc.oneof(
  all,
  fc.tuple(all, all).map(([a, b]) => `${a} OR ${b}`),
  fc.tuple(all, all, all).map(([a, b, c]) => `${a} -(${b} OR ${c})`),
  fc.tuple(all, all, all).map(([a, b, c]) => `(${a} OR ${b}) (${c})`),
);

describe('the index against reading every document', () => {
  it('finds the same, with the same ingredients and scores', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 4, maxLength: 20 }),
        fc.array(question, { maxLength: 8 }),
        (changes, questions) => {
          const index = new SqliteIndex({ path: '', documentsMax: 100, bytesMax: 1 << 20 });
          const held = new Map<string, StoredDocument>();
          for (const { id, ...rest } of changes) {
            if ('fields' in rest) {
              const document = { id, json: JSON.stringify(rest.fields), version: rest.version };
              index.put([document]);
              if ((held.get(id)?.version ?? 0) <= rest.version) held.set(id, document);
            } else {
              index.delete([id]);
              held.delete(id);
            }
          }
          const documents = [...held.values()].map(({ id, json }) => ({ id, text: documentText(JSON.parse(json)) }));
          expect(index.size).toBe(documents.length);
          for (const asked of questions) {
            const parsed = parseQuery(asked);
            // `x1*` is fine, a single letter before the star is not.
            if (!parsed.ok) continue;
            const terms = rankedTerms(parsed.query);
            const { hits, statistics } = index.search({ text: asked, limit: 100, statistics: null });
            expect(statistics.words).toBe(documents.reduce((sum, { text }) => sum + text.length, 0));
            for (const [i, ranked] of terms.entries()) {
              const exact = documents.filter(({ text }) => occurrences(ranked, text) > 0).length;
              // By a field inside another, the index counts those that may have it.
              if (ranked.field?.includes('.')) expect(statistics.frequencies[i]).toBeGreaterThanOrEqual(exact);
              else expect(statistics.frequencies[i], asked).toBe(exact);
            }
            const expected = documents
              .filter(({ text }) => matches(parsed.query, text))
              .map(({ id, text }) => {
                const counts = terms.map((ranked) => occurrences(ranked, text));
                const { length } = text;
                return { id, length, terms: counts, score: bm25({ length, terms: counts }, statistics) };
              })
              .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
            found += expected.length;
            expect(
              hits.map(({ id, length, terms, score }) => ({ id, length, terms, score })),
              asked,
            ).toEqual(expected);
          }
          index.close();
        },
      ),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(100);
  });
});
