import type { Millis, Outbox } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import { MessageStore } from './message-store.ts';
import type { Gossip, PlumtreeEvent, PlumtreeMessage } from './messages.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamState } from './stream-table.ts';

type Out<B> = Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>;
const never = Number.POSITIVE_INFINITY;

/**
 * How long messages are held for those who ask for them later, and how long holes are waited for: when nobody can hold a
 * message any more, its hole is given up. Looked at now and then, not for each message.
 */
export class Retention<B> {
  /** What is held for grafts, pulls and replays. */
  readonly store: MessageStore<B>;
  /** Ephemeral messages, for grafts alone; null while there was none. */
  recent: MessageStore<B> | null = null;
  /** When to look again. */
  sweepAt: Millis = never;
  readonly #config: PlumtreeConfig;
  readonly #stats: PlumtreeStats;
  readonly #sizeOf: (body: B) => number;
  #holed: Set<StreamState> | null = null;

  constructor(config: PlumtreeConfig, stats: PlumtreeStats, sizeOf: (body: B) => number) {
    const { holdBytesMax, holdCountMax, holdMs } = config;
    this.#config = config;
    this.#stats = stats;
    this.#sizeOf = sizeOf;
    this.store = new MessageStore({ bytesMax: holdBytesMax, countMax: holdCountMax, ageMs: holdMs }, sizeOf);
  }

  /** Holds a message. False: it is too large. */
  keep(now: Millis, state: StreamState, message: Gossip<B>): boolean {
    const isKept = this.#storeOf(state).add(now, message);
    if (this.sweepAt === never) this.sweepAt = now + this.#sweepMs;
    return isKept;
  }

  expire(now: Millis): void {
    this.store.expire(now);
    this.recent?.expire(now);
  }

  sweep(now: Millis, out: Out<B>): void {
    this.expire(now);
    for (const state of this.#holed ?? []) {
      while (state.lowestHoleSince <= now - this.#config.holdMs) this.#giveUpLowestHole(state, out);
      if (!state.hasHoles) this.#holed?.delete(state);
    }
    const isIdle = this.store.size === 0 && (this.recent?.size ?? 0) === 0 && (this.#holed?.size ?? 0) === 0;
    // With held messages alone there is nothing to do before the oldest expires.
    const isPatient = (this.recent?.size ?? 0) === 0 && (this.#holed?.size ?? 0) === 0;
    this.sweepAt = isIdle
      ? never
      : isPatient
        ? Math.max(this.store.nextExpiry(), now + this.#sweepMs)
        : now + this.#sweepMs;
  }

  /** A message of this stream came and left a hole below it, or filled one of several. */
  noteHoles(now: Millis, state: StreamState, hadHoles: boolean, out: Out<B>): void {
    while (state.holes > this.#config.holesMax) this.#giveUpLowestHole(state, out);
    if (hadHoles) return;
    this.#holed ??= new Set();
    this.#holed.add(state);
    this.sweepAt = Math.min(this.sweepAt, now + this.#sweepMs);
  }

  #storeOf(state: StreamState): MessageStore<B> {
    if (!state.isEphemeral) return this.store;
    if (this.recent === null) {
      const { ephemeralBytesMax, ephemeralCountMax, ephemeralHoldMs } = this.#config;
      const bounds = { bytesMax: ephemeralBytesMax, countMax: ephemeralCountMax, ageMs: ephemeralHoldMs };
      this.recent = new MessageStore(bounds, this.#sizeOf);
    }
    return this.recent;
  }

  /** How far behind expiry may be. */
  get #sweepMs(): Millis {
    return this.#config.ephemeralHoldMs / 2;
  }

  #giveUpLowestHole(state: StreamState, out: Out<B>): void {
    const hole = state.giveUpLowest();
    // From number 1 it is no loss but history: the stream was met when it was under way.
    if (hole === null || hole.from === 1 || state.isEphemeral) return;
    this.#stats.lost += hole.to - hole.from + 1;
    out.emit({ kind: 'lost', range: { stream: state.id, from: hole.from, to: hole.to } });
  }
}
