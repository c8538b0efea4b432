import { DeadlineQueue, type Millis } from '@starling/kernel';
import { checkPubSubConfig, type PubSubConfig } from './config.ts';
import { type Cursor, cursorLimits, mergeCursors } from './cursor.ts';
import { DeliveryLog, type LogEntry } from './delivery-log.ts';
import type { GapReason, LogMessage } from './messages.ts';
import { StreamOrder, type Waiting } from './stream-order.ts';
import { type Positions, Subscription, type SubscriptionHome, type SubscriptionStart } from './subscription.ts';
import { type Pattern, TopicMatcher } from './topic.ts';

const never = Number.POSITIVE_INFINITY;

/** Where and what to read. With `cursors` the rest of the start is ignored, with `since` `replayAll` is. */
export interface OpenOptions {
  readonly patterns: readonly Pattern[];
  /** Go on after these; of any peers, in any order. Empty: none. */
  readonly cursors: readonly Cursor[];
  /** Replay what is held and was published since then. Null: only what comes from now on. */
  readonly since: Millis | null;
  /** Replay everything held. */
  readonly replayAll: boolean;
}

/** What a PubSub counts, since it was made. */
export interface PubSubStats {
  /** Messages appended to the log. */
  delivered: number;
  /** Of these, those whose turn was over. */
  late: number;
  /** Messages that had to wait for an earlier one. */
  heldBack: number;
  /** Numbers passed over because they did not come in time. */
  gaps: number;
  /** Entries that the log let go. */
  evicted: number;
  /** Entries that the log let go before a subscription read them, once per subscription. */
  slow: number;
  /** Subscriptions refused. */
  refused: number;
  /** Streams forgotten because there were too many. */
  streamsForgotten: number;
}

/**
 * Topics and subscriptions over what the broadcast delivers at one peer. Driven by calls, without a network: `delivered` for
 * each first sight of a user message, `tick` at `nextDeadline`. It puts each stream in order, keeps the last messages in one
 * log, and lets any number of subscriptions read from it, each at its own pace. The contract is docs/delivery.md.
 */
export class PubSub<B> {
  readonly stats: PubSubStats = {
    delivered: 0,
    late: 0,
    heldBack: 0,
    gaps: 0,
    evicted: 0,
    slow: 0,
    refused: 0,
    streamsForgotten: 0,
  };
  readonly #config: PubSubConfig;
  readonly #log: DeliveryLog<B>;
  readonly #streams = new Map<string, StreamOrder<B>>();
  readonly #holdBacks: DeadlineQueue<StreamOrder<B>>;
  readonly #subscriptions = new Set<Subscription<B>>();
  readonly #home: SubscriptionHome<B>;
  #waiting = 0;
  #now: Millis = 0;
  #checkpointAt: Millis = never;
  #checkpointRound = 0;
  /** No subscription is behind this offset. */
  #slowest = 0;
  #positions: Positions | null = null;

