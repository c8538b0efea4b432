export { defaultSearchConfig, type SearchConfig } from './config.ts';
export type { Hit, QueryTally, SearchCommand, SearchEvent, SearchMessage } from './messages.ts';
export { Search, type SearchStats } from './search.ts';
