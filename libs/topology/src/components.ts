import type { PeerId } from '@starling/kernel';

/** Two peers that are connected. */
export interface Connection {
  readonly a: PeerId;
  readonly b: PeerId;
}

/** The connected components, largest first, ties by their least id; ids sorted within. Union–find, near-linear. */
export function components(peers: Iterable<PeerId>, connections: Iterable<Connection>): PeerId[][] {
  const parents = new Map<PeerId, PeerId>();
  for (const peer of peers) parents.set(peer, peer);
  const find = (peer: PeerId): PeerId => {
    let root = peer;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) root = up;
    // Path compression: the next search from here takes one step.
    for (let at = peer; at !== root; ) {
      const up = parents.get(at) as PeerId;
      parents.set(at, root);
      at = up;
    }
    return root;
  };
  for (const { a, b } of connections) {
    if (!parents.has(a) || !parents.has(b)) continue;
    const rootA = find(a);
    const rootB = find(b);
    if (rootA !== rootB) parents.set(rootB, rootA);
  }
  const groups = new Map<PeerId, PeerId[]>();
  for (const peer of parents.keys()) {
    const root = find(peer);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [peer]);
    else group.push(peer);
  }
  const sorted = [...groups.values()].map((group) => group.sort());
  return sorted.sort((one, other) => other.length - one.length || ((one[0] as string) < (other[0] as string) ? -1 : 1));
}

/** Hops from `start` to every peer that can be reached; breadth first over `neighbors`. */
export function hopsFrom(start: PeerId, neighbors: (peer: PeerId) => Iterable<PeerId>): Map<PeerId, number> {
  const hops = new Map<PeerId, number>([[start, 0]]);
  // A Map is walked in the order of insertion, also while it grows: it is its own queue.
  for (const [peer, distance] of hops) {
    for (const next of neighbors(peer)) if (!hops.has(next)) hops.set(next, distance + 1);
  }
  return hops;
}
