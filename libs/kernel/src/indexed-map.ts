import type { Rng } from './rng.ts';

/** So few keys are looked for one by one: an active view is, and a table of its own would be one more place in memory. Guess. */
const scannedMax = 16;

/** A map that also picks a random entry in O(1): values in an array, keys to positions in a map. Order is arbitrary but decided by the calls alone. */
export class IndexedMap<K, V> {
  /** Null until there were more keys than are looked for one by one. */
  #positions: Map<K, number> | null = null;
  readonly #keys: K[] = [];
  readonly #values: V[] = [];
  #changes = 0;

  get size(): number {
    return this.#keys.length;
  }

  /** How often it was changed: the same number, the same entries. */
  get changes(): number {
    return this.#changes;
  }

  has(key: K): boolean {
    return this.#find(key) >= 0;
  }

  get(key: K): V | undefined {
    const at = this.#find(key);
    return at < 0 ? undefined : this.#values[at];
  }

  /** Adds or replaces. */
  set(key: K, value: V): void {
    this.#changes++;
    const at = this.#find(key);
    if (at >= 0) {
      this.#values[at] = value;
      return;
    }
    this.#positions?.set(key, this.#keys.length);
    this.#keys.push(key);
    this.#values.push(value);
    if (this.#positions === null && this.#keys.length > scannedMax) {
      this.#positions = new Map(this.#keys.map((one, position) => [one, position]));
    }
  }

  /** Removes by moving the last entry into the hole. False when there was none. */
  delete(key: K): boolean {
    const at = this.#find(key);
    if (at < 0) return false;
    this.#changes++;
    this.#positions?.delete(key);
    const lastKey = this.#keys.pop() as K;
    const lastValue = this.#values.pop() as V;
    if (at < this.#keys.length) {
      this.#keys[at] = lastKey;
      this.#values[at] = lastValue;
      this.#positions?.set(lastKey, at);
    }
    return true;
  }

  /** A uniformly random value; undefined when empty. */
  pick(rng: Rng): V | undefined {
    return this.#values.length === 0 ? undefined : this.#values[rng.below(this.#values.length)];
  }

  /** Up to `count` different values, in random order. */
  sample(rng: Rng, count: number): V[] {
    return rng.sample(this.#values, count);
  }

  /** The values as they lie; valid until the next change, and not to be changed by the caller. */
  values(): readonly V[] {
    return this.#values;
  }

  /** The keys as they lie; valid until the next change, and not to be changed by the caller. */
  keys(): readonly K[] {
    return this.#keys;
  }

  /** −1: not here. */
  #find(key: K): number {
    if (this.#positions !== null) return this.#positions.get(key) ?? -1;
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at++) if (keys[at] === key) return at;
    return -1;
  }
}
