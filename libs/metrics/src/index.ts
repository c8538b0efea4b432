export { CanaryLedger, type CanaryLedgerConfig, defaultCanaryLedgerConfig } from './canary-ledger.ts';
export {
  grpcCodes,
  type HistogramName,
  type MetricDefinition,
  type MetricName,
  messageKinds,
  metricDefinitions,
  type ScrapedName,
} from './definitions.ts';
export { MeshCounters } from './mesh-counters.ts';
export { metricsReference, seriesOf } from './reference.ts';
export { type MetricSources, MetricsRegistry, type Sample } from './registry.ts';
