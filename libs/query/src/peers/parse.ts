import type { Span } from '../syntax.ts';
import { type AttributeName, attributeOf, isText } from './attributes.ts';
import { ConditionParser } from './parse-condition.ts';
import { scanPeers } from './scan.ts';
import {
  type Aggregate,
  type Column,
  type OrderKey,
  type ParsedPeersQuery,
  type PeersQuery,
  peersQueryLimits,
} from './syntax.ts';
import { Malformed } from './token-reader.ts';

const simple = ['sum', 'min', 'max', 'avg'] as const;
type Simple = (typeof simple)[number];
const percentilePattern = /^p(\d{1,2}(?:\.\d{1,3})?)$/iu;
const functionNames = 'count, sum, min, max, avg, p50, p90, p95, p99 or quantile';

/**
 * Reads a question about peers. Never throws: what is wrong is said with its place.
 *
 * ```
 * question  = [ "select" ] column { "," column } [ "where" any ] [ "group" "by" field { "," field } ]
 *             [ "order" "by" key { "," key } ] [ "limit" number ]
 * column    = ( field | aggregate ) [ "as" name ]
 * aggregate = "count" "(" ( "*" | field ) ")" | ( "sum" | "min" | "max" | "avg" ) "(" field ")"
 *           | "p" percent "(" field ")" | "quantile" "(" field "," q ")"
 * any       = all { "or" all }        all = one { "and" one }        one = "not" one | "(" any ")" | comparison
 * comparison = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *            | field [ "not" ] ( "like" | "prefix" ) text | field [ "not" ] "in" "(" value { "," value } ")"
 * key       = ( column's name | aggregate ) [ "asc" | "desc" ]
 * ```
 */
export function parsePeersQuery(text: string): ParsedPeersQuery {
  if (text.length > peersQueryLimits.queryCharsMax) {
    const problem = `has ${text.length} characters; at most ${peersQueryLimits.queryCharsMax} are taken`;
    return { ok: false, problem, at: peersQueryLimits.queryCharsMax, end: text.length };
  }
  try {
    return { ok: true, query: new Parser(scanPeers(text), text.length).parse() };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, ...error.found };
    throw error;
  }
}

class Parser extends ConditionParser {
  parse(): PeersQuery {
    this.takeWord('select');
    const columns = this.#list('columns', peersQueryLimits.columnsMax, () => this.#column());
    checkNames(columns);
    const where = this.takeWord('where') ? this.condition() : null;
    const groups = this.#by('group')
      ? this.#list('fields to group by', peersQueryLimits.groupFieldsMax, () => this.#groupField())
      : [];
    const groupBy = grouping(columns, groups);
    const orderBy = this.#by('order')
      ? this.#list('keys to order by', peersQueryLimits.columnsMax, () => this.#key(columns))
      : [];
    const limit = this.takeWord('limit') ? this.#limit() : null;
    const rest = this.peek();
    if (rest !== undefined) {
      throw new Malformed(
        `has ${this.shown(rest)} where the question should end, or one of where, group by, order by and limit should follow in this order`,
        rest,
      );
    }
    return { columns, where, groupBy, orderBy, limit };
  }

