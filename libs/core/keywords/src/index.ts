export { assertKeywordsConfig, defaultKeywordsConfig, type KeywordsConfig } from './config.ts';
export { Keywords, type KeywordsOptions } from './keywords.ts';
export type { Fingerprint, KeywordsCommand, KeywordsEvent } from './messages.ts';
