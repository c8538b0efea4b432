export { defaultObserveConfig, type ObserveConfig } from './config.ts';
export type {
  LinkReport,
  ObserveBroadcast,
  ObserveCommand,
  ObserveEvent,
  PeerCondition,
  PeerReport,
} from './messages.ts';
export { Observe, type ObserveStats } from './observe.ts';