  #by(word: 'group' | 'order'): boolean {
    if (!this.takeWord(word)) return false;
    if (!this.takeWord('by')) throw new Malformed(`needs "by" after "${word}"`, this.place());
    return true;
  }

  #list<T>(what: string, max: number, one: () => T): T[] {
    const list: T[] = [];
    do {
      if (list.length === max) throw new Malformed(`has more than ${max} ${what}`, this.place());
      list.push(one());
    } while (this.takeMark(','));
    return list;
  }

  #column(): Column {
    const from = this.place();
    const aggregate = this.#aggregate();
    const body =
      aggregate === null
        ? ({ kind: 'field', field: this.field(`a field, or ${functionNames}`) } as const)
        : ({ kind: 'aggregate', aggregate } as const);
    const name = this.takeWord('as') ? this.name('a name after "as"') : nameOf(body);
    return { ...body, name, at: from.at, end: this.lastEnd };
  }

  /** Null: no function is called here. */
  #aggregate(): Aggregate | null {
    const token = this.peek();
    const open = this.peek(1);
    if (token?.kind !== 'word' || open?.kind !== 'mark' || open.text !== '(') return null;
    const name = token.text.toLowerCase();
    this.skip(2);
    const aggregate = this.#arguments(name, token);
    if (!this.takeMark(')')) throw new Malformed(`needs ")" to end ${token.text}(`, this.place());
    return aggregate;
  }

  #arguments(name: string, token: Span & { readonly text: string }): Aggregate {
    if (name === 'count') {
      return { kind: 'count', field: this.takeMark('*') ? null : this.field('"*" or a field inside count()') };
    }
    const percent = percentilePattern.exec(name)?.[1];
    const isQuantile = name === 'quantile' || percent !== undefined;
    const plain = simple.find((one) => one === name);
    if (!isQuantile && plain === undefined) {
      throw new Malformed(`has no function "${token.text}": there are ${functionNames}`, token);
    }
    const place = this.place();
    const field = this.field(`a field inside ${name}()`);
    if (isText(attributeOf(field)) && plain !== 'min' && plain !== 'max') {
      throw new Malformed(`cannot take ${name}() of ${field}, which is text: min, max and count can be had`, place);
    }
    if (!isQuantile) return { kind: plain as Simple, field };
    return { kind: 'quantile', field, q: percent === undefined ? this.#q() : Number(percent) / 100 };
  }

  #q(): number {
    if (!this.takeMark(',')) throw new Malformed('needs a number from 0 to 1 in quantile(field, number)', this.place());
    const token = this.peek();
    const q = token?.kind === 'word' && /^\d*\.?\d+$/u.test(token.text) ? Number(token.text) : Number.NaN;
    if (!(q >= 0 && q <= 1)) throw new Malformed('needs a number from 0 to 1, as 0.99', this.place());
    this.skip(1);
    return q;
  }

  #groupField(): AttributeName {
    const place = this.place();
    const field = this.field('a field after "group by"');
    if (attributeOf(field).isPerLink === true) {
      throw new Malformed(`cannot group by ${field}, which has a value for each link: aggregate it`, place);
    }
    return field;
  }

  #key(columns: readonly Column[]): OrderKey {
    const place = this.place();
    const aggregate = this.#aggregate();
    const token = this.peek();
    if (aggregate === null && (token === undefined || token.kind === 'mark')) {
      throw new Malformed('needs a column after "order by"', place);
    }
    const wanted = aggregate === null ? (token?.text ?? '') : nameOf({ kind: 'aggregate', aggregate });
    if (aggregate === null) this.skip(1);
    const column = columns.findIndex(
      (one) => one.name === wanted || (aggregate !== null && nameOf(one) === wanted) || nameOf(one) === wanted,
    );
    if (column < 0) {
      const names = columns.map(({ name }) => name).join(', ');
      throw new Malformed(`orders by ${wanted}, which is no column: there are ${names}`, {
        ...place,
        end: this.lastEnd,
      });
    }
    const isDescending = this.takeWord('desc');
    if (!isDescending) this.takeWord('asc');
    return { column, isDescending };
  }

  #limit(): number {
    const token = this.peek();
    const limit = token?.kind === 'word' && /^\d{1,9}$/u.test(token.text) ? Number(token.text) : 0;
    if (limit < 1 || limit > peersQueryLimits.rowsMax) {
      throw new Malformed(`needs a number from 1 to ${peersQueryLimits.rowsMax} after "limit"`, this.place());
    }
    this.skip(1);
    return limit;
  }
}

type Body = Pick<Column, 'kind'> &
  (
    | { readonly kind: 'field'; readonly field: AttributeName }
    | { readonly kind: 'aggregate'; readonly aggregate: Aggregate }
  );

function nameOf(body: Body): string {
  if (body.kind === 'field') return body.field;
  const { aggregate } = body;
  switch (aggregate.kind) {
    case 'count':
      return `count(${aggregate.field ?? '*'})`;
    case 'quantile':
      return `p${Number((100 * aggregate.q).toFixed(3))}(${aggregate.field})`;
    default:
      return `${aggregate.kind}(${aggregate.field})`;
  }
}

function checkNames(columns: readonly Column[]): void {
  for (const [at, column] of columns.entries()) {
    if (columns.findIndex(({ name }) => name === column.name) === at) continue;
    throw new Malformed(`has two columns called ${column.name}: give one another name with "as"`, column);
  }
}

/** Without aggregates and without `group by`, what is selected is what is grouped by: each row once. */
function grouping(columns: readonly Column[], groups: readonly AttributeName[]): readonly AttributeName[] {
  const fields = columns.filter((column) => column.kind === 'field');
  const isPlain = groups.length === 0 && fields.length === columns.length;
  const distinct = [...new Set(groups)];
  for (const column of fields) {
    const { field } = column;
    if (attributeOf(field).isPerLink === true) {
      throw new Malformed(
        `has ${field} alone, which has a value for each link: aggregate it, as in p50(${field})`,
        column,
      );
    }
    if (isPlain || distinct.includes(field)) continue;
    throw new Malformed(`has ${field} neither in an aggregate nor in "group by": add "group by ${field}"`, column);
  }
  if (!isPlain) return distinct;
  const shown = [...new Set(fields.map(({ field }) => field))];
  if (shown.length <= peersQueryLimits.groupFieldsMax) return shown;
  const place = fields[peersQueryLimits.groupFieldsMax] as Column;
  throw new Malformed(
    `lists more than ${peersQueryLimits.groupFieldsMax} fields of each peer: ask for fewer, or aggregate some`,
    place,
  );
}
