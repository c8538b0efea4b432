import { intervalsOf, type QueryNode, type RangeTerm, type TextTerm } from '@starling/query';

/** Where a top-level field's words are. */
export interface FieldColumn {
  readonly name: string;
  /** No other field's words are in it. */
  readonly isOwn: boolean;
}

/** How the index finds its way: the column of a field's first key; null: no document has it. */
export type ColumnOf = (key: string) => FieldColumn | null;

/** What SQLite is asked for: documents among which are all that match. */
export interface Plan {
  /** An FTS5 expression, by whose rank the candidates come; null: they come in no order. */
  readonly match: string | null;
  /** Further conditions on `keyName`. */
  readonly where: string;
  readonly parameters: readonly (string | number)[];
  /** Every candidate matches. */
  readonly isExact: boolean;
}

/**
 * Stands for a document's key in conditions. Beside a `match` it is to be `+rowid`: without the sign FTS5 would look its
 * expression up again for every key of a list.
 */
export const keyName = '$key';

/** Matches nothing: no word has this letter. */
const nothing = '"\ue001"';

/** Makes the plan of a query. */
export function planOf(query: QueryNode, columnOf: ColumnOf): Plan {
  const parts = query.kind === 'and' ? query.nodes : [query];
  const isText = (node: QueryNode): boolean => !everyTerm(node, (term) => term.kind === 'text', 'some');
  const texts = parts.filter(isText);
  const hasMatch = texts.some((node) => node.kind !== 'not');
  const conditions = new Conditions(columnOf);
  const rest = hasMatch ? parts.filter((node) => !isText(node)) : parts;
  const where = rest.map((node) => conditions.of(node, true)).join(' AND ');
  return {
    match: hasMatch ? expressionOf({ kind: 'and', nodes: texts, at: 0, end: 0 }, true, columnOf) : null,
    where,
    parameters: conditions.parameters,
    isExact: everyTerm(query, (term) => term.kind === 'range' || isExact(term, columnOf), 'every'),
  };
}

/** The FTS5 expression of one term. */
export function termExpression(term: TextTerm, columnOf: ColumnOf): string {
  // Words hold no quotation mark and no operator: they are letters and digits.
  const phrase = `"${term.words.join(' ')}"${term.isPrefix ? ' *' : ''}`;
  if (term.field === null) return phrase;
  const column = columnOf(firstKey(term.field));
  return column === null ? nothing : `{${column.name}} : ${phrase}`;
}

/** A number by which values are found under the path of their field, and of each field above it. FNV-1a, 48 of 64 bits. */
export function fieldHash(path: string): number {
  let [low, high] = [0x811c9dc5, 0xcbf29ce4];
  for (let i = 0; i < path.length; i++) {
    low = Math.imul(low ^ path.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ path.charCodeAt(i) ^ (low >>> 16), 0x85ebca6b);
  }
  return (high & 0xffff) * 2 ** 32 + (low >>> 0);
}

/** `a.b.c`: itself, `a.b` and `a`. */
export function pathsUpFrom(path: string): string[] {
  const paths = [path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) paths.push(path.slice(0, dot));
  return paths;
}

export function firstKey(path: string): string {
  const dot = path.indexOf('.');
  return dot < 0 ? path : path.slice(0, dot);
}

/** What the expression finds is what the term means. */
function isExact(term: TextTerm, columnOf: ColumnOf): boolean {
  if (term.field === null) return true;
  return !term.field.includes('.') && columnOf(firstKey(term.field))?.isOwn !== false;
}

function everyTerm(node: QueryNode, holds: (term: TextTerm | RangeTerm) => boolean, how: 'every' | 'some'): boolean {
  if (node.kind === 'text' || node.kind === 'range') return how === 'every' ? holds(node) : !holds(node);
  if (node.kind === 'not') return everyTerm(node.node, holds, how);
  return how === 'every'
    ? node.nodes.every((part) => everyTerm(part, holds, how))
    : node.nodes.some((part) => everyTerm(part, holds, how));
}

/**
 * A query of texts alone as an FTS5 expression. `atLeast`: it finds all that match and maybe more; else all that it finds
 * match, and it may miss some: what is left out must not be left out for too little.
 */
function expressionOf(node: QueryNode, atLeast: boolean, columnOf: ColumnOf): string {
  switch (node.kind) {
    case 'text':
      return atLeast || isExact(node, columnOf) ? termExpression(node, columnOf) : nothing;
    case 'or':
      return node.nodes.map((part) => `(${expressionOf(part, atLeast, columnOf)})`).join(' OR ');
    case 'and': {
      const wanted = node.nodes.filter((part) => part.kind !== 'not');
      const unwanted = node.nodes.flatMap((part) => (part.kind === 'not' ? [part.node] : []));
      const all = wanted.map((part) => `(${expressionOf(part, atLeast, columnOf)})`).join(' AND ');
      return unwanted.reduce((sum, part) => `(${sum}) NOT (${expressionOf(part, !atLeast, columnOf)})`, all);
    }
    default:
      // A range is not text, and nothing can be left out of nothing: the parser sees to that.
      return nothing;
  }
}

/** Conditions on `keyName` in SQL, for what FTS5 cannot say. */
class Conditions {
  readonly #columnOf: ColumnOf;
  readonly parameters: (string | number)[] = [];

  constructor(columnOf: ColumnOf) {
    this.#columnOf = columnOf;
  }

  of(node: QueryNode, atLeast: boolean): string {
    switch (node.kind) {
      case 'text':
        if (!atLeast && !isExact(node, this.#columnOf)) return '0';
        this.parameters.push(termExpression(node, this.#columnOf));
        return `${keyName} IN (SELECT rowid FROM words WHERE words MATCH ?)`;
      case 'range':
        return this.#range(node);
      case 'not':
        return `NOT ${this.of(node.node, !atLeast)}`;
      case 'and':
      case 'or':
        return `(${node.nodes.map((part) => this.of(part, atLeast)).join(node.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
  }

  #range(range: RangeTerm): string {
    const { numbers, dates } = intervalsOf(range);
    const conditions: string[] = [];
    for (const [kind, interval] of [numbers, dates].entries()) {
      if (interval === null) continue;
      this.parameters.push(fieldHash(range.field), kind, interval.from, interval.to);
      const [low, high] = [interval.fromInside ? '>=' : '>', interval.toInside ? '<=' : '<'];
      conditions.push(
        `${keyName} IN (SELECT key FROM numbers WHERE field = ? AND kind = ? AND value ${low} ? AND value ${high} ?)`,
      );
    }
    return `(${conditions.join(' OR ')})`;
  }
}
