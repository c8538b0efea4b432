import type { Millis } from '@starling/kernel';
import type { PubSubConfig } from './config.ts';
import { encodeCursor, fitsCursor } from './cursor.ts';
import type { DeliveryLog, LogEntry } from './delivery-log.ts';
import type { GapReason, SubscriptionEvent } from './messages.ts';
import type { TopicMatcher } from './topic.ts';

/** A span of one stream that a subscription is owed an explicit gap for. */
export interface OwedGap {
  readonly from: number;
  readonly to: number;
  /** How far the stream was delivered then: beyond `to` when what is missed had come late. */
  readonly position: number;
  readonly reason: GapReason;
}

/** How far every stream is delivered at the end of the log, the latest first. */
export interface Positions {
  readonly seen: ReadonlyMap<string, number>;
  /** No stream that was ever known is left out. */
  readonly isComplete: boolean;
}

/** What a subscription needs of its owner. */
export interface SubscriptionHome<B> {
  readonly config: PubSubConfig;
  readonly log: DeliveryLog<B>;
  /** The last time that anybody told. */
  now(): Millis;
  positions(): Positions;
  /** Counts up when checkpoints are due. */
  checkpointRound(): number;
  closed(subscription: Subscription<B>): void;
}

/** Where a subscription begins. */
export interface SubscriptionStart {
  /** Offset in the log of the first entry to look at. */
  readonly offset: number;
  /** Of these streams only what is beyond; from cursors. */
  readonly listed: ReadonlyMap<string, number>;
  /** Of what was in the log at the opening, other streams' entries only from this time on. */
  readonly appendedFrom: Millis;
  /** Of what was in the log at the opening, only messages published from this time on. */
  readonly publishedFrom: Millis;
  /** The start that this subscription's cursors tell other peers. */
  readonly time: Millis;
}

/**
 * One subscriber's place in the log. It is pulled, never pushed: nothing is queued for it, so one that stops reading costs
 * nothing. What the log lets go before it was read comes as a gap.
 */
export class Subscription<B> {
  readonly #home: SubscriptionHome<B>;
  readonly #matcher: TopicMatcher;
  readonly #start: SubscriptionStart;
  /** End of the log at the opening: what lies before is replay. */
  readonly #replayEnd: number;
  readonly #owed = new Map<string, OwedGap>();
  #offset: number;
  #round = -1;
  #checkpointEnd = -1;
  #isClosed = false;

  /** Made by `PubSub.open`. */
  constructor(home: SubscriptionHome<B>, matcher: TopicMatcher, start: SubscriptionStart) {
    this.#home = home;
    this.#matcher = matcher;
    this.#start = start;
    this.#offset = start.offset;
    this.#replayEnd = home.log.end;
  }

