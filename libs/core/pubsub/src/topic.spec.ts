import { describe, expect, it } from 'vitest';
import { type Pattern, parsePattern, parseTopic, TopicMatcher } from './topic.ts';

function problemOf(result: ReturnType<typeof parseTopic> | ReturnType<typeof parsePattern>): string {
  return result.ok ? '' : result.problem;
}

describe('parseTopic', () => {
  it.each(['a', 'orders.created', 'A-1_b.c', Array(16).fill('w').join('.'), 'x'.repeat(256)])('takes %s', (text) => {
    expect(parseTopic(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    ['', 'is empty'],
    ['a..b', 'empty word (a dot too many) at character 3'],
    ['.a', 'at character 1'],
    ['a.', 'at character 3'],
    ['a.b c', 'word "b c" at character 3'],
    ['ä', 'character other than letters'],
    ['a.*', '"*", which only a subscription may use, at character 3'],
    ['a.>', '">", which only a subscription may use, at character 3'],
    ['x'.repeat(257), 'has 257 characters; at most 256'],
    [Array(17).fill('w').join('.'), 'has 17 words; at most 16'],
  ])('says what is wrong with %j and where', (text, part) => {
    expect(problemOf(parseTopic(text))).toContain(part);
  });
});

describe('parsePattern', () => {
  it.each(['a', '*', '>', 'a.*.c', 'a.>', '*.*.>'])('takes %s', (text) => {
    expect(parsePattern(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    ['>.a', 'must be the last word'],
    ['a.b*', 'wildcard inside the word "b*"'],
    ['a.**', 'wildcard inside'],
    ['a>', 'wildcard inside'],
  ])('says what is wrong with %j', (text, part) => {
    expect(problemOf(parsePattern(text))).toContain(part);
  });
});

describe('TopicMatcher', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.b.c', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['*.b.>', 'a.b.c', true],
    ['*.b.>', 'a.c.b', false],
    ['a.*.c', 'a.b.c', true],
  ])('%s against %s: %s', (pattern, topic, expected) => {
    const matcher = new TopicMatcher([pattern as Pattern]);
    expect(matcher.matches(topic)).toBe(expected);
    expect(matcher.matches(topic)).toBe(expected); // remembered
  });

  it('tries "*" where a word leads nowhere', () => {
    const matcher = new TopicMatcher(['a.b.x', 'a.*.c'] as Pattern[]);
    expect(matcher.matches('a.b.c')).toBe(true);
  });

  it('does not throw at text that is no topic, and forgets what it remembered at a bound', () => {
    const matcher = new TopicMatcher(['a.>'] as Pattern[]);
    expect(matcher.matches('..')).toBe(false);
    expect(matcher.matches(`a.${'x'.repeat(100_000)}`)).toBe(false);
    for (let i = 0; i < 5_000; i++) expect(matcher.matches(`a.t${i}`)).toBe(true);
  });
});
