/** Where in the text something stands: from `at` to before `end`, in UTF-16 units. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

/** One end of a range as it was written. */
export interface Bound {
  /** A number or a date: `10`, `-2.5`, `2020-01-31`. */
  readonly text: string;
  readonly inclusive: boolean;
}

/** A word, a prefix (`mur*`), or a phrase, whose last word may be a prefix; anywhere or in one field. */
export interface TextTerm extends Span {
  readonly kind: 'text';
  /** At least one, as `wordsOf` makes them. */
  readonly words: readonly string[];
  /** The last word stands for all that begin with it. */
  readonly isPrefix: boolean;
  readonly field: string | null;
}

/** Numbers or dates of one field; at least one end is given. */
export interface RangeTerm extends Span {
  readonly kind: 'range';
  readonly field: string;
  readonly low: Bound | null;
  readonly high: Bound | null;
}

/** Holds when the part does not. */
export interface NotNode extends Span {
  readonly kind: 'not';
  readonly node: QueryNode;
}

/** Holds when all parts (`and`) or any (`or`) hold; at least two. */
export interface GroupNode extends Span {
  readonly kind: 'and' | 'or';
  readonly nodes: readonly QueryNode[];
}

export type QueryNode = TextTerm | RangeTerm | NotNode | GroupNode;

/** Why a text is no query, and where. */
export interface QueryProblem extends Span {
  /** For people; a sentence's rest, as in «text …». */
  readonly problem: string;
}

export type ParsedQuery = { readonly ok: true; readonly query: QueryNode } | ({ readonly ok: false } & QueryProblem);

/** Bounds of a query. Each has its provenance. */
export const queryLimits = {
  /** The public API's. */
  queryCharsMax: 1_024,
  /** Words, phrases, prefixes and ranges. (guess: a person's patience; each costs an index a look-up) */
  termsMax: 32,
  /** Parentheses inside parentheses. (guess) */
  depthMax: 8,
  /** The name of a field. (guess) */
  fieldCharsMax: 128,
  /** Letters before `*`: `a*` would be a fourteenth of all words. (guess) */
  prefixCharsMin: 2,
} as const;
