import type { Millis } from '@starling/kernel';
import type { Gossip, StreamDigest, StreamId } from './messages.ts';

/**
 * What a held message takes beside its body: objects, names, its place in the log of deliveries, its share of the frame that it came
 * in. Measured: a peer grows by 1.04 KB for each message of 116 bytes. Without it, a quarter of a million small ones would be
 * 29 MB by count and 260 in truth.
 */
export const heldMessageBytes = 1_024;

export interface MessageStoreConfig {
  /** Bytes of the bodies held, as `sizeOf` counts them, and `heldMessageBytes` for each. One message that is larger is not held. */
  readonly bytesMax: number;
  readonly countMax: number;
  /** Since the message came here, not since it was published: what a healed island brings is held as long as any other. */
  readonly ageMs: Millis;
}

/**
 * The last messages, for grafts, pulls and replays. The oldest to have come go first. It holds the very objects that came,
 * so that a reader of the same messages costs no second copy. What it has once held is for the stream table to know.
 */
export class MessageStore<B> {
  readonly #config: MessageStoreConfig;
  /** Bytes of a message's body. */
  readonly #sizeOf: (body: B) => number;
  /** Of most streams one message is held, if any: it stands for itself. */
  readonly #streams = new Map<StreamId, HeldStream<B> | Gossip<B>>();
  /** Messages in order of arrival, and when that was; what lies before `#head` is gone. */
  #arrivals: (Gossip<B> | undefined)[] = [];
  #arrivedAt: Millis[] = [];
  #head = 0;
  #bytes = 0;
  /** Messages that went because of a bound other than their age. */
  evictedEarly = 0;

  constructor(config: MessageStoreConfig, sizeOf: (body: B) => number) {
    this.#config = config;
    this.#sizeOf = sizeOf;
  }

  /** Bytes held, as its bound counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages held. */
  get size(): number {
    return this.#arrivals.length - this.#head;
  }

  /** Streams of which something is held, in the order in which they were first held. */
  streams(): Iterable<StreamId> {
    return this.#streams.keys();
  }

