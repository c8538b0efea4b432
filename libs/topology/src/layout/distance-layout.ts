import type { PeerId } from '@starling/kernel';
import { hopsFrom } from '../components.ts';
import { hash32 } from '../hash.ts';
import type { Guide, Layout, LayoutInput, LayoutResult, Point } from './layout.ts';

const outerRadius = 0.94;

interface Branch {
  readonly id: PeerId;
  readonly children: Branch[];
  leaves: number;
}

/**
 * Rings by hops from the focus: what one message from there reaches first, second, third. Each peer hangs on one peer of
 * the ring before, and gets a share of the circle by what hangs on it. Peers that cannot be reached are on a last ring.
 */
export class DistanceLayout implements Layout {
  place({ peers, edges, focus }: LayoutInput): LayoutResult {
    const ids = new Set(peers.map(({ id }) => id));
    const center = focus !== null && ids.has(focus) ? focus : [...ids].sort()[0];
    if (center === undefined) return { positions: new Map(), guides: [] };
    const neighbors = new Map<PeerId, PeerId[]>([...ids].map((id) => [id, []]));
    for (const { a, b } of edges) {
      neighbors.get(a)?.push(b);
      neighbors.get(b)?.push(a);
    }
    const hops = hopsFrom(center, (id) => (neighbors.get(id) ?? []).filter((next) => ids.has(next)));
    const root = hang(center, hops, neighbors);
    const reach = Math.max(0, ...hops.values());
    const lost = [...ids].filter((id) => !hops.has(id)).sort();
    const rings = Math.max(1, lost.length > 0 ? reach + 1 : reach);
    const positions = new Map<PeerId, Point>();
    const place = (branch: Branch, from: number, to: number): void => {
      positions.set(branch.id, onRing((hops.get(branch.id) ?? 0) / rings, (from + to) / 2));
      let at = from;
      for (const child of branch.children) {
        const share = ((to - from) * child.leaves) / branch.leaves;
        place(child, at, at + share);
        at += share;
      }
    };
    place(root, 0, 1);
    lost.forEach((id, i) => {
      positions.set(id, onRing(1, (i + 0.5) / lost.length));
    });
    const guides: Guide[] = [];
    for (let ring = 1; ring <= rings; ring++) {
      const label = ring > reach ? 'not reached' : ring === 1 ? '1 hop' : `${ring} hops`;
      guides.push({ x: 0, y: 0, radius: (outerRadius * ring) / rings, label });
    }
    return { positions, guides };
  }
}

function onRing(share: number, turn: number): Point {
  const angle = 2 * Math.PI * turn;
  return { x: outerRadius * share * Math.sin(angle), y: outerRadius * share * Math.cos(angle) };
}

/** Hangs each peer on the nearer neighbour of least hash: the same choice whatever the order of the edges. */
function hang(
  center: PeerId,
  hops: ReadonlyMap<PeerId, number>,
  neighbors: ReadonlyMap<PeerId, readonly PeerId[]>,
): Branch {
  const branches = new Map<PeerId, Branch>();
  const ordered = [...hops].sort(([one, at], [other, otherAt]) => at - otherAt || hash32(one) - hash32(other));
  for (const [id] of ordered) branches.set(id, { id, children: [], leaves: 1 });
  for (const [id, distance] of ordered) {
    const nearer = (neighbors.get(id) ?? []).filter((next) => hops.get(next) === distance - 1);
    const [parent] = nearer.sort((one, other) => hash32(one) - hash32(other) || (one < other ? -1 : 1));
    if (parent !== undefined) branches.get(parent)?.children.push(branches.get(id) as Branch);
  }
  for (const [id] of ordered.reverse()) {
    const branch = branches.get(id) as Branch;
    if (branch.children.length > 0) branch.leaves = branch.children.reduce((sum, child) => sum + child.leaves, 0);
  }
  return branches.get(center) as Branch;
}
