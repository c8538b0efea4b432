import type { Millis } from './protocol.ts';

interface Armed<K> {
  readonly key: K;
  readonly at: Millis;
}

/**
 * Deadlines of one kind that all share one timeout, so that they expire in the order in which they were armed: a FIFO,
 * no heap. Cancelling is forgetting: a cancelled entry is skipped when it comes to the front. Re-arming a key replaces
 * its deadline.
 */
export class DeadlineQueue<K> {
  readonly #timeoutMs: Millis;
  readonly #live = new Map<K, Armed<K>>();
  #fifo: Armed<K>[] = [];
  #head = 0;
  /** The first entry is live, or there is none: it is asked for far more often than anything is armed. */
  #isFirstLive = true;

  constructor(timeoutMs: Millis) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#live.size;
  }

  has(key: K): boolean {
    return this.#live.has(key);
  }

  arm(now: Millis, key: K): void {
    const entry = { key, at: now + this.#timeoutMs };
    const { size } = this.#live;
    this.#live.set(key, entry);
    if (this.#live.size === size) this.#isFirstLive = false;
    this.#fifo.push(entry);
  }

  cancel(key: K): boolean {
    if (!this.#live.delete(key)) return false;
    this.#isFirstLive = false;
    return true;
  }

  /** When the first live entry expires; Infinity when there is none. */
  next(): Millis {
    this.#dropDead();
    const first = this.#fifo[this.#head];
    return first === undefined ? Number.POSITIVE_INFINITY : first.at;
  }

  /** Removes and returns one key whose deadline is not after `now`; undefined when none has expired. */
  expire(now: Millis): K | undefined {
    this.#dropDead();
    const first = this.#fifo[this.#head];
    if (first === undefined || first.at > now) return undefined;
    this.#head++;
    this.#isFirstLive = false;
    this.#live.delete(first.key);
    return first.key;
  }

  #dropDead(): void {
    if (this.#isFirstLive) return;
    this.#isFirstLive = true;
    const fifo = this.#fifo;
    while (this.#head < fifo.length) {
      const first = fifo[this.#head] as Armed<K>;
      if (this.#live.get(first.key) === first) break;
      this.#head++;
    }
    // Give the memory back in one move once the dead half outweighs the live half.
    if (this.#head > 8 && this.#head * 2 > fifo.length) {
      this.#fifo = fifo.slice(this.#head);
      this.#head = 0;
    }
  }
}