  /** Holds a message that it does not hold. False when it is too large to be held at all. */
  add(now: Millis, message: Gossip<B>): boolean {
    const size = this.#sizeOf(message.body) + heldMessageBytes;
    if (size > this.#config.bytesMax) return false;
    const held = this.#streams.get(message.stream);
    if (held === undefined) this.#streams.set(message.stream, message);
    else if (held instanceof HeldStream) held.insert(message);
    else this.#streams.set(message.stream, new HeldStream(held, message));
    this.#arrivals.push(message);
    this.#arrivedAt.push(now);
    this.#bytes += size;
    while (this.#bytes > this.#config.bytesMax || this.size > this.#config.countMax) {
      this.evictedEarly++;
      this.#evictOldest();
    }
    return true;
  }

  get(stream: StreamId, seq: number): Gossip<B> | undefined {
    const held = this.#streams.get(stream);
    if (held instanceof HeldStream) return held.get(seq);
    return held?.seq === seq ? held : undefined;
  }

  /** Bytes of a message's body. */
  bytesOf(message: Gossip<B>): number {
    return this.#sizeOf(message.body);
  }

  /** What is held of `from` … `to`, ascending, at most `max` messages. */
  range(stream: StreamId, from: number, to: number, max: number): Gossip<B>[] {
    const held = this.#streams.get(stream);
    if (held instanceof HeldStream) return held.range(from, to, max);
    return held !== undefined && held.seq >= from && held.seq <= to && max > 0 ? [held] : [];
  }

  /** Appends the runs held of a stream to `to`, ascending; of more than `max` runs the latest. Returns how many. */
  runs(stream: StreamId, max: number, to: StreamDigest[]): number {
    const held = this.#streams.get(stream);
    if (held instanceof HeldStream) return held.runs(stream, max, to);
    if (held === undefined || max < 1) return 0;
    to.push({ stream, from: held.seq, seen: held.seq });
    return 1;
  }

  /** When the oldest message reaches the age bound; Infinity when nothing is held. */
  nextExpiry(): Millis {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#arrivedAt[this.#head] as Millis) + this.#config.ageMs;
  }

  /** Lets go of what is older than the age bound. */
  expire(now: Millis): void {
    const bound = now - this.#config.ageMs;
    while (this.size > 0 && (this.#arrivedAt[this.#head] as Millis) <= bound) this.#evictOldest();
  }

  #evictOldest(): void {
    const message = this.#arrivals[this.#head] as Gossip<B>;
    this.#arrivals[this.#head] = undefined;
    this.#head++;
    this.#bytes -= this.#sizeOf(message.body) + heldMessageBytes;
    const held = this.#streams.get(message.stream);
    if (held instanceof HeldStream) held.remove(message.seq);
    if (!(held instanceof HeldStream) || held.size === 0) this.#streams.delete(message.stream);
    // Give the memory back in one move once the dead half outweighs the live half.
    if (this.#head > 64 && this.#head * 2 > this.#arrivals.length) {
      this.#arrivals = this.#arrivals.slice(this.#head);
      this.#arrivedAt = this.#arrivedAt.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** The held messages of one stream, by ascending number. Both ends are cheap: messages come at one and go at the other. */
class HeldStream<B> {
  #items: (Gossip<B> | undefined)[];
  #head = 0;

  constructor(first: Gossip<B>, second: Gossip<B>) {
    this.#items = first.seq < second.seq ? [first, second] : [second, first];
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  insert(message: Gossip<B>): void {
    const items = this.#items;
    if (this.size === 0 || this.#seqAt(items.length - 1) < message.seq) items.push(message);
    else items.splice(this.#firstFrom(message.seq), 0, message);
  }

  remove(seq: number): void {
    const items = this.#items;
    const at = this.#firstFrom(seq);
    // The oldest to have come is near the head. Measured: where messages overtake each other, moving all that follow was a fifth of a busy peer's CPU.
    if (at - this.#head > items.length - at) {
      items.splice(at, 1);
      return;
    }
    for (let i = at; i > this.#head; i--) items[i] = items[i - 1];
    items[this.#head] = undefined;
    this.#head++;
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  get(seq: number): Gossip<B> | undefined {
    const message = this.#items[this.#firstFrom(seq)];
    return message?.seq === seq ? message : undefined;
  }

  range(from: number, to: number, max: number): Gossip<B>[] {
    const found: Gossip<B>[] = [];
    for (let at = this.#firstFrom(from); at < this.#items.length && found.length < max; at++) {
      const message = this.#items[at] as Gossip<B>;
      if (message.seq > to) break;
      found.push(message);
    }
    return found;
  }

  runs(stream: StreamId, max: number, to: StreamDigest[]): number {
    const before = to.length;
    let last = this.#items.length - 1;
    for (let count = 0; last >= this.#head && count < max; count++) {
      const first = this.#runStart(last);
      const run = { stream, from: this.#seqAt(first), seen: this.#seqAt(last) };
      if (count === 0) to.push(run);
      else to.splice(before, 0, run);
      last = first - 1;
    }
    return to.length - before;
  }

  /** Index of the first message of the run that ends at index `last`. */
  #runStart(last: number): number {
    const lastSeq = this.#seqAt(last);
    let low = this.#head;
    let high = last;
    // Within a run number and index rise together; before it, numbers lag further behind.
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lastSeq - this.#seqAt(middle) === last - middle) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first message numbered `seq` or more; the length when there is none. */
  #firstFrom(seq: number): number {
    const size = this.size;
    if (size === 0) return this.#items.length;
    const ahead = seq - this.#seqAt(this.#head);
    if (ahead <= 0) return this.#head;
    // Numbers rise by one at least, so this is an upper bound, and exact where there is no hole.
    let high = Math.min(this.#head + ahead, this.#items.length);
    if (high < this.#items.length && this.#seqAt(high) === seq) return high;
    let low = this.#head;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seqAt(middle) >= seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #seqAt(index: number): number {
    return (this.#items[index] as Gossip<B>).seq;
  }
}
