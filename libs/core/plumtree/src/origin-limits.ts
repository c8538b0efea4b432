import type { Millis, PeerId } from '@starling/kernel';
import { originOf, type StreamId } from './messages.ts';

/** What one origin may still make us do. */
export interface Allowance {
  readonly origin: PeerId;
  /** In deliveries; below 0 when the last message cost more than was left, or much was shed. */
  left: number;
  /** When that was true. */
  at: Millis;
  /** The same if nobody else were busy, what was blamed not counted: how far it is over what one origin is allowed. */
  alone: number;
  /** When something of it was last shed, whoever sent it. */
  shedAt: Millis;
  /** What is left by the clock by which the origin dated its own messages, and the date of the last one that it sent itself. */
  dated: number;
  date: Millis;
}

/** What a verified signature costs, in deliveries. Measured (ADR 21): about 120 µs against 10. */
const verificationCost = 12;
/** So many bytes are as much work as a message. Guess: copied some times and hashed, 10 µs. */
const bytesPerDelivery = 16 * 1024;

const sweepMin = 64;
/**
 * A flood is told after each such part of a second's worth by the origin's own dates. 4: guess, a quarter is still far more than a peer that
 * keeps its pace can owe.
 */
const datedParts = 4;
/** Between two looks at who is still busy. Guess: a fraction of the second in which an allowance is used up. */
const recountMs = 250;

interface Config {
  readonly originWorkPerSecond: number;
  readonly originWorkBurst: number;
  readonly originsMax: number;
}

/** A message's work. */
export function workOf(bytes: number, isVerified: boolean): number {
  return 1 + bytes / bytesPerDelivery + (isVerified ? verificationCost : 0);
}

/**
 * A token bucket for each origin, over all its streams: whoever publishes as fast as it can is slowed to its allowance by its own
 * neighbours, so that a flood goes one hop. Counted is what is believed only, so that nobody can use up another's allowance in
 * its name where messages are signed.
 *
 * Buckets that are less than half full are filled from one tap: origins that flood together get together what one of them would,
 * and who publishes at a moderate pace has a tap of its own.
 */
export class OriginLimits {
  readonly #config: Config;
  /** Of those that are not full again. The one seen first comes first. */
  readonly #allowances = new Map<PeerId, Allowance>();
  /** Look for full ones when there are so many. */
  #sweepAt = sweepMin;
  /** Of those kept, how many have less than one delivery left: mostly none, and then nobody need be looked up. */
  #usedUp = 0;
  /** Of those kept, who used up half of what it may send at once; null: mostly nobody did. */
  #busy: Set<Allowance> | null = null;
  #recountAt = Number.NEGATIVE_INFINITY;
  /** Messages of one stream come one after the other. */
  #lastStream: StreamId = '';
  #last: Allowance | null = null;

  constructor(config: Config) {
    this.#config = config;
  }

  /** Origins whose allowance is kept. */
  get size(): number {
    return this.#allowances.size;
  }

