export type {
  Gossip,
  PlumtreeCommand,
  PlumtreeEvent,
  PlumtreeMessage,
  SeqRange,
  StreamDigest,
  StreamId,
} from './messages.ts';
export { ephemeralStream, isEphemeral } from './messages.ts';
