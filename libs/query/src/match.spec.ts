import { describe, expect, it } from 'vitest';
import { documentText, pathLimits } from './document.ts';
import { matches, occurrences } from './match.ts';
import { parseQuery } from './parse.ts';
import type { QueryNode, TextTerm } from './syntax.ts';
import { rankedTerms, termKey } from './terms.ts';

function query(text: string): QueryNode {
  const parsed = parseQuery(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.query;
}

const starling = documentText({
  title: 'The common starling, a starling of Europe',
  tags: ['bird', 'song bird'],
  author: { name: 'Ada Smith', born: '1815-12-10' },
  year: 1990,
  weight: '78.5',
  seen: '2020-06-30T12:00:00+02:00',
  wild: true,
});

describe('matches', () => {
  it.each([
    ['starling europe', true],
    ['starling africa', false],
    ['star*', true],
    ['"common starling"', true],
    ['"starling common"', false],
    ['"common starl"*', true],
    // Two values of a list, and two fields, are no phrase together.
    ['"bird song"', false],
    ['"europe bird"', false],
    ['"song bird"', true],
    ['title:starling', true],
    ['tags:starling', false],
    // A name of a field is no word.
    ['title', false],
    ['author:smith', true],
    ['author.name:smith', true],
    ['name:smith', false],
    ['auth:smith', false],
    ['wild:true', true],
    ['year:1990', true],
    ['year:1980..1990', true],
    ['year>1990', false],
    ['year=1990', true],
    ['weight<78.6', true],
    ['weight<78.5', false],
    ['title>0', false],
    ['author.born:1815', true],
    ['author.born=1815', true],
    ['author.born>1815', false],
    ['author.born>1815-11', true],
    ['author.born<=1815-12-10', true],
    ['author.born<1815-12-10', false],
    ['author:1800..1820', true],
    ['seen:2020-06-30T10:00Z..2020-06-30T10:00Z', true],
    ['seen>2020-06-30T10:00:00Z', false],
    ['starling -europe', false],
    ['starling -africa', true],
    ['africa OR europe', true],
    ['(africa OR europe) -(common tags:fish)', true],
  ])('%s: %s', (text, expected) => {
    expect(matches(query(text), starling)).toBe(expected);
  });

  it('counts a phrase and a prefix as one term', () => {
    const counts = rankedTerms(query('starling star* "common starling" -europe year>1 (bird OR starling)'));
    expect(counts.map((term) => [termKey(term), occurrences(term, starling)])).toEqual([
      ['starling', 2],
      ['star*', 2],
      ['"common starling"', 1],
      ['bird', 2],
    ]);
    expect(occurrences(query('aa') as TextTerm, documentText('aa aa'))).toBe(2);
  });
});

describe('documentText', () => {
  it('counts its words, at any depth, in the order of the document', () => {
    const text = documentText({ a: 'one two', b: [['three'], { c: 4 }], d: null });
    expect(text.length).toBe(4);
    expect(text.fields.map(({ path, values }) => [path, values])).toEqual([
      ['a', [['one', 'two']]],
      ['b', [['three']]],
      ['b.c', [['4']]],
    ]);
  });

  it('bounds paths, whatever is nested', () => {
    let deep: unknown = 'bottom';
    for (let i = 0; i < 5_000; i++) deep = { k: [deep] };
    const [field] = documentText(deep).fields;
    expect(field?.path.split('.')).toHaveLength(pathLimits.keysMax);
    expect(field?.values).toEqual([['bottom']]);
    expect(documentText({ ['k'.repeat(300)]: 'x' }).fields[0]?.path).toBe('');
  });
});
