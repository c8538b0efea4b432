import { type Aggregate, type AttributeName, attributeOf, isText, type PeersQuery } from '@starling/query';

/** What is kept of one field in each group. */
export interface Measure {
  readonly field: AttributeName;
  /** The least and the greatest text rather than numbers. */
  readonly isText: boolean;
  /** A quantile is wanted. */
  readonly hasSketch: boolean;
  /** A peer may have several values. */
  readonly isPerLink: boolean;
}

/** What a question needs of each group: the same list, in the same order, at every peer that reads the same text. */
export interface Plan {
  readonly query: PeersQuery;
  readonly measures: readonly Measure[];
}

export function planOf(query: PeersQuery): Plan {
  const measures: Measure[] = [];
  for (const column of query.columns) {
    if (column.kind !== 'aggregate' || column.aggregate.field === null) continue;
    const { field, kind } = column.aggregate;
    const at = measures.findIndex((measure) => measure.field === field);
    const attribute = attributeOf(field);
    const hasSketch = kind === 'quantile' || measures[at]?.hasSketch === true;
    const measure = { field, isText: isText(attribute), hasSketch, isPerLink: attribute.isPerLink === true };
    if (at < 0) measures.push(measure);
    else measures[at] = measure;
  }
  return { query, measures };
}

/** Which measure an aggregate is read from; −1: from the number of peers. */
export function measureOf({ measures }: Plan, { field }: Aggregate): number {
  return field === null ? -1 : measures.findIndex((measure) => measure.field === field);
}
