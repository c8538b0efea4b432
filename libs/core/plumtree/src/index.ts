export type { SignatureMode, SignaturePrimitives, SignatureStats, SignedPart } from './batch-signatures.ts';
export { checkPlumtreeConfig, defaultPlumtreeConfig, type PlumtreeConfig } from './config.ts';
export { heldMessageBytes, MessageStore, type MessageStoreConfig } from './message-store.ts';
export type {
  BatchSignature,
  Gossip,
  IHaveItem,
  PlumtreeCommand,
  PlumtreeEvent,
  PlumtreeMessage,
  SeqRange,
  StreamDigest,
  StreamId,
} from './messages.ts';
export {
  batchMessagesMax,
  digestBytes,
  ephemeralStream,
  isEphemeral,
  isPatient,
  originOf,
  patientStream,
} from './messages.ts';
export { Plumtree } from './plumtree.ts';
export type { PlumtreeStats } from './stats.ts';
export type { Entry, TreeLabel } from './tree-label.ts';
