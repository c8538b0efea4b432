import type { Point } from '@starling/topology';
import type Graph from 'graphology';
import { type DrawnEdge, type DrawnNode, fadeMs } from './mesh-graph.ts';

/** How long things move and grow, in ms. */
const moveMs = 500;
export const growMs = 400;

/** How the nodes of a drawn graph get from where they are to where they belong. */
export class Motion {
  readonly #graph: Graph<DrawnNode, DrawnEdge>;
  /** 0: nobody has a place yet; -1: nobody moves. */
  #movingSince = 0;

  constructor(graph: Graph<DrawnNode, DrawnEdge>) {
    this.#graph = graph;
  }

  /** Where everybody is to go. The first time, and for who wants it still, they are there at once. */
  moveTo(positionOf: (id: string) => Point | undefined, now: number, isStill: boolean): void {
    const isFirst = this.#movingSince === 0;
    const hasMoved = this.#graph.someNode((id, { toX, toY }) => {
      const to = positionOf(id);
      return to !== undefined && (toX !== to.x || toY !== to.y);
    });
    if (!hasMoved) return;
    this.#graph.forEachNode((id, attributes) => {
      const to = positionOf(id);
      if (to === undefined) return;
      const isNew = attributes.toX === undefined;
      const [fromX, fromY] = isNew ? [to.x, to.y] : [attributes.x ?? to.x, attributes.y ?? to.y];
      const [x, y] = isFirst || isStill ? [to.x, to.y] : [fromX, fromY];
      this.#graph.mergeNodeAttributes(id, { fromX, fromY, toX: to.x, toY: to.y, x, y });
    });
    this.#movingSince = isFirst || isStill ? -1 : now;
  }

  /** Moves on, and drops who has faded. Says whether anything goes on moving, growing or fading. */
  advance(now: number): boolean {
    const share = Math.min(1, (now - this.#movingSince) / moveMs);
    const isMoving = this.#movingSince > 0;
    const eased = 1 - (1 - share) ** 3;
    let isBusy = isMoving && share < 1;
    for (const id of this.#graph.nodes()) {
      const { fromX = 0, fromY = 0, toX = 0, toY = 0, bornAt = 0, goneAt = 0 } = this.#graph.getNodeAttributes(id);
      if (goneAt > 0 && now - goneAt > fadeMs) this.#graph.dropNode(id);
      else if (goneAt > 0 || (bornAt > 0 && now - bornAt < growMs)) isBusy = true;
      else if (isMoving && (fromX !== toX || fromY !== toY)) {
        const position = { x: fromX + (toX - fromX) * eased, y: fromY + (toY - fromY) * eased };
        this.#graph.mergeNodeAttributes(id, position);
      }
    }
    if (isMoving && share === 1) this.#movingSince = -1;
    return isBusy;
  }
}
