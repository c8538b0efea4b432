/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

/** Calls `expired` for each item once its time (ms since 1970) is over: one timer, for the earliest. */
export class Expiries<T> {
  readonly #expired: (item: T) => void;
  readonly #items = new Map<T, number>();
  #timer: NodeJS.Timeout | null = null;
  #due = Number.POSITIVE_INFINITY;

  constructor(expired: (item: T) => void) {
    this.#expired = expired;
  }

  add(item: T, at: number): void {
    this.#items.set(item, at);
    if (at < this.#due) this.#arm();
  }

  delete(item: T): void {
    // The timer may come too early then, and finds nothing.
    this.#items.delete(item);
  }

  clear(): void {
    this.#items.clear();
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#due = Math.min(Number.POSITIVE_INFINITY, ...this.#items.values());
    if (this.#items.size === 0) return;
    const ms = Math.min(timerMsMax, Math.max(0, this.#due - Date.now()));
    this.#timer = setTimeout(() => this.#onTimer(), ms).unref();
  }

  #onTimer(): void {
    const now = Date.now();
    for (const [item, at] of [...this.#items]) {
      if (at > now || !this.#items.delete(item)) continue;
      this.#expired(item);
    }
    this.#arm();
  }
}
