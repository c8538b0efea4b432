import type { Millis, PeerId } from '@starling/kernel';

/** A peer that was accused and has not refuted yet. */
export interface Suspicion {
  readonly incarnation: number;
  readonly accuser: PeerId;
  /** This peer accused it aloud. */
  readonly isOwn: boolean;
  /** A flapping peer is asked aloud once more before the verdict; true when it was, or need not be. */
  readonly isAsked: boolean;
  /** A second, different accuser spoke. */
  readonly isConfirmed: boolean;
  /** What the peer is without a refutation … */
  readonly verdict: 'dead' | 'expired';
  /** … by this time. */
  readonly deadline: Millis;
}

/** Who is accused of being dead, by whom. At most one entry per known peer, so the directory's bound is its bound. */
export class Suspicions {
  readonly #suspected = new Map<PeerId, Suspicion>();
  #next: Millis = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#suspected.size;
  }

  get(id: PeerId): Suspicion | undefined {
    return this.#suspected.get(id);
  }

  /** Sets or replaces. */
  set(id: PeerId, suspicion: Suspicion): void {
    this.#suspected.set(id, suspicion);
    this.#next = Math.min(this.#next, suspicion.deadline);
  }

  clear(id: PeerId): void {
    this.#suspected.delete(id);
  }

  /** Removes and returns those of whom nobody but this accuser spoke. */
  takeOwn(accuser: PeerId): PeerId[] {
    const own: PeerId[] = [];
    for (const [id, suspicion] of this.#suspected) {
      if (suspicion.accuser === accuser && !suspicion.isConfirmed) own.push(id);
    }
    for (const id of own) this.#suspected.delete(id);
    return own;
  }

  /** Not after the earliest deadline: a cleared one may still cause one early look. */
  next(): Millis {
    return this.#suspected.size === 0 ? Number.POSITIVE_INFINITY : this.#next;
  }

  /** Removes and returns those whose time is up. */
  take(now: Millis): [PeerId, Suspicion][] {
    if (this.next() > now) return [];
    const due = [...this.#suspected].filter(([, suspicion]) => suspicion.deadline <= now);
    for (const [id] of due) this.#suspected.delete(id);
    this.#next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#suspected.values()) this.#next = Math.min(this.#next, deadline);
    return due;
  }
}
