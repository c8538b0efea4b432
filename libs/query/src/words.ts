/** Longer words are cut, in documents and in questions alike: what stands behind is no word of any language. */
export const wordCharsMax = 64;

/** Scripts written without spaces: each character is a word, and what is typed together is a phrase. */
const alone = '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}';
const wordPattern = new RegExp(
  `(?=\\p{L}|\\p{N})[${alone}]|[\\p{L}\\p{N}](?:(?![${alone}])[\\p{L}\\p{N}\\p{M}])*`,
  'gu',
);
const wholePattern = new RegExp(`^[${alone}]$`, 'u');
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII.
const ascii = /^[\x00-\x7f]*$/;
/** What is written above and below Latin, Greek and Cyrillic letters. Other scripts' marks are part of the word. */
const accents = /[\u0300-\u036f]/g;

/**
 * The words of a text, as they are indexed and asked for: letters and digits, in lower case, without accents, in the
 * compatible form of Unicode (ﬁ is fi, ½ is 1 and 2). Everything else parts words. Never throws.
 */
export function wordsOf(text: string): string[] {
  // Nearly all text: and the rest of this costs ten times as much.
  if (ascii.test(text)) return (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).map(cut);
  const plain = text.normalize('NFKD').replace(accents, '').toLowerCase().replace(accents, '').replaceAll('ς', 'σ');
  return (plain.normalize('NFC').match(wordPattern) ?? []).map(cut);
}

/** A word that no longer one begins with. */
export function isWhole(word: string): boolean {
  return wholePattern.test(word);
}

function cut(word: string): string {
  if (word.length <= wordCharsMax) return word;
  const end = word.charCodeAt(wordCharsMax - 1);
  // Not between the halves of one character.
  return word.slice(0, end >= 0xd800 && end <= 0xdbff ? wordCharsMax - 1 : wordCharsMax);
}
