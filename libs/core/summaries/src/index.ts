export { defaultSummariesConfig, type SummariesConfig } from './config.ts';
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
