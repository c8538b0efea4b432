import type { HyParViewEvent } from '@starling/core-hyparview';
import type { PlumtreeCommand, PlumtreeEvent } from '@starling/core-plumtree';

/** What the broadcast is told of its neighbours. */
export type NeighborCommand = Extract<
  PlumtreeCommand<never>,
  { readonly kind: 'neighborUp' | 'neighborDown' | 'neighborRetiring' }
>;

/** What an event of a swarm means for the broadcast over it; null: nothing. Whoever lost its place to another is still there. */
export function neighborCommandOf(event: HyParViewEvent | PlumtreeEvent<unknown>): NeighborCommand | null {
  switch (event.kind) {
    case 'neighborUp':
      return { kind: 'neighborUp', peer: event.peer.id, zone: event.peer.zone };
    case 'neighborDown': {
      const isReplaced = event.reason === 'evicted' || event.reason === 'swapped';
      return { kind: isReplaced ? 'neighborRetiring' : 'neighborDown', peer: event.peer.id };
    }
    default:
      return null;
  }
}
