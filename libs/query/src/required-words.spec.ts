import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentText } from './document.ts';
import { matches } from './match.ts';
import { parseQuery } from './parse.ts';
import { requiredWords } from './required-words.ts';
import { wordsOf } from './words.ts';

function wordsFor(text: string): readonly (readonly string[])[] {
  const parsed = parseQuery(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return requiredWords(parsed.query);
}

describe('the words that an answer must have', () => {
  it.each([
    ['starling', [['starling']]],
    ['Starling murmuration', [['starling', 'murmuration']]],
    ['"a murmuration of starlings"', [['a', 'murmuration', 'of', 'starlings']]],
    ['mur*', [[]]],
    ['starling mur*', [['starling']]],
    ['"murmuration of st"*', [['murmuration', 'of']]],
    ['title:starling', [['starling']]],
    ['year:1990..2000', [[]]],
    ['starling year:1990..2000', [['starling']]],
    ['starling -europe', [['starling']]],
    ['starling OR blackbird', [['starling'], ['blackbird']]],
    ['starling OR mur*', [[]]],
    [
      '(starling OR blackbird) song',
      [
        ['starling', 'song'],
        ['blackbird', 'song'],
      ],
    ],
    [
      '(a OR b) (c OR d)',
      [
        ['a', 'c'],
        ['a', 'd'],
        ['b', 'c'],
        ['b', 'd'],
      ],
    ],
  ])('of %s', (text, words) => {
    expect(wordsFor(text)).toEqual(words);
  });

  it('of very many alternatives are those of a part', () => {
    const many = (letter: string) => `(${[1, 2, 3, 4, 5].map((i) => `${letter}${i}`).join(' OR ')})`;
    expect(wordsFor(`${many('a')} ${many('b')}`)).toHaveLength(5);
  });

  it('are in every document that matches', () => {
    const word = fc.constantFrom('aa', 'ab', 'b', 'c');
    const query = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        word,
        word.map((w) => `${w.padEnd(2, 'x')}*`),
        fc.tuple(word, word).map(([a, b]) => `"${a} ${b}"`),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a} OR ${b})`),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a} ${b})`),
        fc.tuple(word, tie('node')).map(([a, b]) => `(${a} -${b})`),
      ),
    })).node;
    fc.assert(
      fc.property(query, fc.array(word, { maxLength: 6 }), (text, list) => {
        const parsed = parseQuery(text);
        if (!parsed.ok || !matches(parsed.query, documentText({ text: list.join(' ') }))) return;
        const has = new Set(wordsOf(list.join(' ')));
        expect(requiredWords(parsed.query).some((words) => words.every((each) => has.has(each)))).toBe(true);
      }),
    );
  });
});
