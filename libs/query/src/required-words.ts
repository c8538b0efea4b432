import type { QueryNode } from './syntax.ts';

/** More alternatives than this are not told apart: whoever has the words of one part of an "and" is asked. */
const alternativesMax = 16;

/** Anybody may have an answer. */
const anybody: readonly (readonly string[])[] = [[]];

/**
 * Whole words that a document must have to match: all of one of the lists. A list without words says that any document may.
 * Necessary, not sufficient: a phrase gives its words, and a prefix, a range or an exclusion gives none.
 */
export function requiredWords(query: QueryNode): readonly (readonly string[])[] {
  switch (query.kind) {
    case 'text':
      return [query.isPrefix ? query.words.slice(0, -1) : query.words];
    case 'range':
    case 'not':
      return anybody;
    case 'or': {
      const all = query.nodes.flatMap((node) => requiredWords(node));
      return all.length > alternativesMax || all.some((list) => list.length === 0) ? anybody : all;
    }
    case 'and':
      return query.nodes.map((node) => requiredWords(node)).reduce(both, anybody);
  }
}

/** Where both together are too many, one of them is enough: it still names everybody who has an answer. */
function both(a: readonly (readonly string[])[], b: readonly (readonly string[])[]): readonly (readonly string[])[] {
  if (a.length * b.length <= alternativesMax) {
    return a.flatMap((left) => b.map((right) => [...new Set([...left, ...right])]));
  }
  return a.some((list) => list.length === 0) ? b : a;
}
