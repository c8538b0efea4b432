import type { Millis } from '@starling/kernel';

/**
 * The sequence numbers of one stream that are done with: everything up to `floor`, and runs above it. In the usual case,
 * messages in order, it is one number. Memory is that of the holes, never of the messages.
 */
export class SeqSet {
  /** Every number up to here is done with: seen, or given up. */
  floor = 0;
  /** Runs above the floor, ascending, apart from each other: from, to, and since when the hole below it is known. */
  #runs: number[] | null = null;

  get hasHoles(): boolean {
    return this.#runs !== null;
  }

  get holes(): number {
    return this.#runs === null ? 0 : this.#runs.length / 3;
  }

  /** The highest number seen or given up. */
  get highest(): number {
    return this.#runs === null ? this.floor : (this.#runs[this.#runs.length - 2] as number);
  }

  has(seq: number): boolean {
    if (seq <= this.floor) return true;
    if (this.#runs === null) return false;
    const at = this.#runAfter(seq);
    return at < this.#runs.length && (this.#runs[at] as number) <= seq;
  }

  /** Adds `seq`; false when it was there already. */
  add(seq: number, now: Millis): boolean {
    if (this.#runs === null) {
      if (seq <= this.floor) return false;
      if (seq === this.floor + 1) this.floor = seq;
      else this.#runs = [seq, seq, now];
      return true;
    }
    return this.#addToRuns(this.#runs, seq, now);
  }

  /** The parts of `from` … `to` that are not in the set, ascending, at most `max` of them. */
  absent(from: number, to: number, max: number): { from: number; to: number }[] {
    const found: { from: number; to: number }[] = [];
    let next = Math.max(from, this.floor + 1);
    const runs = this.#runs ?? [];
    for (let at = this.#runs === null ? 0 : this.#runAfter(next); next <= to && found.length < max; at += 3) {
      const runFrom = at < runs.length ? (runs[at] as number) : Number.POSITIVE_INFINITY;
      if (next < runFrom) found.push({ from: next, to: Math.min(to, runFrom - 1) });
      if (runFrom > to) break;
      next = (runs[at + 1] as number) + 1;
    }
    return found;
  }

  /** Since when the lowest hole is known; Infinity when there is none. */
  get lowestHoleSince(): Millis {
    return this.#runs === null ? Number.POSITIVE_INFINITY : (this.#runs[2] as number);
  }

  /** Gives up the lowest hole: the floor rises over it. Returns the numbers given up; null when there is no hole. */
  giveUpLowest(): { from: number; to: number } | null {
    const runs = this.#runs;
    if (runs === null) return null;
    const hole = { from: this.floor + 1, to: (runs[0] as number) - 1 };
    this.floor = runs[1] as number;
    runs.splice(0, 3);
    if (runs.length === 0) this.#runs = null;
    return hole;
  }

  #addToRuns(runs: number[], seq: number, now: Millis): boolean {
    if (seq <= this.floor) return false;
    const at = this.#runAfter(seq);
    if (at < runs.length && (runs[at] as number) <= seq) return false;
    const joinsNext = at < runs.length && runs[at] === seq + 1;
    if (at === 0 && seq === this.floor + 1) {
      this.floor = joinsNext ? (runs[1] as number) : seq;
      if (joinsNext) runs.splice(0, 3);
      if (runs.length === 0) this.#runs = null;
      return true;
    }
    const joinsPrevious = at > 0 && runs[at - 2] === seq - 1;
    if (joinsPrevious && joinsNext) {
      runs[at - 2] = runs[at + 1] as number;
      runs.splice(at, 3);
    } else if (joinsPrevious) {
      runs[at - 2] = seq;
    } else if (joinsNext) {
      runs[at] = seq;
    } else {
      // The hole was known since the run above it came, if there is one: what lies below is no newer.
      runs.splice(at, 0, seq, seq, at < runs.length ? (runs[at + 2] as number) : now);
    }
    return true;
  }

  /** Index of the first run that ends at or after `seq`. Looks at the last run first: that is where messages come in. */
  #runAfter(seq: number): number {
    const runs = this.#runs as number[];
    if (seq > (runs[runs.length - 2] as number)) return runs.length;
    let low = 0;
    let high = runs.length / 3 - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle * 3 + 1] as number) >= seq) high = middle;
      else low = middle + 1;
    }
    return low * 3;
  }
}
