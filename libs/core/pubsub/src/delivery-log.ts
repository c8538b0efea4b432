import type { Millis } from '@starling/kernel';
import type { GapReason, LogMessage } from './messages.ts';

interface EntryBase {
  /** When it was appended here; never falls from one entry to the next. */
  readonly at: Millis;
  readonly stream: string;
  /** How far the stream is delivered once this entry is read: what its cursor says. */
  readonly position: number;
}

export interface MessageEntry<B> extends EntryBase {
  readonly kind: 'message';
  readonly message: LogMessage<B>;
  readonly topic: string;
}

export interface GapEntry extends EntryBase {
  readonly kind: 'gap';
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

export type LogEntry<B> = MessageEntry<B> | GapEntry;

/** Bytes that an entry counts for beside its body: the objects around it. Measured roughly; it bounds a log of empty messages. */
const entryBytes = 128;

/**
 * What was delivered here, in that order: entries at ever rising offsets, of which the oldest are let go. Readers have an
 * offset each and no queue of their own.
 */
export class DeliveryLog<B> {
  readonly #sizeOf: (body: B) => number;
  #entries: (LogEntry<B> | undefined)[] = [];
  #head = 0;
  #start = 0;
  #bytes = 0;

  constructor(sizeOf: (body: B) => number) {
    this.#sizeOf = sizeOf;
  }

  /** Offset of the oldest entry. */
  get start(): number {
    return this.#start;
  }

  /** Offset that the next entry will have. */
  get end(): number {
    return this.#start + this.size;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(entry: LogEntry<B>): void {
    this.#entries.push(entry);
    this.#bytes += this.#bytesOf(entry);
  }

  /** The entry at an offset from `start` to before `end`. */
  at(offset: number): LogEntry<B> {
    return this.#entries[this.#head + offset - this.#start] as LogEntry<B>;
  }

  /** The oldest entry, if there is one. */
  first(): LogEntry<B> | undefined {
    return this.#entries[this.#head];
  }

  /** Lets the oldest entry go. */
  dropFirst(): void {
    const entry = this.#entries[this.#head] as LogEntry<B>;
    this.#entries[this.#head] = undefined;
    this.#bytes -= this.#bytesOf(entry);
    this.#head++;
    this.#start++;
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #bytesOf(entry: LogEntry<B>): number {
    return entry.kind === 'message' ? this.#sizeOf(entry.message.body) + entryBytes : entryBytes;
  }
}
