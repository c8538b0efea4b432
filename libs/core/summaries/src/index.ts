export { defaultSummariesConfig, type SummariesConfig } from './config.ts';
export { defaultHolderSearchConfig, type HolderSearchConfig } from './holder-config.ts';
export type { HolderCommand, HolderCost, HolderEvent, HolderMessage, RankedHit } from './holder-messages.ts';
export { HolderSearch, isHolderAsk } from './holder-search.ts';
export type { HolderSpan, HolderWay } from './holder-trace.ts';
export type {
  IndexSize,
  OffReason,
  SummariesCommand,
  SummariesEvent,
  SummariesMessage,
  SummaryDelta,
  SummaryRecord,
  VersionEntry,
} from './messages.ts';
export { type Holders, Summaries, type SummariesStats } from './summaries.ts';
