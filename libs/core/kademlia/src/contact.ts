import type { PeerInfo } from '@starling/kernel';
import { compareDistance, type Position } from './position.ts';

/** A peer and where it stands. */
export interface Contact {
  readonly info: PeerInfo;
  readonly position: Position;
}

/** Sorts by distance to `target`, nearest first; in place. */
export function sortByDistance<C extends { readonly position: Position }>(target: Position, contacts: C[]): C[] {
  return contacts.sort((a, b) => compareDistance(target, a.position, b.position));
}
