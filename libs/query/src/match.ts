import type { DocumentText, FieldText } from './document.ts';
import type { QueryNode, RangeTerm, TextTerm } from './syntax.ts';
import { intervalsOf, isInside } from './terms.ts';

/** Does the document answer the query? What an index finds must be what this says. */
export function matches(query: QueryNode, document: DocumentText): boolean {
  switch (query.kind) {
    case 'text':
      return occurrences(query, document) > 0;
    case 'range':
      return isInRange(query, document);
    case 'not':
      return !matches(query.node, document);
    case 'and':
      return query.nodes.every((node) => matches(node, document));
    case 'or':
      return query.nodes.some((node) => matches(node, document));
  }
}

/** How often a word, a word with the prefix, or the phrase is in the document. */
export function occurrences(term: TextTerm, document: DocumentText): number {
  let count = 0;
  for (const field of document.fields) {
    if (!isOf(field, term.field)) continue;
    for (const words of field.values) {
      for (let at = 0; at + term.words.length <= words.length; at++) if (isAt(term, words, at)) count++;
    }
  }
  return count;
}

function isAt({ words, isPrefix }: TextTerm, text: readonly string[], at: number): boolean {
  const last = words.length - 1;
  for (let i = 0; i < last; i++) if (text[at + i] !== words[i]) return false;
  const [word, wanted] = [text[at + last] as string, words[last] as string];
  return isPrefix ? word.startsWith(wanted) : word === wanted;
}

function isInRange(range: RangeTerm, document: DocumentText): boolean {
  const { numbers, dates } = intervalsOf(range);
  return document.fields.some(
    (field) =>
      isOf(field, range.field) &&
      ((numbers !== null && field.numbers.some((value) => isInside(value, numbers))) ||
        (dates !== null && field.dates.some((value) => isInside(value, dates)))),
  );
}

/** A filter names a field, or one above it. */
function isOf({ path }: FieldText, filter: string | null): boolean {
  return filter === null || path === filter || (path.startsWith(filter) && path[filter.length] === '.');
}