  of(stream: StreamId, now: Millis): Allowance {
    if (stream === this.#lastStream && this.#last !== null) return this.#last;
    const origin = originOf(stream);
    let allowance = this.#allowances.get(origin);
    if (allowance === undefined) {
      if (this.#allowances.size >= this.#sweepAt) this.#makeRoom(now);
      const { originWorkBurst } = this.#config;
      allowance = {
        origin,
        left: originWorkBurst,
        at: now,
        alone: originWorkBurst,
        shedAt: Number.NEGATIVE_INFINITY,
        dated: originWorkBurst,
        date: Number.NEGATIVE_INFINITY,
      };
      this.#allowances.set(origin, allowance);
      if (allowance.left < 1) this.#usedUp++;
    }
    this.#lastStream = stream;
    this.#last = allowance;
    return allowance;
  }

  isUsedUp(allowance: Allowance, now: Millis): boolean {
    if (allowance.left >= 1) return false;
    this.#refill(allowance, now);
    return allowance.left < 1;
  }

  /** How long until `isUsedUp` is false; 0: it is. */
  waitMs(allowance: Allowance, now: Millis): Millis {
    if (!this.isUsedUp(allowance, now)) return 0;
    return Math.ceil(((1 - allowance.left) * 1_000) / this.#rateOf(allowance));
  }

  /** Was something of this stream's origin shed since then? Then others may have sent what is not here. */
  hasShedSince(stream: StreamId, since: Millis): boolean {
    return (this.#allowances.get(originOf(stream))?.shedAt ?? Number.NEGATIVE_INFINITY) >= since;
  }

  /**
   * Did whoever publishes this stream use up half of what it may send at once? Then its messages may have been shed further up, or be
   * under way still: to ask others for them too would make more of what is too much already.
   */
  isBusy(stream: StreamId, now: Millis): boolean {
    if (this.#busy === null) return false;
    const allowance = this.#allowances.get(originOf(stream));
    if (allowance === undefined || !this.#busy.has(allowance)) return false;
    this.#refill(allowance, now);
    return this.#busy?.has(allowance) ?? false;
  }

  /** Is whoever publishes this stream over its allowance now? Of one that published nothing lately nothing is kept. */
  isOver(stream: StreamId, now: Millis): boolean {
    if (this.#usedUp === 0) return false;
    const allowance = this.#allowances.get(originOf(stream));
    return allowance !== undefined && this.isUsedUp(allowance, now);
  }

  use(allowance: Allowance, work: number, now: Millis): void {
    this.#refill(allowance, now);
    allowance.alone -= work;
    this.#set(allowance, allowance.left - work);
  }

  /**
   * Notes work that the origin itself sent and that was shed: true for each second's worth beyond what it would be allowed alone, so that a
   * flood is told from a burst that was a little too long, and from bad company. It counts, up to a second's worth: while the flood
   * lasts nothing of it is passed on, for each neighbour of the flooder would pass on another part of it, and the rest of the mesh be
   * brought them all.
   */
  exceeded(allowance: Allowance, work: number): boolean {
    const { originWorkPerSecond } = this.#config;
    this.#set(allowance, Math.max(-originWorkPerSecond, allowance.left - work));
    allowance.alone -= work;
    if (allowance.alone > -originWorkPerSecond) return false;
    allowance.alone += originWorkPerSecond;
    return true;
  }

  /**
   * Notes work that the origin itself sent, by the date that it gave it: true for each quarter of a second's worth beyond what it may publish
   * in that time. A peer with several such neighbours reads of each no more than one that keeps its pace would send, however much waits
   * behind; the dates tell. Whoever keeps its pace does so by the clock that dates, so nobody is wronged: a clock that was set back begins
   * anew. Who lies about dates is told by `exceeded`, by ours.
   */
  outpaced(allowance: Allowance, work: number, publishedAt: Millis): boolean {
    const { originWorkPerSecond, originWorkBurst } = this.#config;
    const seconds = Math.max(0, publishedAt - allowance.date) / 1_000;
    allowance.date = publishedAt;
    allowance.dated = Math.min(originWorkBurst, allowance.dated + seconds * originWorkPerSecond) - work;
    if (allowance.dated > -originWorkPerSecond / datedParts) return false;
    allowance.dated += originWorkPerSecond / datedParts;
    return true;
  }

  /** Whose allowance is full again is as good as unknown. */
  #makeRoom(now: Millis): void {
    const { originsMax, originWorkBurst } = this.#config;
    for (const allowance of this.#allowances.values()) {
      this.#refill(allowance, now);
      if (allowance.left >= originWorkBurst) this.#forget(allowance);
    }
    if (this.#allowances.size >= originsMax) {
      const [oldest] = this.#allowances.values();
      if (oldest !== undefined) this.#forget(oldest);
    }
    this.#sweepAt = Math.min(originsMax, Math.max(sweepMin, 2 * this.#allowances.size));
    this.#last = null;
  }

  #refill(allowance: Allowance, now: Millis): void {
    if (this.#busy !== null && this.#busy.size > 1 && now >= this.#recountAt) {
      // Who is silent, or banned, is busy no more after a while, and does not come by to say so.
      this.#recountAt = now + recountMs;
      for (const busy of this.#busy) this.#fill(busy, now);
    }
    this.#fill(allowance, now);
  }

  #fill(allowance: Allowance, now: Millis): void {
    const { originWorkPerSecond, originWorkBurst } = this.#config;
    const seconds = (now - allowance.at) / 1_000;
    allowance.alone = Math.min(originWorkBurst, allowance.alone + seconds * originWorkPerSecond);
    this.#set(allowance, Math.min(originWorkBurst, allowance.left + seconds * this.#rateOf(allowance)));
    allowance.at = now;
  }

  /** Work a second. */
  #rateOf(allowance: Allowance): number {
    return this.#config.originWorkPerSecond / (this.#busy?.has(allowance) ? this.#busy.size : 1);
  }

  #set(allowance: Allowance, left: number): void {
    if (allowance.left < 1) this.#usedUp--;
    if (left < 1) this.#usedUp++;
    allowance.left = left;
    if (left < this.#config.originWorkBurst / 2) {
      this.#busy ??= new Set();
      this.#busy.add(allowance);
    } else this.#calmed(allowance);
  }

  #calmed(allowance: Allowance): void {
    if (this.#busy?.delete(allowance) && this.#busy.size === 0) this.#busy = null;
  }

  #forget(allowance: Allowance): void {
    if (allowance.left < 1) this.#usedUp--;
    this.#calmed(allowance);
    this.#allowances.delete(allowance.origin);
  }
}
