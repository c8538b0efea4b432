import type { Millis } from '@starling/kernel';
import type { Link } from './link.ts';

export interface FlusherConfig {
  /** Flushes a second up to which no message waits for company. */
  readonly promptFlushesPerSecond: number;
  /** Above it, flushes are at least so far apart. */
  readonly gatherMs: Millis;
}

/**
 * Flushes links at the end of the turn of the event loop in which something was queued: all of it in as few frames as it takes, and
 * a lone message without a wait. A frame costs as much as dozens of messages, so where flushes follow each other fast they are
 * held apart and carry more each: the moderation that network cards do with interrupts (Mogul and Ramakrishnan, TOCS 1997).
 */
export class Flusher {
  readonly #config: FlusherConfig;
  readonly #links = new Set<Link>();
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** Prompt flushes that are left, filled up as time passes: a token bucket of 100 ms. */
  #prompt: number;

  constructor(config: FlusherConfig) {
    this.#config = config;
    this.#prompt = config.promptFlushesPerSecond / 10;
  }

  soon(link: Link): void {
    this.#links.add(link);
    if (this.#immediate !== null) return;
    const waitMs =
      this.#prompt >= 1 || link.hasFullFrame ? 0 : this.#lastAt + this.#config.gatherMs - performance.now();
    if (waitMs > 0) this.#timer ??= setTimeout(this.#flush, waitMs);
    else this.#immediate = setImmediate(this.#flush);
  }

  forget(link: Link): void {
    this.#links.delete(link);
  }

  readonly #flush = (): void => {
    this.#immediate = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { promptFlushesPerSecond } = this.#config;
    const now = performance.now();
    const gained = ((now - this.#lastAt) * promptFlushesPerSecond) / 1_000;
    this.#prompt = Math.max(0, Math.min(promptFlushesPerSecond / 10, this.#prompt + gained) - 1);
    this.#lastAt = now;
    for (const each of this.#links) each.flush();
    this.#links.clear();
  };
}
