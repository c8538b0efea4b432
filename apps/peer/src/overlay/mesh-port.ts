import type { MeshCommand, MeshEvent } from '@starling/mesh';

/** What the services above a mesh need of its host. */
export interface MeshPort {
  /** The host's clock. */
  now(): number;
  command(command: MeshCommand): void;
  /** Returns the way to unsubscribe. */
  on(listener: (event: MeshEvent) => void): () => void;
}
