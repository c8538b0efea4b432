import type { PeerId } from '@starling/kernel';
import { type Contact, sortByDistance } from './contact.ts';
import { comparePositions, type Position, sharedBits } from './position.ts';

/**
 * Every peer there is, sorted by position: the peers nearest to any key are found here, without asking anybody.
 * Peers that share a longer prefix with a key are nearer to it than those that do not, and in a sorted list they lie together.
 */
export class FullTable {
  readonly #positions = new Map<PeerId, Position>();
  #sorted: Contact[] = [];
  /** Added since the list was last sorted. */
  #fresh: Contact[] = [];
  /** Removed since then. */
  readonly #gone = new Set<PeerId>();

  get size(): number {
    return this.#positions.size;
  }

  has(id: PeerId): boolean {
    return this.#positions.has(id);
  }

  /** Adds, or replaces what is known of a peer. */
  set(contact: Contact): void {
    const { id } = contact.info;
    if (this.#positions.has(id) || this.#gone.has(id)) this.#settle();
    if (this.#positions.has(id)) {
      this.#sorted[this.#indexOf(contact.position)] = contact;
      return;
    }
    this.#positions.set(id, contact.position);
    this.#fresh.push(contact);
  }

  get(id: PeerId): Contact | undefined {
    const position = this.#positions.get(id);
    if (position === undefined) return undefined;
    this.#settle();
    return this.#sorted[this.#indexOf(position)];
  }

  delete(id: PeerId): void {
    if (this.#positions.delete(id)) this.#gone.add(id);
  }

  /** The `count` peers nearest to `target`, nearest first. */
  closest(target: Position, count: number): Contact[] {
    this.#settle();
    const sorted = this.#sorted;
    if (sorted.length <= count) return sortByDistance(target, sorted.slice());
    // The longest prefix of the target that `count` peers share: all of the nearest are among them.
    const at = this.#indexOf(target);
    let from = at;
    let to = at;
    while (to - from < count) {
      const before = from > 0 ? sharedBits(target, (sorted[from - 1] as Contact).position) : -1;
      const after = to < sorted.length ? sharedBits(target, (sorted[to] as Contact).position) : -1;
      const bits = Math.max(before, after);
      while (from > 0 && sharedBits(target, (sorted[from - 1] as Contact).position) >= bits) from--;
      while (to < sorted.length && sharedBits(target, (sorted[to] as Contact).position) >= bits) to++;
    }
    const near = sortByDistance(target, sorted.slice(from, to));
    near.length = count;
    return near;
  }

  /** Every peer, by position. Valid until the next change. */
  all(): readonly Contact[] {
    this.#settle();
    return this.#sorted;
  }

  /** The first index whose position is not before `position`. */
  #indexOf(position: Position): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePositions((this.#sorted[middle] as Contact).position, position) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Changes come one by one but also by the thousand: they are worked in when the list is next needed. */
  #settle(): void {
    if (this.#gone.size > 0) {
      this.#sorted = this.#sorted.filter(({ info }) => !this.#gone.has(info.id));
      this.#fresh = this.#fresh.filter(({ info }) => !this.#gone.has(info.id));
      this.#gone.clear();
    }
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh.sort((a, b) => comparePositions(a.position, b.position));
    this.#fresh = [];
    const merged: Contact[] = [];
    let next = 0;
    for (const contact of this.#sorted) {
      while (next < fresh.length && comparePositions((fresh[next] as Contact).position, contact.position) < 0) {
        merged.push(fresh[next++] as Contact);
      }
      merged.push(contact);
    }
    while (next < fresh.length) merged.push(fresh[next++] as Contact);
    this.#sorted = merged;
  }
}
