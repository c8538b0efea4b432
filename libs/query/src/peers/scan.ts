import type { Span } from '../syntax.ts';

/** A piece of a question about peers. Quotes may be left open: the parser says so. */
export type Token =
  | ({ readonly kind: 'mark'; readonly text: string } & Span)
  | ({ readonly kind: 'word'; readonly text: string } & Span)
  | ({ readonly kind: 'quoted'; readonly text: string; readonly isClosed: boolean } & Span);

const space = /\s/u;
/** Longer ones first. `<>` is SQL's other way to write `!=`. */
const marks = ['!=', '<>', '<=', '>=', '=', '<', '>', '!', '(', ')', ',', '*'] as const;

/** Cuts a text into tokens. Any text can be cut. */
export function scanPeers(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    if (space.test(char)) {
      at++;
      continue;
    }
    const token = char === "'" || char === '"' ? quoted(text, at, char) : (mark(text, at) ?? word(text, at));
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/** A quote is written twice inside its own kind. */
function quoted(text: string, at: number, quote: string): Token {
  let value = '';
  for (let next = at + 1; next < text.length; next++) {
    if (text[next] !== quote) value += text[next];
    else if (text[next + 1] === quote) value += text[++next];
    else return { kind: 'quoted', text: value, isClosed: true, at, end: next + 1 };
  }
  return { kind: 'quoted', text: value, isClosed: false, at, end: text.length };
}

function mark(text: string, at: number): Token | null {
  for (const sign of marks)
    if (text.startsWith(sign, at)) return { kind: 'mark', text: sign, at, end: at + sign.length };
  return null;
}

function word(text: string, at: number): Token {
  let end = at + 1;
  while (end < text.length && !isEnd(text, end)) end++;
  return { kind: 'word', text: text.slice(at, end), at, end };
}

function isEnd(text: string, at: number): boolean {
  const char = text[at] as string;
  return space.test(char) || char === "'" || char === '"' || mark(text, at) !== null;
}
