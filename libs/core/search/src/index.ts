export { defaultSearchConfig, type SearchConfig } from './config.ts';
export type {
  FinishReason,
  Hit,
  QueryCost,
  QueryTally,
  SearchCommand,
  SearchEvent,
  SearchMessage,
  SeekStrategy,
  SeekTally,
  Strategy,
} from './messages.ts';
export { Search, type SearchOptions, type SearchStats } from './search.ts';
export type { SeekerStats } from './seeker.ts';
export { estimatedBytes } from './size.ts';
