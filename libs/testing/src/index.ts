export {
  addresses,
  bansMessages,
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
export { type ByteMutation, byteMutations, mutated } from './byte-mutations.ts';
export {
  describeTransport,
  type Endpoint,
  numberOf,
  type TransportFactory,
  testGossip,
  testPeer,
  testPing,
} from './describe-transport.ts';
export { type LinkEvent, LinkRecorder } from './link-recorder.ts';
