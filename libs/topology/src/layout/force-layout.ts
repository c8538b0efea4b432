import type { PeerId } from '@starling/kernel';
import { hash32, hashUnit } from '../hash.ts';
import { type Layout, type LayoutEdge, type LayoutInput, type LayoutResult, type Point, quantized } from './layout.ts';
import { QuadTree } from './quad-tree.ts';

/** Steps of a changed picture. */
const laterSteps = 12;
/** Steps of a first picture times its peers: the more peers, the less each step is worth a viewer's wait. By eye. */
const [firstStepsMax, firstWork] = [220, 100_000];
/** How far a peer that was there before may move in one step of a changed picture: at most 2 % of the picture in all. */
const laterStepMax = 0.0033;
/** Measured: at 1.1 the picture of 1,000 peers is as good as at 0.9, in two thirds of the time. */
const theta = 1.1;
/** The pull to the middle, per ideal link length. By eye: meshes of 8 to 1,000 peers fill the picture. */
const gravity = 0.42;

/**
 * Springs along links, repulsion between all (Fruchterman and Reingold, with Barnes and Hut's tree), and a weak pull to
 * the middle. Peers that were placed before start where they were and may move little; a newcomer starts beside its
 * neighbours. The caller's weights decide what the picture tells: heavy tree links and light spare ones unfold the tree.
 */
export class ForceLayout implements Layout {
  #positions = new Map<PeerId, Point>();

  place({ peers, edges }: LayoutInput): LayoutResult {
    const ids = peers.map(({ id }) => id).sort((one, other) => hash32(one) - hash32(other) || (one < other ? -1 : 1));
    const isFirst = this.#positions.size === 0;
    const fresh = new Set(ids.filter((id) => !this.#positions.has(id)));
    const before = this.#positions;
    this.#positions = new Map(ids.map((id) => [id, before.get(id) ?? startOf(id, edges, before)]));
    const ideal = 1.15 / Math.sqrt(quantized(Math.max(4, ids.length), 1.35));
    const firstSteps = Math.min(firstStepsMax, Math.ceil(firstWork / Math.max(1, ids.length)));
    this.#settle(ids, edges, ideal, isFirst ? firstSteps : laterSteps, isFirst ? null : fresh);
    return { positions: this.#positions, guides: [] };
  }

  /** `fresh`: the only ones that may move freely; null lets everybody. */
  #settle(
    ids: readonly PeerId[],
    edges: readonly LayoutEdge[],
    ideal: number,
    steps: number,
    fresh: ReadonlySet<PeerId> | null,
  ): void {
    const index = new Map(ids.map((id, i) => [id, i]));
    const xs = Float64Array.from(ids, (id) => this.#positions.get(id)?.x ?? 0);
    const ys = Float64Array.from(ids, (id) => this.#positions.get(id)?.y ?? 0);
    const springs = edges.flatMap(({ a, b, weight }) => {
      const [from, to] = [index.get(a), index.get(b)];
      return from === undefined || to === undefined ? [] : [{ from, to, weight }];
    });
    const forcesX = new Float64Array(ids.length);
    const forcesY = new Float64Array(ids.length);
    const force = { x: 0, y: 0 };
    for (let step = 0; step < steps; step++) {
      const tree = new QuadTree(xs, ys);
      for (let i = 0; i < ids.length; i++) {
        force.x = -(xs[i] as number) * ideal * gravity;
        force.y = -(ys[i] as number) * ideal * gravity;
        tree.repel(xs[i] as number, ys[i] as number, ideal * ideal * 0.5, theta, force);
        forcesX[i] = force.x;
        forcesY[i] = force.y;
      }
      for (const { from, to, weight } of springs) {
        const dx = (xs[to] as number) - (xs[from] as number);
        const dy = (ys[to] as number) - (ys[from] as number);
        const pull = (weight * Math.hypot(dx, dy)) / ideal;
        forcesX[from] = (forcesX[from] as number) + dx * pull;
        forcesY[from] = (forcesY[from] as number) + dy * pull;
        forcesX[to] = (forcesX[to] as number) - dx * pull;
        forcesY[to] = (forcesY[to] as number) - dy * pull;
      }
      const cool = 0.12 * (1 - step / steps) ** 1.5;
      for (let i = 0; i < ids.length; i++) {
        const stepMax = fresh === null || fresh.has(ids[i] as PeerId) ? cool : Math.min(cool, laterStepMax) / 2;
        const length = Math.hypot(forcesX[i] as number, forcesY[i] as number);
        if (length === 0) continue;
        const scale = Math.min(length, stepMax) / length;
        xs[i] = clamp((xs[i] as number) + (forcesX[i] as number) * scale);
        ys[i] = clamp((ys[i] as number) + (forcesY[i] as number) * scale);
      }
    }
    ids.forEach((id, i) => {
      this.#positions.set(id, { x: xs[i] as number, y: ys[i] as number });
    });
  }
}

function clamp(value: number): number {
  return Math.max(-1, Math.min(1, value));
}

/** Beside the neighbours that are placed, or anywhere; a little aside, by the id's hash, so that no two coincide. */
function startOf(id: PeerId, edges: readonly LayoutEdge[], placed: ReadonlyMap<PeerId, Point>): Point {
  let [x, y, count] = [0, 0, 0];
  for (const { a, b } of edges) {
    if (a !== id && b !== id) continue;
    const neighbor = placed.get(a === id ? b : a);
    if (neighbor === undefined) continue;
    x += neighbor.x;
    y += neighbor.y;
    count++;
  }
  const angle = 2 * Math.PI * hashUnit(id);
  const aside = count > 0 ? 0.04 : Math.sqrt(hashUnit(`${id}/radius`));
  return {
    x: clamp(x / Math.max(1, count) + aside * Math.cos(angle)),
    y: clamp(y / Math.max(1, count) + aside * Math.sin(angle)),
  };
}
