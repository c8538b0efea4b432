export {
  addresses,
  bodies,
  directoryMessages,
  gossips,
  hyParViewMessages,
  livenessMessages,
  meshMessages,
  peerIds,
  peerInfos,
  plumtreeMessages,
  searchMessages,
  streamIds,
} from './arbitraries.ts';
