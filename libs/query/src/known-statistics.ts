import type { TermStatistics } from './rank.ts';

interface Known {
  /** Share of the documents that have the term. */
  readonly share: number;
  readonly until: number;
}

export interface KnownStatisticsConfig {
  /** Terms remembered; the one used longest ago is forgotten first. */
  readonly termsMax: number;
  /** How long an old answer may guide the next question, in ms. */
  readonly ageMaxMs: number;
}

export const defaultKnownStatisticsConfig: KnownStatisticsConfig = {
  termsMax: 4_096, // guess: a day of one console's questions, 400 KB
  ageMaxMs: 600_000, // guess: frequencies change slowly, and the end of each query corrects the order
};

/** What earlier answers told about the whole mesh: so that a question can tell every peer how to weigh its words. */
export class KnownStatistics {
  readonly #config: KnownStatisticsConfig;
  /** In the order of use, by `termKey`. */
  readonly #terms = new Map<string, Known>();
  #documents = 0;
  #words = 0;
  #until = 0;

  constructor(config: KnownStatisticsConfig = defaultKnownStatisticsConfig) {
    this.#config = config;
  }

  get size(): number {
    return this.#terms.size;
  }

  /** Everybody answered: `statistics` are those of all documents. */
  learn(now: number, keys: readonly string[], { documents, words, frequencies }: TermStatistics): void {
    if (documents <= 0) return;
    const until = now + this.#config.ageMaxMs;
    this.#documents = documents;
    this.#words = words;
    this.#until = until;
    for (const [i, key] of keys.entries()) {
      this.#terms.delete(key);
      this.#terms.set(key, { share: (frequencies[i] ?? 0) / documents, until });
    }
    for (const oldest of this.#terms.keys()) {
      if (this.#terms.size <= this.#config.termsMax) break;
      this.#terms.delete(oldest);
    }
  }

  /** What is known about these terms; a frequency of 0 is not known. Null: nothing is. */
  recall(now: number, keys: readonly string[]): TermStatistics | null {
    if (this.#documents === 0 || now >= this.#until) return null;
    const frequencies = keys.map((key) => {
      const known = this.#terms.get(key);
      if (known === undefined || now >= known.until) return 0;
      this.#terms.delete(key);
      this.#terms.set(key, known);
      return Math.round(known.share * this.#documents);
    });
    return { documents: this.#documents, words: this.#words, frequencies };
  }
}