  /** Offset of the next entry to look at. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next events, at most `max`. May be fewer, or none, while `hasMore` is true: it looks at a bounded number of entries
   * at a time. Empty once closed.
   */
  read(max: number): readonly SubscriptionEvent<B>[] {
    const events: SubscriptionEvent<B>[] = [];
    if (this.#isClosed) return events;
    // Gaps first: they lie before everything that can still be read.
    for (const [stream, gap] of this.#owed) {
      if (events.length >= max) return events;
      this.#owed.delete(stream);
      events.push(this.#gap(stream, gap, this.#home.now()));
    }
    const { log } = this.#home;
    const scanEnd = Math.min(log.end, this.#offset + this.#home.config.scanMax);
    while (this.#offset < scanEnd && events.length < max) {
      const event = this.#eventOf(log.at(this.#offset), this.#offset);
      this.#offset++;
      if (event !== null) events.push(event);
    }
    if (events.length < max && this.#isCheckpointDue()) events.push(this.#checkpoint());
    return events;
  }

  /** Would `read` come further now? */
  hasMore(): boolean {
    if (this.#isClosed) return false;
    return this.#owed.size > 0 || this.#offset < this.#home.log.end || this.#isCheckpointDue();
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owed.clear();
    this.#home.closed(this);
  }

  /** The log is about to let go the entry at `offset`, which is not read yet. Called by the owner. */
  miss(entry: LogEntry<B>, offset: number): void {
    this.#offset = offset + 1;
    if (!this.#isWanted(entry, offset)) return;
    const { stream, position } = entry;
    const to = entry.kind === 'message' ? entry.message.seq : entry.to;
    const from = entry.kind === 'message' ? to : this.#unseenFrom(stream, entry.from);
    this.owe(stream, { from, to, position, reason: 'slow' });
  }

  /** These will not come. One span per stream: what lies between two of them is gone as well. Called by the owner. */
  owe(stream: string, gap: OwedGap): void {
    const owed = this.#owed.get(stream) ?? gap;
    this.#owed.set(stream, {
      from: Math.min(owed.from, gap.from),
      to: Math.max(owed.to, gap.to),
      position: Math.max(owed.position, gap.position),
      reason: gap.reason,
    });
  }

  #eventOf(entry: LogEntry<B>, offset: number): SubscriptionEvent<B> | null {
    if (!this.#isWanted(entry, offset)) return null;
    if (entry.kind === 'gap') {
      const from = this.#unseenFrom(entry.stream, entry.from);
      return this.#gap(entry.stream, { ...entry, from }, entry.at);
    }
    const { message, topic } = entry;
    const cursor = this.#cursor(entry.stream, entry.position, entry.at);
    return { kind: 'message', message, topic, replayed: offset < this.#replayEnd, cursor };
  }

  #isWanted(entry: LogEntry<B>, offset: number): boolean {
    const last = entry.kind === 'message' ? entry.message.seq : entry.to;
    const seen = this.#start.listed.get(entry.stream);
    if (seen !== undefined) {
      if (last <= seen) return false;
    } else if (offset < this.#replayEnd) {
      if (entry.at < this.#start.appendedFrom) return false;
      const published = entry.kind === 'message' ? entry.message.publishedAt : entry.at;
      if (published < this.#start.publishedFrom) return false;
    }
    return entry.kind === 'gap' || this.#matcher.matches(entry.topic);
  }

  #unseenFrom(stream: string, from: number): number {
    return Math.max(from, (this.#start.listed.get(stream) ?? 0) + 1);
  }

  #gap(stream: string, { from, to, position, reason }: OwedGap, at: Millis): SubscriptionEvent<B> {
    return { kind: 'gap', stream, from, to, reason, cursor: this.#cursor(stream, position, at) };
  }

  /** A cursor of one stream. For the others it vouches only for what has had time to come here (`lookbackMs`). */
  #cursor(stream: string, position: number, at: Millis): string {
    const seen = new Map([[stream, Math.max(position, this.#start.listed.get(stream) ?? 0)]]);
    return encodeCursor({ seen, time: this.#vouchedAt(at), isComplete: false });
  }

  #vouchedAt(at: Millis): Millis {
    return Math.max(this.#start.time, at - this.#home.config.lookbackMs);
  }

  #isCheckpointDue(): boolean {
    if (this.#offset < this.#home.log.end || this.#owed.size > 0) return false;
    if (this.#round < 0) return true;
    return this.#round !== this.#home.checkpointRound() && this.#checkpointEnd !== this.#offset;
  }

  #checkpoint(): SubscriptionEvent<B> {
    this.#round = this.#home.checkpointRound();
    this.#checkpointEnd = this.#offset;
    const positions = this.#home.positions();
    const seen = new Map(positions.seen);
    for (const [stream, seq] of this.#start.listed) seen.set(stream, Math.max(seq, seen.get(stream) ?? 0));
    const isComplete = positions.isComplete && fitsCursor(seen);
    // A complete one leaves out only what was never seen, so it need not vouch for any time after the start.
    const time = isComplete ? this.#start.time : this.#vouchedAt(this.#home.now());
    return { kind: 'checkpoint', cursor: encodeCursor({ seen, time, isComplete }), live: true };
  }
}
