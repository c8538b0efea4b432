import type { Millis } from '@starling/kernel';

/** Of the estimate, for a delivery within it and for one beyond it: it settles where one in about sixty is beyond. */
const shrink = 1 / 256;
const growth = 1.25;
/** What comes within so long counts as one delivery: of a thousand messages a second, 256 would forget a stall in a quarter of one. 50 ms: guess. */
const momentMs = 50;
/** What is waited beyond the estimate: a graft too early costs a payload and a prune. */
const margin = 1.5;

/**
 * How far the trees are behind announcements, and so how long an announced message is waited for. SRDS'07 §3.6 asks for a
 * timer longer than the tree's delay and leaves open where from; a constant must suit the largest mesh and is several times too
 * long in a small one, where each message that a relay withholds waits it out at one peer after the other. A high quantile
 * of the lags that were seen is followed instead, by steps in proportion to it (Robbins and Monro, 1951).
 */
export class TreeLag {
  readonly #minMs: Millis;
  readonly #maxMs: Millis;
  #left: number;
  #worst: Millis = 0;
  #estimateMs: Millis = 0;
  #shrunkAt: Millis = Number.NEGATIVE_INFINITY;
  /** How long to wait for the tree; the longest wait while little is known. */
  patienceMs: Millis;

  constructor(config: { readonly graft1MinMs: Millis; readonly graft1Ms: Millis; readonly lagDeliveriesMin: number }) {
    this.#minMs = config.graft1MinMs;
    this.#maxMs = config.graft1Ms;
    this.#left = config.lagDeliveriesMin;
    this.patienceMs = config.graft1Ms;
  }

  /** A message came by the tree, so long after it was announced; 0: it was not. */
  delivered(now: Millis, lagMs: Millis): void {
    if (this.#left > 0) {
      this.#worst = Math.max(this.#worst, lagMs);
      if (--this.#left > 0) return;
      this.#estimateMs = this.#worst;
    } else if (lagMs > this.#estimateMs) this.#estimateMs = Math.min(this.#maxMs, growth * lagMs);
    else if (now - this.#shrunkAt >= momentMs) {
      this.#shrunkAt = now;
      this.#estimateMs -= shrink * this.#estimateMs;
    } else return;
    this.patienceMs = Math.min(this.#maxMs, Math.max(this.#minMs, margin * this.#estimateMs));
  }

  /** The tree brought a message that had just been grafted: it was only late. */
  wasHasty(now: Millis): void {
    if (this.#left === 0) this.delivered(now, this.patienceMs);
  }
}
