export { assertKademliaConfig, defaultKademliaConfig, type KademliaConfig } from './config.ts';
export type { Contact } from './contact.ts';
export { FullTable } from './full-table.ts';
export { Kademlia, type KademliaOptions } from './kademlia.ts';
export {
  type Hop,
  type KademliaCommand,
  type KademliaEvent,
  type KademliaMessage,
  type LookupOutcome,
  type LookupResult,
  type StoreOutcome,
  storeOutcomes,
} from './messages.ts';
export {
  compareDistance,
  comparePositions,
  fromBytes,
  type Position,
  positionOfKey,
  positionOfPeer,
  sharedBits,
  toBytes,
} from './position.ts';
export {
  compareRecords,
  type LookupRecord,
  type RecordKind,
  type RecordVerifier,
  recordKinds,
  signedBytes,
  type UnsignedRecord,
} from './record.ts';
export { type KademliaStats, newKademliaStats } from './stats.ts';
