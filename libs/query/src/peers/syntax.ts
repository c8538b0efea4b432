import type { QueryProblem, Span } from '../syntax.ts';
import type { AttributeName } from './attributes.ts';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** Holds for a peer, or not. A comparison with what the peer does not know does not hold, whatever its operator. */
export type Condition =
  | { readonly kind: 'compare'; readonly field: AttributeName; readonly operator: Operator; readonly value: Literal }
  /** `%` stands for any text, `_` for one character. */
  | { readonly kind: 'like'; readonly field: AttributeName; readonly pattern: string }
  | { readonly kind: 'prefix'; readonly field: AttributeName; readonly prefix: string }
  | { readonly kind: 'in'; readonly field: AttributeName; readonly values: readonly Literal[] }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'and' | 'or'; readonly conditions: readonly Condition[] };

export type Literal = string | number;

/** What is computed over the peers of a group. */
export type Aggregate =
  /** Peers; with a field: its values, one for each link where it is per link. */
  | { readonly kind: 'count'; readonly field: AttributeName | null }
  | { readonly kind: 'sum' | 'min' | 'max' | 'avg'; readonly field: AttributeName }
  /** `q` from 0 to 1. */
  | { readonly kind: 'quantile'; readonly field: AttributeName; readonly q: number };

/** One column of the answer. */
export type Column = Span & {
  /** As it is called in the answer and in `order by`: its alias, or as it was written, without spaces. */
  readonly name: string;
} & (
    | { readonly kind: 'field'; readonly field: AttributeName }
    | { readonly kind: 'aggregate'; readonly aggregate: Aggregate }
  );

export interface OrderKey {
  /** Of `columns`. */
  readonly column: number;
  readonly isDescending: boolean;
}

/** A question about the peers of the mesh. */
export interface PeersQuery {
  readonly columns: readonly Column[];
  /** Null: all peers. */
  readonly where: Condition | null;
  /** Empty: one group of all. Each is a column or not. */
  readonly groupBy: readonly AttributeName[];
  /** Empty: by the group's fields. */
  readonly orderBy: readonly OrderKey[];
  /** Null: all rows. */
  readonly limit: number | null;
}

export type ParsedPeersQuery =
  | { readonly ok: true; readonly query: PeersQuery }
  | ({ readonly ok: false } & QueryProblem);

/** Bounds of a question about peers. Each has its provenance. */
export const peersQueryLimits = {
  /** As the search's. */
  queryCharsMax: 1_024,
  /** Columns. (guess: a terminal's width) */
  columnsMax: 16,
  /** Fields to group by. (guess) */
  groupFieldsMax: 4,
  /** Comparisons. (as the search's terms) */
  conditionsMax: 32,
  /** Parentheses and `not` inside each other. (as the search's) */
  depthMax: 8,
  /** Values of one `in`. (guess) */
  valuesMax: 64,
  /** Rows that may be wanted. (more than a partial aggregate carries) */
  rowsMax: 10_000,
} as const;
