import type { Millis, Outbox, Rng } from '@starling/kernel';
import type { KeywordsConfig } from './config.ts';
import type { Fingerprint, KeywordsEvent } from './messages.ts';

type Out = Outbox<never, KeywordsEvent>;

const never = Number.POSITIVE_INFINITY;
const hourMs = 3_600_000;

export interface PublisherStats {
  stored: number;
  failed: number;
  /** Records that were not renewed: the word has gone from the index, or has become common. */
  dropped: number;
}

/**
 * Publishes the rare words of this peer, one after another at a steady pace, and renews them. Whether a word is rare its
 * neighbourhood tells: after the sampling scheme of Loo, Huebsch, Stoica and Hellerstein ("The case for a hybrid P2P search
 * infrastructure", IPTPS 2004), with digests that are there anyway in place of a sample that costs messages.
 */
export class Publisher {
  readonly #config: KeywordsConfig;
  readonly #rng: Rng;
  readonly #isRare: (word: Fingerprint) => boolean;
  #words: Uint32Array = new Uint32Array(0);
  /** When each word's record is to be renewed, the first due first. */
  readonly #standing = new Map<Fingerprint, Millis>();
  /** Where in the index the next look begins. */
  #cursor = 0;
  #isOn = false;
  #nextAt: Millis = never;
  #isPutting = false;
  readonly stats: PublisherStats = { stored: 0, failed: 0, dropped: 0 };

  constructor(config: KeywordsConfig, rng: Rng, isRare: (word: Fingerprint) => boolean) {
    this.#config = config;
    this.#rng = rng;
    this.#isRare = isRare;
  }

  /** Words whose records stand, as far as this peer knows. */
  get standing(): number {
    return this.#standing.size;
  }

  nextDeadline(): Millis {
    return this.#nextAt;
  }

  /** Ascending, each once. */
  words(now: Millis, words: Uint32Array): void {
    // Each peer begins elsewhere, so that the same words of two peers do not come at the same time.
    if (this.#words.length === 0 && words.length > 0) this.#cursor = this.#rng.below(words.length);
    this.#words = words;
    this.#arm(now);
  }

  /** Records are wanted in a mesh of this size, or not. Those that stand are left to expire. */
  turn(now: Millis, isOn: boolean): void {
    this.#isOn = isOn;
    this.#arm(now);
  }

  onTime(now: Millis, out: Out): void {
    if (now < this.#nextAt) return;
    this.#nextAt = never;
    const word = this.#due(now) ?? this.#fresh();
    if (word === undefined) {
      this.#arm(now);
      return;
    }
    this.#isPutting = true;
    const { lifeMs, putMs, renewMs } = this.#config;
    // It counts as standing from now on: a word that cannot be stored must not be tried again and again.
    this.#standing.delete(word);
    this.#standing.set(word, now + renewMs);
    out.emit({ kind: 'put', word, expiresAt: now + lifeMs, timeoutMs: putMs });
  }

  putDone(now: Millis, word: Fingerprint, isStored: boolean): void {
    this.#isPutting = false;
    if (isStored) this.stats.stored++;
    else {
      this.stats.failed++;
      this.#standing.delete(word);
    }
    this.#arm(now);
  }

  /** A word whose record is to be renewed. Whatever is not to be any more is forgotten, and its record expires. */
  #due(now: Millis): Fingerprint | undefined {
    for (const [word, renewAt] of this.#standing) {
      if (renewAt > now) return undefined;
      if (includes(this.#words, word) && this.#isRare(word)) return word;
      this.#standing.delete(word);
      this.stats.dropped++;
    }
    return undefined;
  }

  #fresh(): Fingerprint | undefined {
    const { scanMax, wordsMax } = this.#config;
    if (this.#standing.size >= wordsMax) return undefined;
    for (let i = 0; i < Math.min(scanMax, this.#words.length); i++) {
      const word = this.#words[this.#cursor++ % this.#words.length] as Fingerprint;
      if (!this.#standing.has(word) && this.#isRare(word)) return word;
    }
    return undefined;
  }

  /** The pace: so many words an hour, and never two peers in step. */
  #arm(now: Millis): void {
    if (!this.#isOn || this.#words.length === 0) this.#nextAt = never;
    else if (this.#nextAt === never && !this.#isPutting) {
      this.#nextAt = now + (hourMs / this.#config.wordsPerHour) * (0.5 + this.#rng.float());
    }
  }
}

/** Binary search. */
function includes(ascending: Uint32Array, word: Fingerprint): boolean {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < word) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === word;
}
