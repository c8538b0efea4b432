export { keyOf } from './best-hits.ts';
export { defaultSearchConfig, type SearchConfig } from './config.ts';
export type { LinkDigestStats, Sight } from './link-digests.ts';
export type {
  FinishReason,
  Hit,
  QueryCost,
  QueryTally,
  QuestionTerms,
  ResponderTally,
  SearchCommand,
  SearchEvent,
  SearchMessage,
  SeekStrategy,
  SeekTally,
  Span,
  SpanList,
  SpanState,
  Strategy,
  TermsPart,
} from './messages.ts';
export { Search, type SearchOptions, type SearchStats } from './search.ts';
export type { SeekerStats } from './seeker.ts';
export { estimatedBytes } from './size.ts';
