import type { PeerId, Rng } from '@starling/kernel';

/** A directed graph over vertices 0 … n−1, as arrays: `targets[offsets[v]] … targets[offsets[v + 1] − 1]` are the vertices that `v` points to. */
export interface Graph {
  readonly ids: readonly PeerId[];
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

/** Builds a graph from peers and whom each points to. Targets that are not among the peers (dead ones) are left out. */
export function graphOf(peers: readonly { readonly id: PeerId; readonly links: readonly PeerId[] }[]): Graph {
  const vertex = new Map<PeerId, number>();
  for (const [at, { id }] of peers.entries()) vertex.set(id, at);
  const offsets = new Int32Array(peers.length + 1);
  const targets: number[] = [];
  for (const [at, { links }] of peers.entries()) {
    for (const id of links) {
      const to = vertex.get(id);
      if (to !== undefined) targets.push(to);
    }
    offsets[at + 1] = targets.length;
  }
  return { ids: peers.map(({ id }) => id), offsets, targets: Int32Array.from(targets) };
}

/** What one flood from a vertex reaches. */
export interface Reach {
  /** Vertices reached, the first included. */
  readonly reached: number;
  /** Hops to the last of them. */
  readonly lastHop: number;
  /** Sum of the hops to each. */
  readonly hops: number;
}

/** Floods from `start` in rounds (breadth first). `depths`, when given, gets each vertex's hops, −1 for those not reached. */
export function flood(graph: Graph, start: number, depths = new Int32Array(graph.ids.length)): Reach {
  const { offsets, targets } = graph;
  const queue = new Int32Array(graph.ids.length);
  depths.fill(-1);
  depths[start] = 0;
  queue[0] = start;
  let reached = 1;
  let hops = 0;
  for (let head = 0; head < reached; head++) {
    const from = queue[head] as number;
    const depth = (depths[from] as number) + 1;
    for (let i = offsets[from] as number; i < (offsets[from + 1] as number); i++) {
      const to = targets[i] as number;
      if (depths[to] !== -1) continue;
      depths[to] = depth;
      hops += depth;
      queue[reached++] = to;
    }
  }
  return { reached, hops, lastHop: reached === 0 ? 0 : (depths[queue[reached - 1] as number] as number) };
}

/** Sizes of the components, largest first; links count both ways. */
export function componentSizes(graph: Graph): number[] {
  const parent = Int32Array.from(graph.ids, (_, at) => at);
  const find = (v: number): number => {
    let at = v;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  for (let from = 0; from < graph.ids.length; from++) {
    for (let i = graph.offsets[from] as number; i < (graph.offsets[from + 1] as number); i++) {
      parent[find(from)] = find(graph.targets[i] as number);
    }
  }
  const sizes = new Map<number, number>();
  for (let v = 0; v < graph.ids.length; v++) sizes.set(find(v), (sizes.get(find(v)) ?? 0) + 1);
  return [...sizes.values()].sort((a, b) => b - a);
}

/** The mean over vertices of the share of a vertex's neighbour pairs that are linked; vertices with fewer than two count as 0. */
export function clustering(graph: Graph): number {
  const { offsets, targets, ids } = graph;
  let sum = 0;
  for (let v = 0; v < ids.length; v++) {
    const neighbors = targets.subarray(offsets[v], offsets[v + 1]);
    const { length } = neighbors;
    if (length < 2) continue;
    let linked = 0;
    for (const from of neighbors) {
      for (let i = offsets[from] as number; i < (offsets[from + 1] as number); i++) {
        if (neighbors.includes(targets[i] as number)) linked++;
      }
    }
    sum += linked / (length * (length - 1));
  }
  return ids.length === 0 ? 0 : sum / ids.length;
}

/** Links that the other side does not have. */
export function oneSidedLinks(graph: Graph): number {
  const { offsets, targets, ids } = graph;
  let count = 0;
  for (let v = 0; v < ids.length; v++) {
    for (let i = offsets[v] as number; i < (offsets[v + 1] as number); i++) {
      const to = targets[i] as number;
      if (!targets.subarray(offsets[to], offsets[to + 1]).includes(v)) count++;
    }
  }
  return count;
}

/** Mean shortest path and mean last hop over floods from up to `samples` random vertices. */
export function pathLengths(
  graph: Graph,
  rng: Rng,
  samples: number,
): { readonly mean: number; readonly lastHop: number } {
  const starts = rng.sample(
    graph.ids.map((_, at) => at),
    samples,
  );
  const depths = new Int32Array(graph.ids.length);
  let hops = 0;
  let pairs = 0;
  let lastHops = 0;
  for (const start of starts) {
    const reach = flood(graph, start, depths);
    hops += reach.hops;
    pairs += reach.reached - 1;
    lastHops += reach.lastHop;
  }
  return { mean: pairs === 0 ? 0 : hops / pairs, lastHop: starts.length === 0 ? 0 : lastHops / starts.length };
}

/** The number of links of each vertex. */
export function degrees(graph: Graph): number[] {
  return graph.ids.map((_, v) => (graph.offsets[v + 1] as number) - (graph.offsets[v] as number));
}
