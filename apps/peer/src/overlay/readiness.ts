import type { Millis } from '@starling/kernel';

export type PeerState = 'starting' | 'ready' | 'draining' | 'stopped';

export type ReadinessListener = (state: PeerState) => void;

/** What a probe is told. */
export interface ReadinessReport {
  readonly state: PeerState;
  readonly ready: boolean;
  /** One sentence for people: why it is, or is not, ready. */
  readonly reason: string;
}

/**
 * When may clients be sent here? Ready is a peer that has joined a neighbour and caught up with what it holds, or one
 * that found nobody within the seed timeout: the first peer of a mesh must be able to start. A ready peer that loses all
 * its neighbours stays ready: it still takes messages, and says in each answer that it is alone.
 */
export class Readiness {
  readonly #seedTimeoutMs: Millis;
  readonly #startedAt: Millis;
  readonly #listeners = new Set<ReadinessListener>();
  #state: PeerState = 'starting';
  #neighbors = 0;
  #isAlone = false;
  #isCaughtUp = false;

  constructor(now: Millis, seedTimeoutMs: Millis) {
    this.#startedAt = now;
    this.#seedTimeoutMs = seedTimeoutMs;
  }

  get state(): PeerState {
    return this.#state;
  }

  on(listener: ReadinessListener): void {
    this.#listeners.add(listener);
  }

  neighbors(count: number): void {
    this.#neighbors = count;
    this.#settle();
  }

  /** A first neighbour's backlog is here. */
  caughtUp(): void {
    this.#isCaughtUp = true;
    this.#settle();
  }

  /** To be called now and then while it is starting. */
  tick(now: Millis): void {
    if (this.#state === 'starting' && this.#neighbors === 0 && now - this.#startedAt >= this.#seedTimeoutMs) {
      this.#isAlone = true;
    }
    this.#settle();
  }

  drain(): void {
    if (this.#state === 'starting' || this.#state === 'ready') this.#become('draining');
  }

  stopped(): void {
    this.#become('stopped');
  }

  report(now: Millis): ReadinessReport {
    return { state: this.#state, ready: this.#state === 'ready', reason: this.#reason(now) };
  }

  #settle(): void {
    if (this.#state !== 'starting') return;
    if ((this.#isCaughtUp && this.#neighbors > 0) || this.#isAlone) this.#become('ready');
  }

  #become(state: PeerState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #reason(now: Millis): string {
    switch (this.#state) {
      case 'starting': {
        if (this.#neighbors > 0) return `catching up with ${this.#neighbors} neighbours`;
        const left = Math.max(0, Math.ceil((this.#seedTimeoutMs - (now - this.#startedAt)) / 1_000));
        return `found no neighbour yet; ready alone in ${left} s`;
      }
      case 'ready':
        return this.#neighbors > 0 ? `joined ${this.#neighbors} neighbours` : 'alone: no other peer found';
      case 'draining':
        return 'leaving the mesh';
      case 'stopped':
        return 'stopped';
    }
  }
}
