import type { Hit } from './messages.ts';

/**
 * The hits that wait to be passed on, cut to the best `limit` of all that came by: a hit that so many better ones already
 * outdid can never be among the best, however the rest of the mesh answers.
 */
export class BestHits {
  readonly #limit: number;
  /** The best scores so far, passed on or waiting, highest first; at most `limit`. */
  readonly #scores: number[] = [];
  #waiting: Hit[] = [];
  #chars = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Characters of the documents that wait. */
  get chars(): number {
    return this.#chars;
  }

  /** Hits that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False: it is not among the best. */
  add(hit: Hit): boolean {
    const scores = this.#scores;
    const at = position(scores, hit.score);
    if (at >= this.#limit) return false;
    scores.splice(at, 0, hit.score);
    if (scores.length > this.#limit) scores.pop();
    this.#waiting.push(hit);
    this.#chars += hit.document.length;
    return true;
  }

  /** Removes and returns the waiting hits that are still among the best, best first; equals in the order of their coming. */
  take(): Hit[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#chars = 0;
    if (this.#scores.length < this.#limit) return taken.sort(byScore);
    const lowest = this.#scores.at(-1) ?? Number.NEGATIVE_INFINITY;
    return taken
      .filter((hit) => hit.score >= lowest)
      .sort(byScore)
      .slice(0, this.#limit);
  }
}

function byScore(a: Hit, b: Hit): number {
  return b.score - a.score;
}

/** Where a score belongs in a descending list: behind its equals. */
function position(scores: readonly number[], score: number): number {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] as number) >= score) low = middle + 1;
    else high = middle;
  }
  return low;
}