  /** `sizeOf` gives the bytes that a body takes. */
  constructor(config: PubSubConfig, sizeOf: (body: B) => number) {
    checkPubSubConfig(config);
    this.#config = config;
    this.#log = new DeliveryLog(sizeOf);
    this.#holdBacks = new DeadlineQueue(config.holdBackMs);
    this.#home = {
      config,
      log: this.#log,
      now: () => this.#now,
      positions: () => this.#positionsNow(),
      checkpointRound: () => this.#checkpointRound,
      closed: (subscription) => void this.#subscriptions.delete(subscription),
    };
  }

  /** Entries and bytes in the log, streams known, messages waiting for an earlier one, subscriptions open. */
  get sizes(): {
    readonly entries: number;
    readonly bytes: number;
    readonly streams: number;
    readonly waiting: number;
    readonly subscriptions: number;
  } {
    return {
      entries: this.#log.size,
      bytes: this.#log.bytes,
      streams: this.#streams.size,
      waiting: this.#waiting,
      subscriptions: this.#subscriptions.size,
    };
  }

  /** A user message was seen for the first time. Returns true when there is something new to read. */
  delivered(now: Millis, message: LogMessage<B>, topic: string): boolean {
    this.#now = now;
    const end = this.#log.end;
    const order = this.#orderOf(now, message.stream);
    order.lastAt = now;
    if (message.seq > order.next) {
      this.#holdBack(order, { message, topic, since: now });
    } else {
      if (message.seq < order.next) this.stats.late++;
      this.#append(order, message, topic);
      this.#releaseWaiting(order);
    }
    this.#evict();
    return this.#log.end > end;
  }

  /** The broadcast gave these up: nobody holds them any more, so there is no use in waiting for them. */
  lost(now: Millis, range: { readonly stream: string; readonly from: number; readonly to: number }): boolean {
    this.#now = now;
    const end = this.#log.end;
    const order = this.#streams.get(range.stream);
    if (order !== undefined && range.from <= order.next && order.next <= range.to) {
      this.#passOver(order, range.to, 'lost');
      this.#releaseWaiting(order);
      this.#evict();
    }
    return this.#log.end > end;
  }

  /** Lets go on without what did not come in time. Returns true when there is something new to read, a checkpoint included. */
  tick(now: Millis): boolean {
    this.#now = now;
    const end = this.#log.end;
    for (let order = this.#holdBacks.expire(now); order !== undefined; order = this.#holdBacks.expire(now)) {
      const bound = now - this.#config.holdBackMs;
      do this.#goOn(order);
      while ((order.firstWaiting()?.since ?? never) <= bound);
      if (order.waiting !== null) this.#holdBacks.arm(now, order);
    }
    this.#evict();
    const isCheckpointDue = this.#checkpointAt <= now;
    if (isCheckpointDue) {
      this.#checkpointAt = never;
      this.#checkpointRound++;
    }
    return isCheckpointDue || this.#log.end > end;
  }

  /** When `tick` is wanted; Infinity: not. Old entries are let go with the next call of any kind, no tick is needed. */
  nextDeadline(): Millis {
    return Math.min(this.#holdBacks.next(), this.#checkpointAt);
  }

  /** Begins a subscription. Null: as many are open as are allowed; nothing changed. */
  open(now: Millis, options: OpenOptions): Subscription<B> | null {
    this.#now = now;
    if (this.#subscriptions.size >= this.#config.subscriptionsMax) {
      this.stats.refused++;
      return null;
    }
    this.#evict();
    const start = this.#startOf(now, options);
    const subscription = new Subscription(this.#home, new TopicMatcher(options.patterns), start);
    if (options.cursors.length > 0 || options.since !== null) this.#oweWhatIsGone(subscription, start);
    this.#subscriptions.add(subscription);
    this.#slowest = Math.min(this.#slowest, start.offset);
    return subscription;
  }

  // Opening

  #startOf(now: Millis, { cursors, since, replayAll }: OpenOptions): SubscriptionStart {
    const none = new Map<string, number>();
    const always = Number.NEGATIVE_INFINITY;
    const offset = this.#log.start;
    if (cursors.length > 0) {
      const { seen, time } = mergeCursors(cursors);
      const listed = new Map([...seen].slice(0, this.#config.listedMax));
      return { offset, listed, appendedFrom: time, publishedFrom: always, time };
    }
    if (since !== null) return { offset, listed: none, appendedFrom: always, publishedFrom: since, time: since };
    if (replayAll) return { offset, listed: none, appendedFrom: always, publishedFrom: always, time: 0 };
    const time = now - this.#config.skewMs;
    return { offset: this.#log.end, listed: none, appendedFrom: always, publishedFrom: always, time };
  }

  /** Says what the subscriber has not seen and the log has no longer: exactly for listed streams, from number 1 for others. */
  #oweWhatIsGone(subscription: Subscription<B>, start: SubscriptionStart): void {
    for (const order of this.#streams.values()) {
      const seen = start.listed.get(order.id);
      if (seen === undefined) {
        if (order.goneAt >= start.time)
          subscription.owe(order.id, { from: 1, to: order.goneTo, position: order.goneTo, reason: 'evicted' });
      } else if (order.goneTo > seen) {
        subscription.owe(order.id, { from: seen + 1, to: order.goneTo, position: order.goneTo, reason: 'evicted' });
      }
    }
  }

  // Order

  #orderOf(now: Millis, stream: string): StreamOrder<B> {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    if (this.#streams.size >= this.#config.streamsMax) this.#forgetSilent();
    const order = new StreamOrder<B>(stream, now);
    this.#streams.set(stream, order);
    return order;
  }

  #forgetSilent(): void {
    const byAge = [...this.#streams.values()].sort((a, b) => a.lastAt - b.lastAt);
    for (const order of byAge.slice(0, Math.max(1, this.#config.streamsMax >> 4))) {
      while (order.waiting !== null) this.#goOn(order);
      this.#streams.delete(order.id);
      this.stats.streamsForgotten++;
    }
  }

  #holdBack(order: StreamOrder<B>, waiting: Waiting<B>): void {
    if (order.waiting?.has(waiting.message.seq)) return;
    this.stats.heldBack++;
    order.waiting ??= new Map();
    if (order.waiting.size === 0) this.#holdBacks.arm(this.#now, order);
    order.waiting.set(waiting.message.seq, waiting);
    this.#waiting++;
    if (this.#waiting > this.#config.holdBackMax) this.#goOn(order);
  }

  /** Waits no longer for what lies before the first waiting message. */
  #goOn(order: StreamOrder<B>): void {
    const first = order.firstWaiting();
    if (first === undefined) return;
    // A stream that is met when it is under way has a history, which is no loss.
    this.#passOver(order, first.message.seq - 1, order.next === 1 ? 'evicted' : 'lost');
    this.#releaseWaiting(order);
  }

  #passOver(order: StreamOrder<B>, to: number, reason: GapReason): void {
    const from = order.next;
    this.stats.gaps += to - from + 1;
    order.next = to + 1;
    this.#log.append({ kind: 'gap', at: this.#now, stream: order.id, position: to, from, to, reason });
    this.#noteAppended();
  }

  #releaseWaiting(order: StreamOrder<B>): void {
    const { waiting } = order;
    if (waiting === null) return;
    for (let next = waiting.get(order.next); next !== undefined; next = waiting.get(order.next)) {
      waiting.delete(order.next);
      this.#waiting--;
      this.#append(order, next.message, next.topic);
    }
    if (waiting.size > 0) return;
    order.waiting = null;
    this.#holdBacks.cancel(order);
  }

  #append(order: StreamOrder<B>, message: LogMessage<B>, topic: string): void {
    if (message.seq >= order.next) order.next = message.seq + 1;
    this.stats.delivered++;
    const { stream } = message;
    this.#log.append({ kind: 'message', at: this.#now, stream, position: order.next - 1, message, topic });
    this.#noteAppended();
  }

  #noteAppended(): void {
    this.#positions = null;
    if (this.#checkpointAt === never && this.#subscriptions.size > 0) {
      this.#checkpointAt = this.#now + this.#config.checkpointMs;
    }
  }

  // Letting go

  #evict(): void {
    const { logBytesMax, logCountMax, logAgeMs } = this.#config;
    const log = this.#log;
    for (let entry = log.first(); entry !== undefined; entry = log.first()) {
      const isOver = log.bytes > logBytesMax || log.size > logCountMax || entry.at <= this.#now - logAgeMs;
      if (!isOver) break;
      this.#noteEvicted(entry, log.start);
      log.dropFirst();
    }
  }

  #noteEvicted(entry: LogEntry<B>, offset: number): void {
    this.stats.evicted++;
    const order = this.#streams.get(entry.stream);
    if (order !== undefined) {
      order.goneTo = Math.max(order.goneTo, entry.kind === 'message' ? entry.message.seq : entry.to);
      order.goneAt = entry.at;
    }
    if (offset < this.#slowest) return;
    let slowest = never;
    for (const subscription of this.#subscriptions) {
      if (subscription.offset <= offset) {
        this.stats.slow++;
        subscription.miss(entry, offset);
      }
      slowest = Math.min(slowest, subscription.offset);
    }
    this.#slowest = Math.min(slowest, this.#log.end);
  }

  // Checkpoints

  #positionsNow(): Positions {
    this.#positions ??= this.#listPositions();
    return this.#positions;
  }

  #listPositions(): Positions {
    const known = [...this.#streams.values()].filter((order) => order.next > 1);
    const isComplete = known.length <= cursorLimits.streamsMax && this.stats.streamsForgotten === 0;
    if (known.length > cursorLimits.streamsMax) known.sort((a, b) => b.lastAt - a.lastAt);
    const seen = new Map<string, number>();
    for (const order of known.slice(0, cursorLimits.streamsMax)) seen.set(order.id, order.next - 1);
    return { seen, isComplete };
  }
}
