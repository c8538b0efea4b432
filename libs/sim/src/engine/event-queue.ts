import { assert, type Millis } from '@starling/kernel';

/** Virtual time is a whole number of ticks, so that it adds up the same on every machine; 1/64 ms is exact in binary. */
export const ticksPerMs = 64;

/** The first tick that is not before `ms`. */
export function ticksFromMs(ms: Millis): number {
  return Math.ceil(ms * ticksPerMs);
}

/** Exact: a tick is a power of two of a millisecond. */
export function msFromTicks(ticks: number): Millis {
  return ticks / ticksPerMs;
}

/** One slot per tick in the near wheel, one slot per near wheel in the far one: 64 ms, then 262 s. */
const wheelBits = 12;
const wheelSize = 1 << wheelBits;
const wheelMask = wheelSize - 1;
const nil = -1;
/** Past this a tick no longer fits its array: 18 hours of virtual time. */
const tickMax = 2 ** 32 - 1;

/** Words per event in the pool: the next of its list, its tick, its kind. Side by side, so that an event is one cache line. */
const words = 4;
const nextWord = 0;
const tickWord = 1;
const kindWord = 2;

/** A ring of FIFO lists threaded through the pool's `next` words, and a bitmap of those that are not empty. */
class Wheel {
  readonly heads = new Int32Array(wheelSize).fill(nil);
  readonly tails = new Int32Array(wheelSize).fill(nil);
  readonly #bits = new Uint32Array(wheelSize >>> 5);

  append(slot: number, event: number, pool: Int32Array): void {
    const tail = this.tails[slot] as number;
    if (tail === nil) {
      this.heads[slot] = event;
      this.#bits[slot >>> 5] = (this.#bits[slot >>> 5] as number) | (1 << (slot & 31));
    } else pool[tail * words + nextWord] = event;
    this.tails[slot] = event;
  }

  empty(slot: number): void {
    this.heads[slot] = nil;
    this.tails[slot] = nil;
    this.#bits[slot >>> 5] = (this.#bits[slot >>> 5] as number) & ~(1 << (slot & 31));
  }

