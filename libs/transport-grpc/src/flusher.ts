import type { Link } from './link.ts';

/** Flushes links at the end of the turn of the event loop in which something was queued: all of it in as few frames as it takes, and a lone message without a wait. */
export class Flusher {
  readonly #links = new Set<Link>();
  #immediate: NodeJS.Immediate | null = null;

  soon(link: Link): void {
    this.#links.add(link);
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      for (const each of this.#links) each.flush();
      this.#links.clear();
    });
  }

  forget(link: Link): void {
    this.#links.delete(link);
  }
}
