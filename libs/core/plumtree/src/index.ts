export { checkPlumtreeConfig, defaultPlumtreeConfig, type PlumtreeConfig } from './config.ts';
export { MessageStore, type MessageStoreConfig } from './message-store.ts';
export type {
  Gossip,
  IHaveItem,
  PlumtreeCommand,
  PlumtreeEvent,
  PlumtreeMessage,
  SeqRange,
  StreamDigest,
  StreamId,
} from './messages.ts';
export { ephemeralStream, isEphemeral, isPatient, patientStream } from './messages.ts';
export { Plumtree } from './plumtree.ts';
export type { PlumtreeStats } from './stats.ts';
export type { Entry, TreeLabel } from './tree-label.ts';