  /** The first slot at or after `from` that holds an event; `nil` when there is none before the wheel's end. */
  seek(from: number): number {
    let word = from >>> 5;
    let bits = (this.#bits[word] as number) & (-1 << (from & 31));
    for (;;) {
      if (bits !== 0) return (word << 5) + (31 - Math.clz32(bits & -bits));
      if (++word >= this.#bits.length) return nil;
      bits = this.#bits[word] as number;
    }
  }
}

/**
 * Pending events in the order of their tick; events of one tick come out in the order in which they went in. A two-level
 * timing wheel over a pool of typed arrays: O(1) in and out, and nothing is allocated per event once the pool has grown.
 * `S` is what an event is about and `P` what it carries; both are kept as given.
 */
export class EventQueue<S, P> {
  readonly #near = new Wheel();
  readonly #far = new Wheel();
  /** Beyond the far wheel; sorted into it, in order, each time it comes around. */
  #beyond: number[] = [];

  #pool = new Int32Array(1024 * words);
  /** Subject and payload of each event, in turn. */
  readonly #things: (S | P | null)[] = [];
  #free = nil;
  #used = 0;
  /**
   * The event taken last. It keeps its place until the next `take`: to write what it is about into a field would cost the collector's
   * look at the pages of both, which are far away.
   */
  #taken = nil;
  #size = 0;

  /** The tick of the event taken last: the present. */
  now = 0;
  /** What the event taken last was; valid until the next `take`. */
  kind = 0;

  get subject(): S | null {
    return this.#taken === nil ? null : (this.#things[this.#taken * 2] as S);
  }

  get payload(): P | null {
    return this.#taken === nil ? null : (this.#things[this.#taken * 2 + 1] as P | null);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an event at `tick`, or now when that is already past. `kind` is a number below 256. */
  add(tick: number, kind: number, subject: S, payload: P | null): void {
    const at = Math.max(tick, this.now);
    assert(at <= tickMax, 'virtual time fits 32 bits of ticks');
    const event = this.#allocate();
    this.#pool[event * words + tickWord] = at;
    this.#pool[event * words + kindWord] = kind;
    this.#things[event * 2] = subject;
    this.#things[event * 2 + 1] = payload;
    this.#size++;
    this.#place(event, at);
  }

  /** Takes the first event if it is not after `until`, and makes its tick the present; else the present is `until`. */
  take(until: number): boolean {
    this.#release();
    for (;;) {
      const slot = this.#near.seek(this.now & wheelMask);
      if (slot !== nil) {
        // `>>>` and `*` rather than a mask: ticks past 2^31 stay positive.
        const tick = (this.now >>> wheelBits) * wheelSize + slot;
        if (tick > until) break;
        this.now = tick;
        this.#remove(slot);
        return true;
      }
      if (this.#size === 0 || !this.#turn(until)) break;
    }
    if (until < Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
    return false;
  }

  #sameNear(tick: number): boolean {
    return tick >>> wheelBits === this.now >>> wheelBits;
  }

  #sameFar(tick: number): boolean {
    return tick >>> (2 * wheelBits) === this.now >>> (2 * wheelBits);
  }

  #place(event: number, tick: number): void {
    this.#pool[event * words + nextWord] = nil;
    if (this.#sameNear(tick)) this.#near.append(tick & wheelMask, event, this.#pool);
    else if (this.#sameFar(tick)) this.#far.append((tick >>> wheelBits) & wheelMask, event, this.#pool);
    else this.#beyond.push(event);
  }

  /** The near wheel is empty: goes on to the next stretch of time that holds an event. False when that is after `until`. */
  #turn(until: number): boolean {
    const here = this.now >>> wheelBits;
    const slot = this.#far.seek(here & wheelMask);
    if (slot === nil) return this.#turnFar(until);
    const start = ((here & ~wheelMask) + slot) * wheelSize;
    if (start > until) return false;
    this.now = Math.max(this.now, start);
    let event = this.#far.heads[slot] as number;
    this.#far.empty(slot);
    // In list order, before anything new can be added: the order among events of one tick is kept.
    while (event !== nil) {
      const next = this.#nextOf(event);
      this.#place(event, this.#tickOf(event));
      event = next;
    }
    return true;
  }

  #turnFar(until: number): boolean {
    let first = Number.POSITIVE_INFINITY;
    for (const event of this.#beyond) first = Math.min(first, this.#tickOf(event));
    const start = Math.floor(first / (wheelSize * wheelSize)) * wheelSize * wheelSize;
    if (start > until) return false;
    this.now = Math.max(this.now, start);
    const waiting = this.#beyond;
    this.#beyond = [];
    for (const event of waiting) this.#place(event, this.#tickOf(event));
    return true;
  }

  #nextOf(event: number): number {
    return this.#pool[event * words + nextWord] as number;
  }

  /** As it was added: the pool's words are signed. */
  #tickOf(event: number): number {
    return (this.#pool[event * words + tickWord] as number) >>> 0;
  }

  #remove(slot: number): void {
    const event = this.#near.heads[slot] as number;
    const next = this.#nextOf(event);
    if (next === nil) this.#near.empty(slot);
    else this.#near.heads[slot] = next;
    this.kind = this.#pool[event * words + kindWord] as number;
    this.#taken = event;
    this.#size--;
  }

  /** Gives back the place of the event taken last. */
  #release(): void {
    const event = this.#taken;
    if (event === nil) return;
    this.#taken = nil;
    this.#things[event * 2] = null;
    this.#things[event * 2 + 1] = null;
    this.#pool[event * words + nextWord] = this.#free;
    this.#free = event;
  }

  #allocate(): number {
    if (this.#free !== nil) {
      const event = this.#free;
      this.#free = this.#nextOf(event);
      return event;
    }
    if (this.#used * words === this.#pool.length) this.#grow();
    this.#things.push(null, null);
    return this.#used++;
  }

  #grow(): void {
    const pool = new Int32Array(this.#pool.length * 2);
    pool.set(this.#pool);
    this.#pool = pool;
  }
}
