import type { AggregateMessage } from '@starling/core-aggregate';
import type { BansMessage } from '@starling/core-bans';
import type { DirectoryBroadcast, DirectoryMessage } from '@starling/core-directory';
import type { HyParViewMessage } from '@starling/core-hyparview';
import type { KademliaMessage } from '@starling/core-kademlia';
import type { LivenessMessage } from '@starling/core-liveness';
import type { ObserveBroadcast } from '@starling/core-observe';
import type { PlumtreeMessage } from '@starling/core-plumtree';
import type { Hit, SearchMessage } from '@starling/core-search';
import type { HolderMessage, SummariesMessage, SummaryDelta } from '@starling/core-summaries';

/** Names a swarm: a membership and a broadcast tree of its own over the same links. Every peer is in the root swarm, 0. */
export type SwarmId = number;
export const rootSwarm: SwarmId = 0;

/** What one peer says to another over a link. `B` is a broadcast's body: encoded bytes in a pod, a `Body` in the simulator. */
export type MeshMessage<B> =
  | { readonly area: 'membership'; readonly swarm: SwarmId; readonly message: HyParViewMessage }
  | { readonly area: 'broadcast'; readonly swarm: SwarmId; readonly message: PlumtreeMessage<B> }
  | { readonly area: 'liveness'; readonly message: LivenessMessage }
  | { readonly area: 'directory'; readonly message: DirectoryMessage }
  | { readonly area: 'search'; readonly message: SearchMessage }
  | { readonly area: 'aggregate'; readonly message: AggregateMessage }
  | { readonly area: 'bans'; readonly message: BansMessage }
  | { readonly area: 'summaries'; readonly message: SummariesMessage }
  | { readonly area: 'holders'; readonly message: HolderMessage<Hit> }
  | { readonly area: 'lookup'; readonly message: KademliaMessage };

/** What a broadcast carries. A relay never looks inside. */
export type Body =
  | {
      readonly kind: 'user';
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly headers: Readonly<Record<string, string>>;
    }
  /**
   * Measures the mesh's own delivery: how many arrive, and how late. Counted from 1 by each origin. Neither held for replay nor
   * shown to subscribers. It also says that its origin is there, and will say so again within `refreshMs`.
   */
  | { readonly kind: 'canary'; readonly number: number; readonly refreshMs: number }
  | { readonly kind: 'directory'; readonly message: DirectoryBroadcast }
  | { readonly kind: 'observe'; readonly message: ObserveBroadcast }
  | { readonly kind: 'summary'; readonly delta: SummaryDelta };

/** Turns bodies into what travels. `decode` gives null for bytes that are no body. */
export interface BodyCodec<B> {
  encode(body: Body): B;
  decode(encoded: B): Body | null;
  /** Bytes that it takes in a store or a queue. */
  sizeOf(encoded: B): number;
}
