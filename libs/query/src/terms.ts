import { printQuery } from './print.ts';
import type { QueryNode, RangeTerm, TextTerm } from './syntax.ts';
import { type Interval, numberOf, periodOf } from './values.ts';

/**
 * What a document is ranked by: the texts that a query wants, each once, in their order. What is to be left out, and ranges,
 * only say yes or no. Statistics and hits have their numbers in this order.
 */
export function rankedTerms(query: QueryNode): TextTerm[] {
  const found = new Map<string, TextTerm>();
  const waiting: QueryNode[] = [query];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.kind === 'text') found.set(termKey(node), node);
    else if (node.kind === 'and' || node.kind === 'or') waiting.push(...node.nodes.toReversed());
  }
  return [...found.values()];
}

/** Two terms with this key ask for the same. */
export function termKey(term: TextTerm): string {
  return printQuery(term);
}

/** What a range means for values that are numbers, and for those that are dates. Null: such a value is never in it. */
export function intervalsOf({ low, high }: RangeTerm): {
  readonly numbers: Interval | null;
  readonly dates: Interval | null;
} {
  return { numbers: numbersOf(low, high), dates: datesOf(low, high) };
}

function numbersOf(low: RangeTerm['low'], high: RangeTerm['high']): Interval | null {
  const from = low === null ? Number.NEGATIVE_INFINITY : numberOf(low.text);
  const to = high === null ? Number.POSITIVE_INFINITY : numberOf(high.text);
  if (from === null || to === null) return null;
  return { from, to, fromInside: low?.inclusive !== false, toInside: high?.inclusive !== false };
}

/** A date stands for its whole day, month or year: after 2020 begins with 2021, until 2020 ends with its last moment. */
function datesOf(low: RangeTerm['low'], high: RangeTerm['high']): Interval | null {
  const first = low === null ? undefined : periodOf(low.text);
  const last = high === null ? undefined : periodOf(high.text);
  if (first === null || last === null) return null;
  const from = first === undefined ? Number.NEGATIVE_INFINITY : low?.inclusive === true ? first.from : first.to;
  const to = last === undefined ? Number.POSITIVE_INFINITY : high?.inclusive === true ? last.to : last.from;
  return { from, to, fromInside: true, toInside: false };
}

/** Is the value in the interval? */
export function isInside(value: number, { from, to, fromInside, toInside }: Interval): boolean {
  return (fromInside ? value >= from : value > from) && (toInside ? value <= to : value < to);
}
