export { type AggregateOptions, type AggregateStats, Aggregation } from './aggregate.ts';
export type { CellData } from './cell.ts';
export { type AggregateConfig, defaultAggregateConfig } from './config.ts';
export type {
  AggregateCommand,
  AggregateEvent,
  AggregateMessage,
  AggregateReason,
  AggregateResult,
  AggregateTally,
  Lost,
  LostReason,
} from './messages.ts';
export type { GroupData, GroupKey, PartialData } from './partial.ts';
export { type Plan, planOf } from './plan.ts';
export { estimatedBytes } from './size.ts';
export { relativeError, type SketchData } from './sketch.ts';
export { type Table, type TableColumn, type TableRow, type TableValue, tableOf } from './table.ts';
