import { type AttributeName, type AttributeType, attributeOf, type Column, compare } from '@starling/query';
import { Cell } from './cell.ts';
import type { AggregateConfig } from './config.ts';
import { type GroupKey, Partial, type PartialData } from './partial.ts';
import { measureOf, type Plan } from './plan.ts';

export type TableValue = string | number | null;

export interface TableColumn {
  readonly name: string;
  /** `number` for counts; else as the attribute. */
  readonly type: AttributeType;
}

export interface TableRow {
  /** Null: nobody knows. */
  readonly values: readonly TableValue[];
  /** Peers in the group. */
  readonly peers: number;
  /** All groups that found no room, as one; always the last. */
  readonly isOther: boolean;
}

/** What a question came to, as a person reads it. */
export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** Groups beyond the limit. */
  readonly rowsCut: number;
}

/** Figures, order and limit of the merged partials of all who answered. */
export function tableOf(plan: Plan, data: PartialData | null, config: AggregateConfig): Table {
  const { columns, groupBy, limit } = plan.query;
  const partial = new Partial(plan, config);
  if (data !== null) partial.merge(data);
  const rows = partial.results((cells, peers, key) => {
    const values = columns.map((column) => figureOf(plan, column, cells, peers, key));
    return { values, peers, isOther: key === null };
  });
  // Of all peers something can be said though there are none: how many.
  if (groupBy.length === 0 && rows.length === 0) {
    const cells = plan.measures.map((measure) => new Cell(measure, config.binsMax));
    rows.push({ values: columns.map((column) => figureOf(plan, column, cells, 0, [])), peers: 0, isOther: false });
  }
  const groups = sorted(
    plan,
    rows.filter(({ isOther }) => !isOther),
  );
  const shown = limit === null ? groups : groups.slice(0, limit);
  return {
    columns: columns.map((column) => ({ name: column.name, type: typeOf(column) })),
    rows: [...shown, ...rows.filter(({ isOther }) => isOther)],
    rowsCut: groups.length - shown.length,
  };
}

function figureOf(plan: Plan, column: Column, cells: readonly Cell[], peers: number, key: GroupKey | null): TableValue {
  if (column.kind === 'field') return key?.[plan.query.groupBy.indexOf(column.field)] ?? null;
  const at = measureOf(plan, column.aggregate);
  return at < 0 ? peers : (cells[at]?.result(column.aggregate) ?? null);
}

function typeOf(column: Column): AttributeType {
  if (column.kind === 'field') return attributeOf(column.field).type;
  const { field, kind } = column.aggregate;
  return kind === 'count' || field === null ? 'number' : attributeOf(field).type;
}

/** Rows come by their groups' keys, and stay so where the keys of the order are alike. What nobody knows is last. */
function sorted({ query: { orderBy, columns } }: Plan, rows: readonly TableRow[]): readonly TableRow[] {
  if (orderBy.length === 0) return rows;
  return [...rows].sort((a, b) => {
    for (const { column, isDescending } of orderBy) {
      const [left, right] = [a.values[column] ?? null, b.values[column] ?? null];
      if (left === null || right === null) {
        if (left !== right) return left === null ? 1 : -1;
        continue;
      }
      const difference = compare(fieldOf(columns[column] as Column), left, right);
      if (difference !== 0) return isDescending ? -difference : difference;
    }
    return 0;
  });
}

/** Whose way to compare texts counts. */
function fieldOf(column: Column): AttributeName {
  return column.kind === 'field' ? column.field : (column.aggregate.field ?? 'id');
}
