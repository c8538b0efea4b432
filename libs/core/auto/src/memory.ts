import type { Millis } from '@starling/kernel';

export interface MemoryConfig {
  /** Questions remembered; the one longest not asked is forgotten first. */
  readonly entriesMax: number;
  /** After so long an observation counts half. */
  readonly halfLifeMs: Millis;
}

export const defaultMemoryConfig: MemoryConfig = {
  entriesMax: 1_024, // guess: 100 kB
  halfLifeMs: 600_000, // guess: an hour without a question leaves 2 % of what it taught
};

/** What one question taught. */
export interface Observation {
  /** Peers whose answer is in. */
  readonly answered: number;
  readonly hits: number;
  /** It stopped at its limit: there may be more. */
  readonly isCut: boolean;
}

interface Entry {
  peers: number;
  hits: number;
  cut: number;
  at: Millis;
}

/** Of what earlier questions found, what is left counts; below this nothing is known. */
const peersMin = 0.5;

/** How often words were found by the last questions for them: sums that fade, so that what changes is learned anew. */
export class QueryMemory {
  readonly #config: MemoryConfig;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(config: MemoryConfig) {
    this.#config = config;
  }

  get size(): number {
    return this.#entries.size;
  }

  learn(now: Millis, key: string, { answered, hits, isCut }: Observation): void {
    if (answered <= 0) return;
    const entry = this.#entries.get(key) ?? { peers: 0, hits: 0, cut: 0, at: now };
    const left = this.#left(entry, now);
    this.#entries.delete(key);
    this.#entries.set(key, {
      peers: entry.peers * left + answered,
      hits: entry.hits * left + hits,
      cut: entry.cut * left + (isCut ? answered : 0),
      at: now,
    });
    if (this.#entries.size <= this.#config.entriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Null: nothing is remembered, or too little. */
  recall(now: Millis, key: string): { readonly hitsPerPeer: number; readonly isAtLeast: boolean } | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.peers * this.#left(entry, now) < peersMin) return null;
    return { hitsPerPeer: entry.hits / entry.peers, isAtLeast: entry.cut * 2 > entry.peers };
  }

  #left(entry: Entry, now: Millis): number {
    return 2 ** (-Math.max(0, now - entry.at) / this.#config.halfLifeMs);
  }
}
