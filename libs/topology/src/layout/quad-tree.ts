/** Cells deeper than this hold points that are as good as the same. */
const depthMax = 24;

/**
 * A Barnes–Hut tree over points in the plane: the repulsion of far points is taken together, O(n log n) for all instead
 * of O(n²). Flat arrays, rebuilt for each step.
 */
export class QuadTree {
  readonly #children: number[] = [];
  readonly #mass: number[] = [];
  readonly #sumX: number[] = [];
  readonly #sumY: number[] = [];
  readonly #size: number[] = [];
  /** Cells still to be looked at; kept between calls, which are many. */
  readonly #open: number[] = [];

  constructor(xs: Float64Array, ys: Float64Array) {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < xs.length; i++) {
      least = Math.min(least, xs[i] as number, ys[i] as number);
      most = Math.max(most, xs[i] as number, ys[i] as number);
    }
    const size = Math.max(most - least, 1e-9);
    this.#cell(size);
    for (let i = 0; i < xs.length; i++) this.#insert(xs[i] as number, ys[i] as number, least, least, size);
  }

  /**
   * Adds to `force` what all points do to the one at (x, y): `strength` / distance each. A cell that looks smaller than
   * `theta` (its size over its distance) counts as one point in its centre of mass.
   */
  repel(x: number, y: number, strength: number, theta: number, force: { x: number; y: number }): void {
    const open = this.#open;
    open.push(0);
    for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
      const mass = this.#mass[cell] as number;
      if (mass === 0) continue;
      const dx = x - (this.#sumX[cell] as number) / mass;
      const dy = y - (this.#sumY[cell] as number) / mass;
      const squared = dx * dx + dy * dy;
      const first = this.#children[cell] as number;
      const size = this.#size[cell] as number;
      if (first !== -1 && size * size > theta * theta * squared) {
        open.push(first, first + 1, first + 2, first + 3);
      } else if (squared > 1e-12) {
        const push = (strength * mass) / squared;
        force.x += dx * push;
        force.y += dy * push;
      }
    }
  }

  #cell(size: number): number {
    this.#children.push(-1);
    this.#mass.push(0);
    this.#sumX.push(0);
    this.#sumY.push(0);
    return this.#size.push(size) - 1;
  }

  #insert(x: number, y: number, left: number, bottom: number, extent: number): void {
    let [cell, x0, y0, size] = [0, left, bottom, extent];
    for (let depth = 0; ; depth++) {
      const mass = this.#mass[cell] as number;
      if (mass > 0 && this.#children[cell] === -1 && depth < depthMax) this.#divide(cell, x0, y0, size);
      this.#mass[cell] = mass + 1;
      this.#sumX[cell] = (this.#sumX[cell] as number) + x;
      this.#sumY[cell] = (this.#sumY[cell] as number) + y;
      const first = this.#children[cell] as number;
      if (first === -1) return;
      size /= 2;
      const [right, upper] = [x >= x0 + size, y >= y0 + size];
      cell = first + (right ? 1 : 0) + (upper ? 2 : 0);
      if (right) x0 += size;
      if (upper) y0 += size;
    }
  }

  /** Gives a leaf four children and moves its one point into the right one. */
  #divide(cell: number, x0: number, y0: number, size: number): void {
    const half = size / 2;
    const first = this.#cell(half);
    this.#cell(half);
    this.#cell(half);
    this.#cell(half);
    this.#children[cell] = first;
    const mass = this.#mass[cell] as number;
    const [x, y] = [(this.#sumX[cell] as number) / mass, (this.#sumY[cell] as number) / mass];
    const child = first + (x >= x0 + half ? 1 : 0) + (y >= y0 + half ? 2 : 0);
    this.#mass[child] = mass;
    this.#sumX[child] = this.#sumX[cell] as number;
    this.#sumY[child] = this.#sumY[cell] as number;
  }
}
