import { describe, expect, it } from 'vitest';
import { wordCharsMax, wordsOf } from './words.ts';

describe('wordsOf', () => {
  it.each([
    ['A murmuration of Starlings!', ['a', 'murmuration', 'of', 'starlings']],
    ['snake_case, kebab-case & v1.2', ['snake', 'case', 'kebab', 'case', 'v1', '2']],
    ['Crème Brûlée, Ångström, naïve', ['creme', 'brulee', 'angstrom', 'naive']],
    ['İstanbul ΣΊΣΥΦΟΣ ΟΔΟΣ', ['istanbul', 'σισυφοσ', 'οδοσ']],
    ['Straße', ['straße']],
    ['ﬁne ½ ㎏', ['fine', '1', '2', 'kg']],
    // The vowel signs are part of the word.
    ['हिन्दी भाषा', ['हिन्दी', 'भाषा']],
    ['東京タワー and Tokyo', ['東', '京', 'タ', 'ワ', 'ー', 'and', 'tokyo']],
    ['한국어', ['한국어']],
    ['❤️ 👍🏽', []],
    ['', []],
  ])('%j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('cuts what is too long, but no character in two', () => {
    expect(wordsOf('x'.repeat(100))).toEqual(['x'.repeat(wordCharsMax)]);
    expect(wordsOf(`x${'𝒳'.repeat(40)}`)).toEqual(['x'.repeat(41)]);
    expect(wordsOf(`x${'𐐨'.repeat(40)}`)).toEqual([`x${'𐐨'.repeat(31)}`]);
  });
});
