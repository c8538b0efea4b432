export { admitAll } from './admission.ts';
export { assertHyParViewConfig, defaultHyParViewConfig, type HyParViewConfig, neighborsMax } from './config.ts';
export { HyParView } from './hyparview.ts';
export type * from './messages.ts';
export type { HyParViewStats } from './stats.ts';
