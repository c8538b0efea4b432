export { assertReputationConfig, defaultReputationConfig, type ReputationConfig } from './config.ts';
export type * from './messages.ts';
export { Reputation } from './reputation.ts';
