import type { Millis, PeerId } from '@starling/kernel';

export interface CanaryLedgerConfig {
  /** Origins followed; the one heard from longest ago is forgotten first. 4,096: each sends at most every 10 s. */
  readonly originsMax: number;
  /** What `ratio` looks back on. 10 min: long enough for 60 canaries of a lone peer (product decision). */
  readonly windowMs: Millis;
  /** A hole is a miss only when it is older than that: repair may still fill it. 10 s: above every graft timer. */
  readonly graceMs: Millis;
}

export const defaultCanaryLedgerConfig: CanaryLedgerConfig = { originsMax: 4_096, windowMs: 600_000, graceMs: 10_000 };

interface Origin {
  incarnation: number;
  highest: number;
  /** Numbers below `highest` that have not come, and when the hole was seen. */
  readonly holes: Map<number, Millis>;
}

/** A minute's worth of counting. */
interface Slot {
  readonly from: Millis;
  received: number;
  missed: number;
}

/** Holes remembered for each origin; a longer outage counts as missed at once. */
const holesMax = 64;
const slotMs = 60_000;

/**
 * How many canaries arrived of those that should have: each origin numbers its own from 1, so a number that is missing
 * though a later one came was lost on its way. What was sent before this peer heard an origin first is not counted.
 */
export class CanaryLedger {
  readonly #config: CanaryLedgerConfig;
  readonly #origins = new Map<PeerId, Origin>();
  #slots: Slot[] = [];
  received = 0;
  missed = 0;

  constructor(config: CanaryLedgerConfig = defaultCanaryLedgerConfig) {
    this.#config = config;
  }

  /** A canary came. A second copy and one of an older incarnation are ignored. */
  arrived(now: Millis, origin: PeerId, incarnation: number, number: number): void {
    const known = this.#origins.get(origin);
    if (known !== undefined && incarnation < known.incarnation) return;
    if (known === undefined || incarnation > known.incarnation) {
      this.#remember(origin, { incarnation, highest: number, holes: new Map() });
      this.#count(now, 1, 0);
      return;
    }
    if (number > known.highest) {
      const lost = number - known.highest - 1;
      for (let n = Math.max(known.highest + 1, number - holesMax); n < number; n++) known.holes.set(n, now);
      known.highest = number;
      this.#remember(origin, known);
      this.#count(now, 1, Math.max(0, lost - holesMax));
      // The oldest hole has waited longest.
      for (const hole of known.holes.keys()) {
        if (known.holes.size <= holesMax) break;
        known.holes.delete(hole);
        this.#count(now, 0, 1);
      }
    } else if (known.holes.delete(number)) {
      this.#count(now, 1, 0);
    }
  }

  /** Share of the window's canaries that arrived; 1 when there was none. */
  ratio(now: Millis): number {
    this.#settle(now);
    let received = 0;
    let missed = 0;
    for (const slot of this.#slots) {
      received += slot.received;
      missed += slot.missed;
    }
    return received + missed === 0 ? 1 : received / (received + missed);
  }

  /** Counts as missed the holes that were given time enough. */
  #settle(now: Millis): void {
    for (const { holes } of this.#origins.values()) {
      for (const [number, seenAt] of holes) {
        if (now - seenAt < this.#config.graceMs) break;
        holes.delete(number);
        this.#count(now, 0, 1);
      }
    }
    this.#slots = this.#slots.filter((slot) => now - slot.from < this.#config.windowMs);
  }

  #remember(origin: PeerId, entry: Origin): void {
    // Delete and set moves it to the end: the map's order is the order of hearing.
    this.#origins.delete(origin);
    this.#origins.set(origin, entry);
    for (const oldest of this.#origins.keys()) {
      if (this.#origins.size <= this.#config.originsMax) break;
      this.#origins.delete(oldest);
    }
  }

  #count(now: Millis, received: number, missed: number): void {
    this.received += received;
    this.missed += missed;
    let slot = this.#slots.at(-1);
    if (slot === undefined || now - slot.from >= slotMs) {
      slot = { from: now, received: 0, missed: 0 };
      this.#slots.push(slot);
      if (this.#slots.length > 1 + this.#config.windowMs / slotMs) this.#slots.shift();
    }
    slot.received += received;
    slot.missed += missed;
  }
}
