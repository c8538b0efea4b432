import type { PeerId } from '@starling/kernel';

/**
 * Ids in ascending order, for pages. Built when first asked for and kept current from then on (a search and a move per
 * change), so that a peer whose directory nobody lists pays nothing.
 */
export class SortedIds {
  #ids: PeerId[] | null = null;

  ids(source: ReadonlyMap<PeerId, unknown>): readonly PeerId[] {
    this.#ids ??= [...source.keys()].sort();
    return this.#ids;
  }

  /** Position of the first id greater than `id`. */
  firstAfter(id: PeerId): number {
    const ids = this.#ids ?? [];
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ids[middle] as PeerId) > id) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Adds an id that is not in it. */
  add(id: PeerId): void {
    this.#ids?.splice(this.firstAfter(id), 0, id);
  }

  /** Removes an id that is in it. */
  delete(id: PeerId): void {
    this.#ids?.splice(this.firstAfter(id) - 1, 1);
  }
}
