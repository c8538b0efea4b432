export { assert, unreachable } from './assert.ts';
export { DeadlineQueue } from './deadline-queue.ts';
export { IndexedMap } from './indexed-map.ts';
export type { Input, LinkDownReason, Millis, Outbox, PeerId, PeerInfo, ProtocolCore } from './protocol.ts';
export { type Effect, RecordingOutbox } from './recording-outbox.ts';
export { Rng } from './rng.ts';
export { WorkLimit } from './work-limit.ts';
