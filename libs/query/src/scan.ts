import type { Span } from './syntax.ts';

/** A piece of a query's text. Quotes may be left open: the parser says so. */
export type Token =
  | ({ readonly kind: '(' | ')' | '-' | 'or' | 'and' } & Span)
  /** What stands between spaces, parentheses and quotes; `touches` what follows without a space. */
  | ({ readonly kind: 'bare'; readonly text: string; readonly touches: boolean } & Span)
  | ({ readonly kind: 'quoted'; readonly text: string; readonly closed: boolean; readonly star: boolean } & Span);

const space = /\s/u;
const operators: Readonly<Record<string, 'or' | 'and' | '-'>> = { OR: 'or', AND: 'and', NOT: '-' };

/** Cuts a text into tokens. Any text can be cut. */
export function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (space.test(char)) {
      at++;
    } else if (char === '(' || char === ')') {
      tokens.push({ kind: char, at, end: ++at });
    } else if (char === '"') {
      const close = text.indexOf('"', at + 1);
      const end = close < 0 ? text.length : close;
      const star = close >= 0 && text[close + 1] === '*';
      const token = { kind: 'quoted', text: text.slice(at + 1, end), closed: close >= 0, star } as const;
      const next = Math.min(text.length, end + (star ? 2 : 1));
      tokens.push({ ...token, at, end: next });
      at = next;
    } else if (char === '-' && at + 1 < text.length && !space.test(text[at + 1] as string)) {
      tokens.push({ kind: '-', at, end: ++at });
    } else {
      const start = at;
      while (at < text.length && !isEnd(text[at] as string)) at++;
      const word = text.slice(start, at);
      const operator = operators[word];
      if (operator !== undefined) tokens.push({ kind: operator, at: start, end: at });
      else {
        const touches = at < text.length && !space.test(text[at] as string);
        tokens.push({ kind: 'bare', text: word, touches, at: start, end: at });
      }
    }
  }
  return tokens;
}

function isEnd(char: string): boolean {
  return char === '(' || char === ')' || char === '"' || space.test(char);
}
