import type { Millis } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';

type PlantingConfig = Pick<PlumtreeConfig, 'replantMs' | 'replantSoonMs'>;

/**
 * When a tree is planted anew: one that mends itself loses its shape. By the clock, so that senders agree without a word: every `replantMs`,
 * and in between, in turns of `replantSoonMs`, once this peer lost as many links as it has. Clocks that differ cost a second tree for as
 * long as they do.
 */
export class Planting {
  readonly #config: PlantingConfig;
  readonly #phaseMs: Millis;
  readonly #turnsPerSeason: number;
  readonly #isPlanted: (turn: number) => boolean;
  #turn = Number.NEGATIVE_INFINITY;
  #before = Number.NEGATIVE_INFINITY;
  /** Since the tree of this turn was planted, as far as is known here. */
  #linksLost = 0;

  /** `phaseMs`: by how much earlier than others'. `isPlanted`: is there a tree of that turn, whoever planted it? */
  constructor(config: PlantingConfig, phaseMs: Millis, isPlanted: (turn: number) => boolean) {
    this.#config = config;
    this.#phaseMs = phaseMs;
    this.#turnsPerSeason = Number.isFinite(config.replantMs) ? config.replantMs / config.replantSoonMs : 0;
    this.#isPlanted = isPlanted;
  }

  linkLost(now: Millis): void {
    this.#follow(now);
    this.#linksLost++;
  }

  /** The turn whose tree is to be used by a peer of so many links. */
  turn(now: Millis, links: number): number {
    const latest = this.#follow(now);
    if (latest > this.#turn && this.#linksLost >= Math.max(1, links)) this.#begin(latest);
    return this.#turn;
  }

  /** The one before that; the same when there was none. */
  get before(): number {
    return this.#before;
  }

  /** Goes on to a later tree that others planted, and to that of a new season. Gives the turn that it is. */
  #follow(now: Millis): number {
    const at = now + this.#phaseMs;
    const latest = Math.floor(at / this.#config.replantSoonMs);
    if (this.#turn === latest) return latest;
    const first = Math.floor(at / this.#config.replantMs) * this.#turnsPerSeason;
    let turn = latest;
    while (turn > first && turn > this.#turn && !this.#isPlanted(turn)) turn--;
    if (turn > this.#turn) this.#begin(turn);
    return latest;
  }

  #begin(turn: number): void {
    this.#before = Number.isFinite(this.#turn) ? this.#turn : turn;
    this.#turn = turn;
    this.#linksLost = 0;
  }
}
