import type { Span } from '../syntax.ts';
import { type AttributeName, attributeOf, isText } from './attributes.ts';
import { amountOf, examples, isVersion } from './literals.ts';
import { type Condition, type Literal, type Operator, peersQueryLimits } from './syntax.ts';
import { isReserved, Malformed, TokenReader } from './token-reader.ts';

const operators: Readonly<Record<string, Operator>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** The part after `where`. */
export class ConditionParser extends TokenReader {
  #conditions = 0;

  condition(): Condition {
    return this.#any(0);
  }

  #any(depth: number): Condition {
    return this.#group('or', () => this.#group('and', () => this.#one(depth)));
  }

  #group(kind: 'and' | 'or', part: () => Condition): Condition {
    const first = part();
    const conditions = [first];
    while (this.takeWord(kind)) conditions.push(part());
    return conditions.length === 1 ? first : { kind, conditions };
  }

  #one(depth: number): Condition {
    const place = this.place();
    if (depth > peersQueryLimits.depthMax) {
      throw new Malformed(`has parentheses and "not" more than ${peersQueryLimits.depthMax} deep`, place);
    }
    if (this.takeWord('not')) return { kind: 'not', condition: this.#one(depth + 1) };
    if (!this.takeMark('(')) return this.#comparison(place);
    const condition = this.#any(depth + 1);
    if (!this.takeMark(')')) throw new Malformed('has a "(" that is not closed', place);
    return condition;
  }

  #comparison(place: Span): Condition {
    if (++this.#conditions > peersQueryLimits.conditionsMax) {
      throw new Malformed(`has more than ${peersQueryLimits.conditionsMax} conditions`, place);
    }
    const field = this.field('a condition, as version != 1.4');
    if (this.takeWord('not')) return { kind: 'not', condition: this.#wordy(field) };
    const token = this.peek();
    const operator = token?.kind === 'mark' ? operators[token.text] : undefined;
    if (operator === undefined) return this.#wordy(field);
    this.skip(1);
    return { kind: 'compare', field, operator, value: this.#value(field) };
  }

  #wordy(field: AttributeName): Condition {
    const place = this.place();
    if (this.takeWord('in')) return { kind: 'in', field, values: this.#values(field) };
    for (const kind of ['like', 'prefix'] as const) {
      if (!this.takeWord(kind)) continue;
      if (!isText(attributeOf(field))) {
        throw new Malformed(`cannot use ${kind} on ${field}, which is no text: compare it with = or <`, place);
      }
      const text = this.#text(`${examples.text} after "${kind}"`);
      return kind === 'like' ? { kind, field, pattern: text } : { kind, field, prefix: text };
    }
    throw new Malformed(`needs =, !=, <, <=, >, >=, like, prefix or in after "${field}"`, place);
  }

  #values(field: AttributeName): Literal[] {
    const place = this.place();
    if (!this.takeMark('(')) throw new Malformed('needs "(" and values after "in", as in (a, b)', place);
    const values: Literal[] = [];
    do {
      if (values.length === peersQueryLimits.valuesMax) {
        throw new Malformed(`has more than ${peersQueryLimits.valuesMax} values in one "in"`, this.place());
      }
      values.push(this.#value(field));
    } while (this.takeMark(','));
    if (!this.takeMark(')')) throw new Malformed('needs "," or ")" after a value of "in"', this.place());
    return values;
  }

  #value(field: AttributeName): Literal {
    const attribute = attributeOf(field);
    const wanted = `${examples[attribute.type]}, to compare ${field} with`;
    const place = this.place();
    const isQuoted = this.peek()?.kind === 'quoted';
    const text = this.#text(wanted);
    if (attribute.type === 'text') return text;
    if (attribute.type === 'version') {
      // A build that calls itself anything can still be asked for, in quotes.
      if (isQuoted || isVersion(text)) return text;
      throw new Malformed(`needs ${wanted}`, place);
    }
    const amount = amountOf(attribute.type, text);
    if (amount === null) throw new Malformed(`needs ${wanted}`, place);
    return amount;
  }

  #text(wanted: string): string {
    const token = this.peek();
    const place = this.place();
    if (token === undefined) throw new Malformed(`ends where it needs ${wanted}`, place);
    if (token.kind === 'mark' || (token.kind === 'word' && isReserved(token.text))) {
      throw new Malformed(`needs ${wanted}`, place);
    }
    if (token.kind === 'quoted' && !token.isClosed)
      throw new Malformed('has a quotation mark that is not closed', place);
    this.skip(1);
    return token.text;
  }
}
