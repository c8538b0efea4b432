import { describe, expect, it } from 'vitest';
import { describeProblem, parseQuery } from './parse.ts';
import { printQuery } from './print.ts';
import { queryLimits } from './syntax.ts';

function printed(text: string): string {
  const parsed = parseQuery(text);
  return parsed.ok ? printQuery(parsed.query) : `${parsed.at}: ${parsed.problem}`;
}

describe('the query language', () => {
  it.each([
    ['starling murmuration', 'starling murmuration'],
    ['  Starling\tMURMURATION ', 'starling murmuration'],
    ['starling AND murmuration', 'starling murmuration'],
    ['"A murmuration of starlings"', '"a murmuration of starlings"'],
    ['mur*', 'mur*'],
    ['"flock of sta"*', '"flock of sta"*'],
    // A word with something between its letters is a phrase.
    ['well-known', '"well known"'],
    ["starling's", '"starling s"'],
    ['well-kno*', '"well kno"*'],
    ['title:starling', 'title:starling'],
    ['title:"of starlings"', 'title:"of starlings"'],
    ['title:mur*', 'title:mur*'],
    ['author.name:smith', 'author.name:smith'],
    ['year:1990..2000', 'year:1990..2000'],
    ['year:1990..', 'year>=1990'],
    ['year:..2000', 'year<=2000'],
    ['size>10 size<=-2.5', 'size>10 size<=-2.5'],
    ['year=1990', 'year=1990'],
    ['date>2020-01-31', 'date>2020-01-31'],
    ['date:2020-01..2020-06-30T12:00:00Z', 'date:2020-01..2020-06-30T12:00:00Z'],
    ['starling -europe', 'starling -europe'],
    ['starling NOT "of europe"', 'starling -"of europe"'],
    ['starling OR blackbird', 'starling OR blackbird'],
    ['a b OR c d', 'a b OR c d'],
    ['a (b OR c) d', 'a (b OR c) d'],
    ['((a))', 'a'],
    ['a (b c)', 'a b c'],
    ['a -(b OR c)', 'a -(b OR c)'],
    ['a or b', 'a or b'],
    // Punctuation alone is nobody's word.
    ['fish & chips', 'fish chips'],
    ['a - b', 'a b'],
    ['foo"bar"', 'foo bar'],
    ['ﬁne Ångström', 'fine angstrom'],
    ['東京', '"東 京"'],
    ['東京*', '"東 京"'],
    ['10:30', '"10 30"'],
  ])('reads %j as %j', (text, expected) => {
    expect(printed(text)).toBe(expected);
  });

  it.each([
    ['', 0, 'has no word to search for'],
    ['!!', 0, 'has no word to search for'],
    ['starling (murmuration', 9, 'has a "(" that is not closed'],
    ['starling )', 9, 'has a ")" without a "(" before it'],
    ['a ()', 2, 'has nothing between "(" and ")"'],
    ['a "of starlings', 2, 'has a quotation mark that is not closed'],
    ['a ""', 2, 'has no word between the quotation marks'],
    ['mur*ation', 3, 'can have "*" at the end of a word only'],
    ['*', 0, 'needs letters before "*"'],
    ['a b*', 2, 'needs at least 2 letters before "*"'],
    ['title: starling', 6, 'needs a word, a phrase or a range right after "title:"'],
    ['title:', 6, 'needs a word, a phrase or a range right after "title:"'],
    ['size>big', 5, 'needs a number or a date after "size>"; put text in quotes'],
    ['colour=red', 7, 'needs a number or a date after "colour="; a word of a field is asked for as colour:word'],
    ['year:1990..soon', 11, 'has "soon", which is neither a number nor a date, as 10, -2.5 or 2020-01-31'],
    ['year:2000..1990', 5, 'has a range that is empty: 2000 is above 1990'],
    ['x:10..2020-01-31', 2, 'has a range from a number to a date'],
    ['x:..', 2, 'has a range with no end at all'],
    ['d:2020-02-30..', 2, 'has "2020-02-30", which is neither a number nor a date, as 10, -2.5 or 2020-01-31'],
    ['a OR', 2, 'has nothing after OR; the word itself is written "or"'],
    ['OR a', 0, 'has nothing before OR; the word itself is written "or"'],
    ['a AND', 2, 'has nothing after AND; the word itself is written "and"'],
    ['-a', 0, 'only says what to leave out here: it needs something to find beside it'],
    ['a OR -b', 5, 'only says what to leave out here: it needs something to find beside it'],
    ['a --b', 2, 'has nothing to leave out after - or NOT'],
    ['a NOT', 2, 'has nothing to leave out after - or NOT'],
    [`${'('.repeat(9)}a${')'.repeat(9)}`, 8, 'has parentheses more than 8 deep'],
    ['ab '.repeat(33).trim(), 96, 'has more than 32 words, phrases and ranges'],
    ['x'.repeat(1_025), 1_024, 'has 1025 characters; at most 1024 are taken'],
    [`${'x'.repeat(129)}:a`, 0, 'has the name of a field of more than 128 characters'],
  ])('points at what is wrong in %j', (text, at, problem) => {
    expect(printed(text)).toBe(`${at}: ${problem}`);
  });

  it('counts characters from 1 for people', () => {
    const parsed = parseQuery('a )');
    expect(parsed.ok ? '' : describeProblem(parsed)).toBe('has a ")" without a "(" before it (at character 3)');
  });

  it('says where each part stands', () => {
    const parsed = parseQuery('ab title:"x y" (c OR d)');
    expect(parsed.ok && parsed.query.kind === 'and' && parsed.query.nodes.map(({ at, end }) => [at, end])).toEqual([
      [0, 2],
      [3, 14],
      [16, 22],
    ]);
  });

  it('takes as many terms as it says', () => {
    expect(parseQuery('ab '.repeat(queryLimits.termsMax)).ok).toBe(true);
  });
});
