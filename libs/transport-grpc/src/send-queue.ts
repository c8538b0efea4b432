import { type OutgoingMessage, outgoingBytes } from '@starling/wire';
import type { QueueLimits } from './config.ts';

/** What `push` did. `overflow`: the class is full and may lose nothing, so the link has to go. */
export type PushResult = 'queued' | 'dropped' | 'overflow';

/** A first-in first-out list in an array: O(1) at both ends, gives its memory back. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): void {
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

interface QueueClass {
  readonly messages: Fifo<OutgoingMessage>;
  readonly bytesMax: number;
  /** What happens at the bound. */
  readonly whenFull: 'dropped' | 'overflow';
  bytes: number;
}

/**
 * What waits to be sent over one link, by urgency: control (membership, liveness, directory, search), then repair
 * (announcements, grafts, digests), then payloads, then bulk (payloads that were asked for, which may be a whole backlog, and
 * records of lookups).
 * The order within a class is kept; between classes the more urgent overtakes.
 */
export class SendQueue {
  readonly #classes: readonly [control: QueueClass, repair: QueueClass, payload: QueueClass, bulk: QueueClass];
  #bytes = 0;

  constructor(limits: QueueLimits) {
    const make = (bytesMax: number, whenFull: 'dropped' | 'overflow'): QueueClass => ({
      messages: new Fifo(),
      bytesMax,
      whenFull,
      bytes: 0,
    });
    this.#classes = [
      make(limits.controlBytesMax, 'overflow'),
      make(limits.repairBytesMax, 'overflow'),
      make(limits.payloadBytesMax, 'dropped'),
      make(limits.bulkBytesMax, 'dropped'),
    ];
  }

  /** Bytes that wait, all classes together. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  push(message: OutgoingMessage): PushResult {
    const target = this.#classOf(message);
    const bytes = outgoingBytes(message);
    // An empty class takes any message: one that is larger than the bound must not be stuck for ever.
    if (target.bytes > 0 && target.bytes + bytes > target.bytesMax) return target.whenFull;
    target.messages.push(message);
    target.bytes += bytes;
    this.#bytes += bytes;
    return 'queued';
  }

  /** The message that goes next. */
  peek(): OutgoingMessage | undefined {
    return this.#first()?.messages.peek();
  }

  /** Removes what `peek` showed. */
  shift(): void {
    const first = this.#first();
    const message = first?.messages.peek();
    if (first === undefined || message === undefined) return;
    first.messages.shift();
    const bytes = outgoingBytes(message);
    first.bytes -= bytes;
    this.#bytes -= bytes;
  }

  #first(): QueueClass | undefined {
    for (const each of this.#classes) if (!each.messages.empty) return each;
    return undefined;
  }

  #classOf(message: OutgoingMessage): QueueClass {
    const [control, repair, payload, bulk] = this.#classes;
    if (message.area === 'encoded') return message.isBulk ? bulk : control;
    if (message.message.kind !== 'gossip') return repair;
    return message.message.repair ? bulk : payload;
  }
}
