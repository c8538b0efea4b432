import { scan, type Token } from './scan.ts';
import {
  type Bound,
  type ParsedQuery,
  type QueryNode,
  type QueryProblem,
  queryLimits,
  type RangeTerm,
  type Span,
  type TextTerm,
} from './syntax.ts';
import { intervalsOf } from './terms.ts';
import { numberOf, periodOf } from './values.ts';
import { isWhole, wordsOf } from './words.ts';

const nothingToFind = 'only says what to leave out here: it needs something to find beside it';
const fieldPattern = /^([\p{L}_$@][\p{L}\p{N}_$@.-]*)(:|>=|<=|>|<|=)/u;

/**
 * Reads a query. Never throws: what is wrong is said with its place.
 *
 * ```
 * query   = all { "OR" all }              all  = one { ["AND"] one }
 * one     = [ "-" | "NOT" ] ( "(" query ")" | [ field ":" ] text | range )
 * text    = word | prefix "*" | '"' words '"' [ "*" ]
 * range   = field ":" low ".." high | field ( ">" | ">=" | "<" | "<=" | "=" ) value
 * ```
 */
export function parseQuery(text: string): ParsedQuery {
  if (text.length > queryLimits.queryCharsMax) {
    const problem = `has ${text.length} characters; at most ${queryLimits.queryCharsMax} are taken`;
    return { ok: false, problem, at: queryLimits.queryCharsMax, end: text.length };
  }
  try {
    return { ok: true, query: new Parser(scan(text), text.length).parse() };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, ...error.found };
    throw error;
  }
}

/** The message of a problem, with its place for people: counted from 1. */
export function describeProblem({ problem, at }: QueryProblem): string {
  return `${problem} (at character ${at + 1})`;
}

/** Ends the parsing; never leaves this file. */
class Malformed extends Error {
  readonly found: QueryProblem;

  constructor(problem: string, { at, end }: Span) {
    super(problem);
    this.found = { problem, at, end };
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;
  #terms = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  parse(): QueryNode {
    const query = this.#any(0);
    const rest = this.#peek();
    if (rest !== undefined) throw new Malformed('has a ")" without a "(" before it', rest);
    if (query === null) throw new Malformed('has no word to search for', { at: 0, end: this.#length });
    checkPositive(query);
    return query;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  /** Alternatives; null when there is nothing but punctuation. */
  #any(depth: number): QueryNode | null {
    const first = this.#all(depth);
    const nodes = first === null ? [] : [first];
    for (let token = this.#peek(); token?.kind === 'or'; token = this.#peek()) {
      this.#next++;
      const node = this.#all(depth);
      if (nodes.length === 0) throw new Malformed('has nothing before OR; the word itself is written "or"', token);
      if (node === null) throw new Malformed('has nothing after OR; the word itself is written "or"', token);
      nodes.push(node);
    }
    return group('or', nodes);
  }

  /** What must hold together. */
  #all(depth: number): QueryNode | null {
    const nodes: QueryNode[] = [];
    for (let token = this.#peek(); token !== undefined && token.kind !== 'or' && token.kind !== ')'; ) {
      if (token.kind === 'and') {
        this.#next++;
        const after = this.#peek();
        const isLast = after === undefined || after.kind === 'or' || after.kind === ')' || after.kind === 'and';
        if (nodes.length === 0 || isLast) {
          throw new Malformed(
            `has nothing ${nodes.length === 0 ? 'before' : 'after'} AND; the word itself is written "and"`,
            token,
          );
        }
      } else {
        const node = this.#one(token, depth);
        if (node !== null) nodes.push(node);
      }
      token = this.#peek();
    }
    return group('and', nodes);
  }

  #one(token: Token, depth: number): QueryNode | null {
    this.#next++;
    switch (token.kind) {
      case '-': {
        const next = this.#peek();
        const node =
          next === undefined || next.kind === '-' || next.kind === 'or' || next.kind === 'and' || next.kind === ')'
            ? null
            : this.#one(next, depth);
        if (node === null) throw new Malformed('has nothing to leave out after - or NOT', token);
        return { kind: 'not', node, at: token.at, end: node.end };
      }
      case '(': {
        if (depth >= queryLimits.depthMax) {
          throw new Malformed(`has parentheses more than ${queryLimits.depthMax} deep`, token);
        }
        const node = this.#any(depth + 1);
        const close = this.#peek();
        if (close?.kind !== ')') throw new Malformed('has a "(" that is not closed', token);
        this.#next++;
        if (node === null) throw new Malformed('has nothing between "(" and ")"', { at: token.at, end: close.end });
        return node;
      }
      case 'quoted':
        return this.#phrase(token, null, token.at);
      case 'bare':
        return this.#bare(token);
      default:
        // `#all` stops before these.
        throw new Malformed('is not understood', token);
    }
  }

