import type { Millis, PeerId } from '@starling/kernel';
import { isEphemeral, isPatient, type StreamId } from './messages.ts';
import type { Missing } from './missing.ts';
import { SeqSet } from './seq-set.ts';
import type { Tree } from './tree.ts';

/** A longer gap counts as so long. 1 s: guess. */
const gapMax = 1_000;
/** Messages that a gap is the average of. 32: guess, a stall among a thousand messages a second is soon forgotten, and one burst is no stream. */
const gapMessages = 32;
/** Messages that come closer than this are a dense stream. 20 ms: guess, dozens are under way at any time. */
const denseGapMs = 20;

/** What of one stream did not come by the tree, and what is being done about it. */
class StreamRepair {
  /** Messages announced but not here, by number. */
  missing: Map<number, Missing> | null = null;
  /** Of them, those that somebody was asked for, and those that wait until fewer are; null: none did yet. */
  asking = 0;
  waiting: Missing[] | null = null;
  /** The neighbour that ranges of this stream were asked from and have not come yet: one at a time. */
  pulledFrom: PeerId | null = null;
  /** Up to here messages came outside the tree, so that a second copy by the tree is no reason to prune. */
  repairedTo = 0;
  /** The last message that a pull brought, until the tree has brought it as well; 0 when there is none. */
  pulledTo = 0;
  /** Who was grafted for the last of these; null when it came otherwise. */
  graftedFrom: PeerId | null = null;
}

/** What this peer knows of one stream: which of its messages are done with, and what is being done about others. */
export class StreamState extends SeqSet {
  readonly id: StreamId;
  readonly isEphemeral: boolean;
  readonly isPatient: boolean;
  /** This peer's own: never forgotten, and nobody else can add to it. */
  isOwn = false;
  /** When a first sight of one of its messages was last had. */
  lastAt: Millis;
  /** The tree of its last message, so that the next one need not look for it. */
  tree: Tree | null = null;
  /** The last of its messages that the tree brought, over how many links, and when. */
  treeSeq = 0;
  treeRound = 0;
  treeAt: Millis = Number.NEGATIVE_INFINITY;
  /** Between two messages that the tree brought, on average of the last ones. */
  treeGapMs: Millis = gapMax;
  /** How many more digests of changes are to name it. */
  digestsLeft = 0;
  /** Null: the tree has brought all of it so far, which is so of nearly all streams. */
  repair: StreamRepair | null = null;

  constructor(id: StreamId, now: Millis) {
    super();
    this.id = id;
    this.isEphemeral = isEphemeral(id);
    this.isPatient = isPatient(id);
    this.lastAt = now;
  }

  /** The tree brought a message, over so many links. */
  brought(now: Millis, seq: number, round: number): void {
    this.treeGapMs += (Math.min(gapMax, now - this.treeAt) - this.treeGapMs) / gapMessages;
    this.treeSeq = seq;
    this.treeRound = round;
    this.treeAt = now;
  }

  /** Is the tree late with a message rather than broken? Links keep the order, so what follows the last one that it brought within so long is on its way. */
  isComing(now: Millis, seq: number, withinMs: Millis): boolean {
    return this.treeSeq < seq && now - this.treeAt < withinMs;
  }

  /** Many of its messages are under way on each link at any time. */
  get isDense(): boolean {
    return this.treeGapMs < denseGapMs;
  }

  /** A message that says nothing about the tree came. `graftedFrom`: who was grafted for it, if it came by that. */
  cameOutsideTree(seq: number, graftedFrom: PeerId | null): void {
    const repair = this.repairing();
    repair.repairedTo = Math.max(repair.repairedTo, seq);
    repair.graftedFrom = graftedFrom;
  }

  /** To be written to. */
  repairing(): StreamRepair {
    this.repair ??= new StreamRepair();
    return this.repair;
  }
}

/**
 * Watermarks of all streams: they outlive the messages, so that a late copy is known for one. Bounded: when full, the
 * sixteenth part that has been silent for longest is forgotten in one go, which costs no book-keeping per message.
 */
export class StreamTable {
  readonly #streamsMax: number;
  readonly #states = new Map<StreamId, StreamState>();
  /** What was asked for last: a message and its announcements come one after the other. */
  #last: StreamState | null = null;
  /** Streams forgotten because the table was full. */
  evicted = 0;

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  get size(): number {
    return this.#states.size;
  }

  get(id: StreamId): StreamState | undefined {
    return this.#last?.id === id ? this.#last : this.#states.get(id);
  }

  /** Adds a stream of this peer itself. */
  addOwn(id: StreamId): StreamState {
    const state = this.getOrAdd(id, 0);
    state.isOwn = true;
    return state;
  }

  /** The state of a stream, made when there is none yet. */
  getOrAdd(id: StreamId, now: Millis): StreamState {
    if (this.#last?.id === id) return this.#last;
    const known = this.#states.get(id);
    if (known !== undefined) {
      this.#last = known;
      return known;
    }
    if (this.#states.size >= this.#streamsMax) this.#forgetSilent();
    const state = new StreamState(id, now);
    this.#states.set(id, state);
    this.#last = state;
    return state;
  }

  #forgetSilent(): void {
    this.#last = null;
    const others = [...this.#states.values()].filter((state) => !state.isOwn);
    others.sort((a, b) => a.lastAt - b.lastAt);
    for (const state of others.slice(0, Math.max(1, this.#streamsMax >> 4))) {
      this.#states.delete(state.id);
      this.evicted++;
    }
  }
}
