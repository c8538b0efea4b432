import type { Millis, PeerId, Rng } from '@starling/kernel';
import type { HyParViewConfig } from './config.ts';
import { backedOff, jittered } from './pace.ts';

const never = Number.POSITIVE_INFINITY;

/**
 * Paces the search for neighbours. In a round each candidate has one chance, and a peer that misses few links asks a bounded
 * number. Whoever refused is not asked again for a time that doubles; who is new may be asked in the next round. An isolated
 * peer asks everybody in each round, and its rounds back off instead.
 */
export class Rounds {
  readonly #config: HyParViewConfig;
  readonly #rng: Rng;
  /** Had their chance. At most what the rounds of one refusal memory may ask, and the evictors. */
  readonly #tried = new Set<PeerId>();
  #asked = 0;
  #failures = 0;
  #isHedging = false;
  #lostAt: Millis = Number.NEGATIVE_INFINITY;
  /** The next round is put off for those who need links more. */
  #isYielding = false;
  #forgiveAt: Millis = never;
  /** Due from the start: the first tick of a peer without contacts asks for them. */
  #nextAt: Millis = 0;

  constructor(config: HyParViewConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** When the next round begins; Infinity while one is under way or none is needed. */
  get nextAt(): Millis {
    return this.#nextAt;
  }

  get isPausing(): boolean {
    return this.#nextAt !== never;
  }

  /** One request more than there are free places: after a failure, one of the candidates may be dead as well. */
  get spareRequests(): number {
    return this.#isHedging ? 1 : 0;
  }

  /** Whether this round may ask one more. */
  get mayAsk(): boolean {
    return !this.#isYielding && this.#asked < this.#config.attemptsPerRound;
  }

  wasTried(peer: PeerId): boolean {
    return this.#tried.has(peer);
  }

  asked(peer: PeerId): void {
    this.#asked++;
    this.#tried.add(peer);
  }

  /** It has no room: not worth a request for a while. */
  avoid(peer: PeerId): void {
    this.#tried.add(peer);
  }

  begin(now: Millis): void {
    this.#nextAt = never;
    this.#isYielding = false;
    this.#asked = 0;
    if (now < this.#forgiveAt) return;
    this.#tried.clear();
    this.#forgiveAt = never;
  }

  /** The situation is new: everybody may be asked, at once. */
  restart(): void {
    this.#tried.clear();
    this.#asked = 0;
    this.#failures = 0;
    this.#forgiveAt = never;
    this.#nextAt = never;
    this.#isYielding = false;
  }

  /**
   * A neighbour was lost. One is replaced at once. When more go within `yieldMs`, many have crashed and everybody searches: whoever is not in urgent need
   * waits a random part of that time, so that those with no link left, or few, find peers that still have room, and time to answer.
   */
  lost(now: Millis, isUrgent: boolean): void {
    const isAlone = now - this.#lostAt > this.#config.yieldMs;
    const yieldUntil = this.#isYielding ? this.#nextAt : now + this.#rng.float() * this.#config.yieldMs;
    this.restart();
    this.#isHedging = true;
    this.#lostAt = now;
    if (isUrgent || isAlone) return;
    this.#isYielding = true;
    this.#nextAt = yieldUntil;
  }

  /** No place is free. */
  finish(): void {
    this.restart();
    this.#isHedging = false;
  }

  /** Nobody is left to ask. While the overlay is young, the next round follows the next shuffle and its new candidates. */
  pause(now: Millis, shuffleIntervalMs: Millis): void {
    this.#nextAt = now + this.#jittered(Math.min(shuffleIntervalMs, this.#config.roundIntervalMs));
    if (this.#forgiveAt !== never) return;
    const { refusalMemoryMinMs, refusalMemoryMaxMs } = this.#config;
    this.#forgiveAt = now + this.#jittered(backedOff(refusalMemoryMinMs, refusalMemoryMaxMs, this.#failures++));
  }

  /** Nobody is left to ask, and there is no neighbour at all. */
  pauseIsolated(now: Millis): void {
    const { isolationPauseMinMs, isolationPauseMaxMs } = this.#config;
    this.#nextAt = now + this.#jittered(backedOff(isolationPauseMinMs, isolationPauseMaxMs, this.#failures++));
    this.#forgiveAt = this.#nextAt;
  }

  #jittered(spanMs: Millis): Millis {
    return jittered(this.#rng, spanMs, this.#config.jitter);
  }
}
