export type { MeshCommand, MeshEvent, MeshOutbox } from './api.ts';
export { type Body, type BodyCodec, type MeshMessage, rootSwarm, type SwarmId } from './messages.ts';
