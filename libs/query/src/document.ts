import { numberOf, periodOf } from './values.ts';
import { wordsOf } from './words.ts';

/** One field of a document as it is searched. Two values of a list are no phrase together. */
export interface FieldText {
  /** The keys that lead to it, joined by dots; lists add nothing: `tags.name`. */
  readonly path: string;
  readonly values: (readonly string[])[];
  readonly numbers: number[];
  /** ms since 1970. */
  readonly dates: number[];
}

/** A document as it is searched. */
export interface DocumentText {
  readonly fields: readonly FieldText[];
  /** Words in all. */
  readonly length: number;
}

/** Bounds of a path; what is deeper or longer counts as its parent's. (guess: far beyond what people name) */
export const pathLimits = { keysMax: 8, charsMax: 256 } as const;

interface Waiting {
  readonly value: unknown;
  readonly path: string;
  readonly keys: number;
}

/**
 * The words, numbers and dates in a JSON value. Without recursion: depth is the sender's choice. Text that is wholly a
 * number or an ISO 8601 date is that, too.
 */
export function documentText(json: unknown): DocumentText {
  const fields = new Map<string, FieldText>();
  let length = 0;
  const waiting: Waiting[] = [{ value: json, path: '', keys: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path, keys } = next;
    if (typeof value === 'object') {
      if (value === null) continue;
      const below = Array.isArray(value)
        ? value.map((item) => ({ value: item as unknown, path, keys }))
        : Object.entries(value).map(([key, item]) => ({ value: item as unknown, ...childOf(path, keys, key) }));
      // Last in, first out: in the order of the document.
      for (const child of below.reverse()) waiting.push(child);
      continue;
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue;
    let field = fields.get(path);
    if (field === undefined) {
      field = { path, values: [], numbers: [], dates: [] };
      fields.set(path, field);
    }
    const text = String(value);
    const words = wordsOf(text);
    length += words.length;
    if (words.length > 0) field.values.push(words);
    const number = typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value) : null;
    if (number !== null) field.numbers.push(number);
    // A number is no year: which of the two a range means, its own field says.
    const period = typeof value === 'string' && number === null ? periodOf(value) : null;
    if (period !== null) field.dates.push(period.from);
  }
  return { fields: [...fields.values()], length };
}

function childOf(path: string, keys: number, key: string): { readonly path: string; readonly keys: number } {
  const child = path === '' ? key : `${path}.${key}`;
  if (keys >= pathLimits.keysMax || child.length > pathLimits.charsMax) return { path, keys };
  return { path: child, keys: keys + 1 };
}
