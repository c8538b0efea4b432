/** So many keys are looked for one by one. Guess: as long as they lie in a few cache lines. */
const scannedMax = 24;
/** A hash table with fewer keys is a list again. */
const tableMin = 12;

/**
 * A `Map` by text that mostly has a few keys. Keys and values lie in turn in one list and are looked for one by one: that is a
 * third of a hash table's memory, and one place of it instead of four. While there are more keys it is a hash table. The order is that
 * in which keys came, as in a `Map`.
 */
export class SmallMap<V> {
  readonly #entries: (string | V)[] = [];
  /** Null while there are few keys; else all entries are here. */
  #table: Map<string, V> | null = null;

  get size(): number {
    return this.#table === null ? this.#entries.length >> 1 : this.#table.size;
  }

  has(key: string): boolean {
    return this.#table === null ? this.#find(key) >= 0 : this.#table.has(key);
  }

  get(key: string): V | undefined {
    if (this.#table !== null) return this.#table.get(key);
    const at = this.#find(key);
    return at < 0 ? undefined : (this.#entries[at + 1] as V);
  }

  /** Adds or replaces. */
  set(key: string, value: V): void {
    if (this.#table !== null) {
      this.#table.set(key, value);
      return;
    }
    const at = this.#find(key);
    if (at >= 0) this.#entries[at + 1] = value;
    else if (this.size < scannedMax) this.#entries.push(key, value);
    else this.#makeTable().set(key, value);
  }

  /** False when there was none. */
  delete(key: string): boolean {
    if (this.#table !== null) return this.#deleteFrom(this.#table, key);
    const at = this.#find(key);
    if (at < 0) return false;
    const entries = this.#entries;
    for (let i = at + 2; i < entries.length; i++) entries[i - 2] = entries[i] as V;
    entries.length -= 2;
    return true;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#table = null;
  }

  keys(): string[] {
    if (this.#table !== null) return [...this.#table.keys()];
    return this.#entries.filter((_, i) => i % 2 === 0) as string[];
  }

  values(): V[] {
    if (this.#table !== null) return [...this.#table.values()];
    return this.#entries.filter((_, i) => i % 2 === 1) as V[];
  }

  /** −1: not here. */
  #find(key: string): number {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) if (entries[at] === key) return at;
    return -1;
  }

  #deleteFrom(table: Map<string, V>, key: string): boolean {
    if (!table.delete(key)) return false;
    if (table.size >= tableMin) return true;
    this.#table = null;
    for (const [kept, value] of table) this.#entries.push(kept, value);
    return true;
  }

  #makeTable(): Map<string, V> {
    const values = this.values();
    this.#table = new Map(this.keys().map((key, i) => [key, values[i] as V]));
    this.#entries.length = 0;
    return this.#table;
  }
}
