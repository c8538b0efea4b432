export type { MeshCommand, MeshEvent, MeshOutbox, QueryStrategy } from './api.ts';
export { type CanaryConfig, defaultCanaryConfig } from './canary.ts';
export { defaultMeshConfig, type MeshConfig } from './config.ts';
export { type NeighborCommand, neighborCommandOf } from './hand-over.ts';
export { Mesh, type MeshOptions } from './mesh.ts';
export { type Body, type BodyCodec, type MeshMessage, rootSwarm, type SwarmId } from './messages.ts';
export { parseStream, streamOf } from './stream.ts';
export { Swarm, type SwarmCommand, type SwarmEvent, type SwarmMessage, type SwarmOptions } from './swarm.ts';
