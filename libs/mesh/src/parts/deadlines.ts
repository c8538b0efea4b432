import type { Millis } from '@starling/kernel';

/** Whoever has a deadline: a core. */
interface Timed {
  nextDeadline(): Millis;
}

/**
 * When each of a mesh's cores wants to be woken, side by side. Most inputs concern one or two cores; the others' deadlines
 * stand, and to ask them again would be a good part of what an input costs.
 */
export class Deadlines {
  readonly #cores: Timed[] = [];
  #at = new Float64Array(0);
  /** Places of cores that have had an input since they were asked; each is named once. */
  readonly #stale: number[] = [];
  readonly #isStale: boolean[] = [];

  /** The place of a further core. */
  add(core: Timed): number {
    const place = this.#cores.push(core) - 1;
    this.#at = new Float64Array(this.#cores.length);
    this.#isStale.push(false);
    // All anew, for the list has grown.
    for (let known = 0; known <= place; known++) this.changed(known);
    return place;
  }

  /** The core at this place had an input. */
  changed(place: number): void {
    if (this.#isStale[place]) return;
    this.#isStale[place] = true;
    this.#stale.push(place);
  }

  of(place: number): Millis {
    this.#refresh();
    return this.#at[place] as number;
  }

  earliest(): Millis {
    this.#refresh();
    let earliest = Number.POSITIVE_INFINITY;
    for (const at of this.#at) if (at < earliest) earliest = at;
    return earliest;
  }

  #refresh(): void {
    const stale = this.#stale;
    for (let place = stale.pop(); place !== undefined; place = stale.pop()) {
      this.#isStale[place] = false;
      this.#at[place] = (this.#cores[place] as Timed).nextDeadline();
    }
  }
}
