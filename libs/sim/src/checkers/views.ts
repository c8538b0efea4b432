import type { PeerId, PeerInfo } from '@starling/kernel';

/** What the views of one peer must respect. */
export interface ViewBounds {
  readonly activeMax: number;
  readonly passiveMax: number;
}

/** Safety of one peer's views at any moment; a sentence when it is broken, else null. */
export function checkViews(
  self: PeerId,
  active: readonly PeerInfo[],
  passive: readonly PeerInfo[],
  isNeighbor: (id: PeerId) => boolean,
  bounds: ViewBounds,
): string | null {
  if (active.length > bounds.activeMax) return `${self} has ${active.length} neighbours, more than ${bounds.activeMax}`;
  if (passive.length > bounds.passiveMax) return `${self} has ${passive.length} spares, more than ${bounds.passiveMax}`;
  for (const { id } of active) if (id === self) return `${self} is in its own active view`;
  for (const { id } of passive) {
    if (id === self) return `${self} is in its own passive view`;
    if (isNeighbor(id)) return `${self} has ${id} in both views`;
  }
  return null;
}

/** One peer's neighbours, as it sees them. */
export interface Views {
  readonly id: PeerId;
  readonly neighbors: readonly PeerId[];
}

/** Liveness of the membership once faults have stopped: symmetric views without the dead, and one component. */
export function checkOverlay(live: readonly Views[]): string[] {
  const violations: string[] = [];
  const byId = new Map(live.map((views) => [views.id, new Set(views.neighbors)]));
  for (const { id, neighbors } of live) {
    if (neighbors.length === 0 && live.length > 1) violations.push(`${id} is alone`);
    for (const other of neighbors) {
      const back = byId.get(other);
      if (back === undefined) violations.push(`${id} keeps ${other}, which is gone`);
      else if (!back.has(id)) violations.push(`${id} has ${other} as a neighbour, but not the other way round`);
    }
  }
  const first = live[0];
  if (first !== undefined) {
    const reached = new Set([first.id]);
    for (const id of reached) for (const other of byId.get(id) ?? []) if (byId.has(other)) reached.add(other);
    if (reached.size < live.length)
      violations.push(`${live.length} peers are not one mesh: ${reached.size} reach each other`);
  }
  return violations;
}
