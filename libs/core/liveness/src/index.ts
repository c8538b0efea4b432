export { assertLivenessConfig, defaultLivenessConfig, type LivenessConfig } from './config.ts';
export { Liveness } from './liveness.ts';
export type * from './messages.ts';
export type { LivenessStats } from './stats.ts';
