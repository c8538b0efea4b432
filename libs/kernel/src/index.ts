export { assert, unreachable } from './assert.ts';
export { addCounts, countMax, isCount } from './counts.ts';
export { DeadlineQueue } from './deadline-queue.ts';
export { IndexedMap } from './indexed-map.ts';
export {
  type Input,
  isFailedDial,
  type LinkDownReason,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  timestampMsMax,
} from './protocol.ts';
export { type Effect, RecordingOutbox } from './recording-outbox.ts';
export { Rng } from './rng.ts';
export { SeenWaves } from './seen-waves.ts';
export { SmallMap } from './small-map.ts';
export { TokenBucket } from './token-bucket.ts';
export { WorkLimit } from './work-limit.ts';
