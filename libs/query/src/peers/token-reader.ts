import type { QueryProblem, Span } from '../syntax.ts';
import { type AttributeName, isAttribute, peerAttributes } from './attributes.ts';
import { nearestOf } from './nearest.ts';
import type { Token } from './scan.ts';

/** Ends the parsing; never leaves this folder. */
export class Malformed extends Error {
  readonly found: QueryProblem;

  constructor(problem: string, { at, end }: Span) {
    super(problem);
    this.found = { problem, at, end };
  }
}

/** Words that cannot stand for a value or a name without quotes. */
const reserved = ['select', 'where', 'group', 'order', 'by', 'limit', 'and', 'or', 'not', 'in', 'like', 'as'] as const;

/** Goes through the tokens of a question. Keywords may be written in any case. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  /** Where the last token that was taken ends. */
  get lastEnd(): number {
    return this.#tokens[this.#next - 1]?.end ?? 0;
  }

  peek(further = 0): Token | undefined {
    return this.#tokens[this.#next + further];
  }

  skip(count: number): void {
    this.#next += count;
  }

  /** What to point at: the next token, or the end. */
  place(): Span {
    const { at, end } = this.peek() ?? { at: this.#length, end: this.#length };
    return { at, end };
  }

  isWord(word: string): boolean {
    const token = this.peek();
    return token?.kind === 'word' && token.text.toLowerCase() === word;
  }

  takeWord(word: string): boolean {
    const isThere = this.isWord(word);
    if (isThere) this.#next++;
    return isThere;
  }

  takeMark(mark: string): boolean {
    const token = this.peek();
    const isThere = token?.kind === 'mark' && token.text === mark;
    if (isThere) this.#next++;
    return isThere;
  }

  field(wanted: string): AttributeName {
    const place = this.place();
    const name = this.name(wanted);
    const lower = name.toLowerCase();
    if (isAttribute(lower)) return lower;
    const names = Object.keys(peerAttributes);
    const nearest = nearestOf(lower, names);
    const hint = nearest === null ? `there are ${names.join(', ')}` : `did you mean ${nearest}?`;
    throw new Malformed(`asks for ${JSON.stringify(name.slice(0, 32))}, which peers do not know: ${hint}`, place);
  }

  name(wanted: string): string {
    const token = this.peek();
    if (token?.kind !== 'word' || isReserved(token.text)) {
      throw new Malformed(token === undefined ? `ends where it needs ${wanted}` : `needs ${wanted}`, this.place());
    }
    this.#next++;
    return token.text;
  }

  shown(token: Token): string {
    return JSON.stringify(token.text.slice(0, 32));
  }
}

export function isReserved(text: string): boolean {
  const lower = text.toLowerCase();
  return reserved.some((word) => word === lower);
}
