import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pattern, parsePattern, parseTopic, TopicMatcher } from './topic.ts';

const word = fc.constantFrom('a', 'b', 'c');
const topic = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('*')), { maxLength: 4 }), fc.boolean())
  .map(([words, rest]) => (rest || words.length === 0 ? [...words, '>'] : words).join('.') as Pattern);

/** The dumb twin: one pattern at a time, by a regular expression. */
function twin(patterns: readonly string[], text: string): boolean {
  return patterns.some((one) => {
    const source = one.split('.').map((w) => (w === '*' ? '[^.]+' : w === '>' ? '.+' : w));
    return new RegExp(`^${source.join('\\.')}$`).test(text);
  });
}

describe('topics', () => {
  it('a tree of patterns selects what its patterns select one by one', () => {
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 6 }), topic, (patterns, text) => {
        expect(new TopicMatcher(patterns).matches(text)).toBe(twin(patterns, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('any text is taken or refused with a sentence; a topic is a pattern that selects itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), topic), (text) => {
        const parsed = parseTopic(text);
        const asPattern = parsePattern(text);
        if (!parsed.ok) expect(parsed.problem.length).toBeGreaterThan(10);
        else {
          expect(asPattern.ok).toBe(true);
          expect(new TopicMatcher([text as Pattern]).matches(text)).toBe(true);
        }
      }),
    );
  });
});
