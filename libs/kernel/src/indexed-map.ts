import type { Rng } from './rng.ts';

/** A map that also picks a random entry in O(1): values in an array, keys to positions in a map. Order is arbitrary but decided by the calls alone. */
export class IndexedMap<K, V> {
  readonly #positions = new Map<K, number>();
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
    return this.#positions.has(key);
  }

  get(key: K): V | undefined {
    const at = this.#positions.get(key);
    return at === undefined ? undefined : this.#values[at];
  }

  /** Adds or replaces. */
  set(key: K, value: V): void {
    this.#changes++;
    const at = this.#positions.get(key);
    if (at !== undefined) {
      this.#values[at] = value;
      return;
    }
    this.#positions.set(key, this.#keys.length);
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** Removes by moving the last entry into the hole. False when there was none. */
  delete(key: K): boolean {
    const at = this.#positions.get(key);
    if (at === undefined) return false;
    this.#changes++;
    this.#positions.delete(key);
    const lastKey = this.#keys.pop() as K;
    const lastValue = this.#values.pop() as V;
    if (at < this.#keys.length) {
      this.#keys[at] = lastKey;
      this.#values[at] = lastValue;
      this.#positions.set(lastKey, at);
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
}