  #phrase(token: Extract<Token, { kind: 'quoted' }>, field: string | null, at: number): TextTerm {
    if (!token.closed) throw new Malformed('has a quotation mark that is not closed', token);
    return this.#text(token.text, token.star, field, { at, end: token.end }, token);
  }

  #bare(token: Extract<Token, { kind: 'bare' }>): QueryNode | null {
    const { text, at, end } = token;
    const match = fieldPattern.exec(text);
    if (match === null) return this.#word(text, null, token, token);
    const [head, field = '', operator = ''] = match;
    if (field.length > queryLimits.fieldCharsMax) {
      throw new Malformed(`has the name of a field of more than ${queryLimits.fieldCharsMax} characters`, token);
    }
    const value = text.slice(head.length);
    const place = { at: at + head.length, end: Math.max(end, at + head.length) };
    if (operator !== ':') return this.#comparison(field, operator, value, token, place);
    const next = this.#peek();
    if (value === '' && token.touches && next?.kind === 'quoted') {
      this.#next++;
      return this.#phrase(next, field, at);
    }
    if (value.includes('..')) return this.#range(field, value, token, place);
    const term = this.#word(value, field, token, place);
    if (term === null) {
      throw new Malformed(`needs a word, a phrase or a range right after "${field}:"`, place);
    }
    return term;
  }

  /** A word or a prefix. Null: it has no letter and no digit. */
  #word(text: string, field: string | null, token: Span, place: Span): TextTerm | null {
    const star = text.indexOf('*');
    if (star < 0) return wordsOf(text).length === 0 ? null : this.#text(text, false, field, token, place);
    if (star < text.length - 1) {
      throw new Malformed('can have "*" at the end of a word only', { at: place.at + star, end: place.at + star + 1 });
    }
    return this.#text(text.slice(0, star), true, field, token, place);
  }

  /** `place` is what to point at. */
  #text(text: string, isPrefix: boolean, field: string | null, { at, end }: Span, place: Span): TextTerm {
    const words = wordsOf(text);
    const last = words.at(-1);
    if (last === undefined) {
      throw new Malformed(isPrefix ? 'needs letters before "*"' : 'has no word between the quotation marks', place);
    }
    const isOpen = isPrefix && !isWhole(last);
    if (isOpen && last.length < queryLimits.prefixCharsMin) {
      throw new Malformed(`needs at least ${queryLimits.prefixCharsMin} letters before "*"`, place);
    }
    this.#count(place);
    return { kind: 'text', words, isPrefix: isOpen, field, at, end };
  }

  #comparison(field: string, operator: string, text: string, { at, end }: Span, place: Span): RangeTerm {
    const hint = operator === '=' ? `; a word of a field is asked for as ${field}:word` : '; put text in quotes';
    this.#checkValue(text, place, `needs a number or a date after "${field}${operator}"${hint}`);
    const bound: Bound = { text, inclusive: operator.endsWith('=') };
    const low = operator.startsWith('<') ? null : bound;
    const high = operator.startsWith('>') ? null : bound;
    this.#count(place);
    return { kind: 'range', field, low, high, at, end };
  }

  #range(field: string, value: string, { at, end }: Span, place: Span): RangeTerm {
    const dots = value.indexOf('..');
    const [lowText, highText] = [value.slice(0, dots), value.slice(dots + 2)];
    const problem = 'is neither a number nor a date, as 10, -2.5 or 2020-01-31';
    if (lowText === '' && highText === '') throw new Malformed('has a range with no end at all', place);
    if (lowText !== '') {
      this.#checkValue(
        lowText,
        { at: place.at, end: place.at + dots },
        `has ${JSON.stringify(lowText.slice(0, 32))}, which ${problem}`,
      );
    }
    if (highText !== '') {
      const highPlace = { at: place.at + dots + 2, end: place.end };
      this.#checkValue(highText, highPlace, `has ${JSON.stringify(highText.slice(0, 32))}, which ${problem}`);
    }
    const low = lowText === '' ? null : { text: lowText, inclusive: true };
    const high = highText === '' ? null : { text: highText, inclusive: true };
    const range: RangeTerm = { kind: 'range', field, low, high, at, end };
    const { numbers, dates } = intervalsOf(range);
    if (numbers === null && dates === null) throw new Malformed('has a range from a number to a date', place);
    if (![numbers, dates].some((interval) => interval !== null && interval.from <= interval.to)) {
      throw new Malformed(`has a range that is empty: ${lowText} is above ${highText}`, place);
    }
    this.#count(place);
    return range;
  }

  #checkValue(text: string, place: Span, problem: string): void {
    if (numberOf(text) === null && periodOf(text) === null) throw new Malformed(problem, place);
  }

  #count(place: Span): void {
    this.#terms++;
    if (this.#terms > queryLimits.termsMax) {
      throw new Malformed(`has more than ${queryLimits.termsMax} words, phrases and ranges`, place);
    }
  }
}

/** One node needs no group, and a group in a group of its kind is none. */
function group(kind: 'and' | 'or', nodes: readonly QueryNode[]): QueryNode | null {
  const [first] = nodes;
  if (first === undefined || nodes.length === 1) return first ?? null;
  const flat = nodes.flatMap((node) => (node.kind === kind ? node.nodes : [node]));
  return { kind, nodes: flat, at: first.at, end: nodes.at(-1)?.end ?? first.end };
}

/** A question for everything but something would have to look at everything. */
function checkPositive(node: QueryNode): void {
  switch (node.kind) {
    case 'text':
    case 'range':
      return;
    case 'not':
      throw new Malformed(nothingToFind, node);
    case 'or':
      for (const part of node.nodes) checkPositive(part);
      return;
    case 'and':
      if (node.nodes.every((part) => part.kind === 'not')) throw new Malformed(nothingToFind, node);
      for (const part of node.nodes) checkPositive(part.kind === 'not' ? part.node : part);
  }
}
