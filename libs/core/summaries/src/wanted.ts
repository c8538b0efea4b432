import type { Millis, PeerId } from '@starling/kernel';

/** A summary that this peer lacks. */
export interface Want {
  readonly version: number;
  /** A neighbour that has it; null: anybody may. */
  readonly source: PeerId | null;
  /** Not before: a broadcast may still bring it. */
  readonly from: Millis;
  readonly since: Millis;
  readonly tries: number;
}

/** After so many answers without it, it is left to the next comparison. */
const triesMax = 3;

/** Whose summaries are to be fetched, at most one want for each member. */
export class Wanted {
  readonly #wants = new Map<PeerId, Want>();
  #next: Millis = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#wants.size;
  }

  /** Since when the oldest is wanted; Infinity when none is. */
  get oldest(): Millis {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { since } of this.#wants.values()) oldest = Math.min(oldest, since);
    return oldest;
  }

  want(now: Millis, id: PeerId, version: number, source: PeerId | null, from: Millis): void {
    const known = this.#wants.get(id);
    if (known !== undefined && known.version >= version && (known.source !== null || source === null)) return;
    const since = known?.since ?? now;
    const earliest = Math.min(known?.from ?? from, from);
    this.#wants.set(id, { version: Math.max(version, known?.version ?? 0), source, from: earliest, since, tries: 0 });
    this.#next = Math.min(this.#next, earliest);
  }

  /** This version is here. */
  has(id: PeerId, version: number): void {
    const want = this.#wants.get(id);
    if (want !== undefined && want.version <= version) this.#wants.delete(id);
  }

  drop(id: PeerId): void {
    this.#wants.delete(id);
  }

  clear(): void {
    this.#wants.clear();
  }

  /** Up to `count` that may be asked of this neighbour now, and are not in `except`. */
  of(now: Millis, neighbor: PeerId, count: number, except: ReadonlySet<PeerId>): PeerId[] {
    const ids: PeerId[] = [];
    for (const [id, { source, from }] of this.#wants) {
      if (from > now || (source !== null && source !== neighbor) || except.has(id)) continue;
      ids.push(id);
      if (ids.length === count) break;
    }
    return ids;
  }

  /** The neighbour had none of these, or is silent: ask others. */
  failed(now: Millis, ids: readonly PeerId[], pauseMs: Millis): void {
    for (const id of ids) {
      const want = this.#wants.get(id);
      if (want === undefined) continue;
      if (want.tries + 1 >= triesMax) this.#wants.delete(id);
      else this.#wants.set(id, { ...want, source: null, from: now + pauseMs, tries: want.tries + 1 });
    }
    this.#next = now;
  }

  /** A neighbour went: whoever else has what it had may be asked. */
  unsource(neighbor: PeerId): void {
    for (const [id, want] of this.#wants) if (want.source === neighbor) this.#wants.set(id, { ...want, source: null });
  }

  /** Not after the first that may be asked for: it may cause one early look. */
  next(): Millis {
    return this.#wants.size === 0 ? Number.POSITIVE_INFINITY : this.#next;
  }

  /** They were looked at: the next one to become due. */
  looked(now: Millis): void {
    this.#next = Number.POSITIVE_INFINITY;
    for (const { from } of this.#wants.values()) if (from > now) this.#next = Math.min(this.#next, from);
  }
}
