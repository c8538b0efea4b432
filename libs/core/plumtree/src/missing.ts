import { DeadlineQueue, type Millis, type PeerId } from '@starling/kernel';
import type { StreamState } from './stream-table.ts';
import type { TreeLabel } from './tree-label.ts';
import type { TreeLag } from './tree-lag.ts';

/** Who announced a message, the round it would arrive with from there, and the tree. */
export interface Announcer {
  readonly peer: PeerId;
  readonly round: number;
  readonly tree: TreeLabel;
  /** When it did. */
  readonly at: Millis;
}

const never = Number.POSITIVE_INFINITY;

/** After so long others are asked, however much of the stream has been asked for. 2 s: guess, less than the time in which a promise is to be kept. */
const patienceMax = 2_000;

/** A message that somebody announced and that has not come. */
export interface Missing {
  readonly state: StreamState;
  readonly seq: number;
  /** When it was first announced. */
  readonly since: Millis;
  /** Who announced it first: it takes up that one's share. */
  readonly by: PeerId;
  /** In the order in which they announced it. Those already asked are taken out. */
  readonly announcers: Announcer[];
  /** Who was asked, in that order. */
  readonly asked: PeerId[];
}

/**
 * SRDS'07 algorithm 2, the set `missing` and its timers: how long to wait for the tree before asking an announcer, and
 * for the announcer before asking the next. The keys of the queues are the entries themselves.
 */
export class MissingMessages {
  readonly #max: number;
  readonly #perPeerMax: number;
  /** Entries by who announced them first. */
  readonly #shares = new Map<PeerId, number>();
  readonly #askingMax: number;
  /** By when they were announced: how long is waited may change meanwhile. */
  readonly #first: DeadlineQueue<Missing>;
  readonly #lag: TreeLag;
  /** The same where the tree's parent has lately left something out. */
  readonly #soon: DeadlineQueue<Missing>;
  readonly #next: DeadlineQueue<Missing>;
  /** Entries that are not settled. */
  #count = 0;
  /** Their wait for others of their stream is over. */
  readonly #ready: Missing[] = [];
  /** All their announcers were asked, and none has answered yet. */
  readonly #owed: DeadlineQueue<Missing>;

  constructor(
    config: {
      readonly missingMax: number;
      readonly missingPerPeerMax: number;
      readonly askingPerStreamMax: number;
      readonly graft1DoubtMs: Millis;
      readonly graft2Ms: Millis;
      readonly promiseMs: Millis;
    },
    lag: TreeLag,
  ) {
    this.#max = config.missingMax;
    this.#perPeerMax = config.missingPerPeerMax;
    this.#askingMax = config.askingPerStreamMax;
    this.#lag = lag;
    this.#first = new DeadlineQueue(0);
    this.#soon = new DeadlineQueue(config.graft1DoubtMs);
    this.#next = new DeadlineQueue(config.graft2Ms);
    this.#owed = new DeadlineQueue(config.promiseMs);
  }

  get size(): number {
    return this.#count;
  }

  nextDeadline(): Millis {
    // Asked for after every message, and nearly always nothing is missing.
    if (this.#count === 0) return this.#owed.size === 0 ? never : this.#owed.next();
    if (this.#ready.length > 0) return 0;
    const first = Math.min(this.#first.next() + this.#lag.patienceMs, this.#soon.next());
    return Math.min(first, this.#next.next(), this.#owed.next());
  }

  /**
   * Notes an announcement. `isDoubtful`: the tree's parent has lately left something out, so it is not waited for as long. False: there are
   * too many, of all or of this announcer, and this one is left to the digests.
   */
  announced(now: Millis, state: StreamState, seq: number, announcer: Announcer, isDoubtful: boolean): boolean {
    const known = state.repair?.missing?.get(seq);
    if (known !== undefined) {
      // §3.6: the timer runs already; this one is the next to be asked. Neighbours are few, so the list is short.
      if (!known.announcers.some(({ peer }) => peer === announcer.peer)) known.announcers.push(announcer);
      return true;
    }
    const by = announcer.peer;
    const share = this.#shares.get(by) ?? 0;
    if (this.size >= this.#max || share >= this.#perPeerMax) return false;
    this.#shares.set(by, share + 1);
    const entry = { state, seq, since: now, by, announcers: [announcer], asked: [] };
    const repair = state.repairing();
    repair.missing ??= new Map();
    repair.missing.set(seq, entry);
    this.#count++;
    (isDoubtful ? this.#soon : this.#first).arm(now, entry);
    return true;
  }

  /** The message came, or is given up. Returns what was known about it. */
  settle(state: StreamState, seq: number): Missing | undefined {
    const entry = state.repair?.missing?.get(seq);
    if (entry === undefined) return undefined;
    this.#forget(entry);
    return entry;
  }

  /** One message whose wait is over at `now`: ask its next announcer, then `askedOne` or `settle` it. */
  expire(now: Millis): Missing | undefined {
    for (let entry = this.#ready.shift(); entry !== undefined; entry = this.#ready.shift()) {
      if (isMissing(entry)) return entry;
    }
    return this.#soon.expire(now) ?? this.#first.expire(now - this.#lag.patienceMs) ?? this.#next.expire(now);
  }

  /** An announcer was asked: wait for it by the second timer. */
  askedOne(now: Millis, entry: Missing, peer: PeerId): void {
    if (entry.asked.length === 0) entry.state.repairing().asking++;
    entry.asked.push(peer);
    this.#next.arm(now, entry);
  }

  /**
   * Is the tree behind rather than broken? Links keep the order, so what comes after the last message that it brought a moment ago is on its
   * way. It waits once more: an announcer's copy would come first and save nobody the other one. Not for ever: a parent that only trickles
   * is no tree.
   */
  isComing(now: Millis, entry: Missing): boolean {
    const { state, seq, since, asked } = entry;
    const isBehind = state.isComing(now, seq, this.#lag.patienceMs);
    if (!isBehind || asked.length > 0 || now - since >= patienceMax) return false;
    this.#first.arm(now, entry);
    return true;
  }

  /**
   * False: of its stream as much is asked for as may be, and it waits. Where everything is late, asking for everything makes it later
   * still; a second time, from somebody else, even more so: that begins at half, and is not put off for ever.
   */
  mayAsk(now: Millis, entry: Missing): boolean {
    const repair = entry.state.repairing();
    const { asking } = repair;
    if (entry.asked.length === 0) {
      if (asking < this.#askingMax) return true;
      repair.waiting ??= [];
      repair.waiting.push(entry);
    } else {
      if (2 * asking < this.#askingMax || now - entry.since >= patienceMax) return true;
      this.#next.arm(now, entry);
    }
    return false;
  }

  /** Given up, but whoever was asked still has some time to answer. With too many of these the next ones are forgiven. */
  owed(now: Millis, entry: Missing): void {
    if (entry.asked.length > 0 && this.#owed.size < this.#max) this.#owed.arm(now, entry);
  }

  /** One message that was promised and that its announcers had time enough to send. */
  overdue(now: Millis): Missing | undefined {
    return this.#owed.expire(now);
  }

  #forget(entry: Missing): void {
    const { repair } = entry.state;
    this.#first.cancel(entry);
    this.#soon.cancel(entry);
    this.#next.cancel(entry);
    if (repair === null || !repair.missing?.delete(entry.seq)) return;
    this.#count--;
    this.#giveBack(entry.by);
    if (entry.asked.length > 0) repair.asking--;
    if (repair.missing.size === 0) {
      repair.missing = null;
      repair.waiting = null;
    } else if (repair.asking < this.#askingMax) this.#release(repair.waiting);
  }

  #giveBack(peer: PeerId): void {
    const left = (this.#shares.get(peer) ?? 1) - 1;
    if (left > 0) this.#shares.set(peer, left);
    else this.#shares.delete(peer);
  }

  /** The next one that waits has its turn. */
  #release(waiting: Missing[] | null): void {
    let next = waiting?.shift();
    while (next !== undefined && !isMissing(next)) next = waiting?.shift();
    if (next !== undefined) this.#ready.push(next);
  }
}

/** Neither here nor given up. */
function isMissing(entry: Missing): boolean {
  return entry.state.repair?.missing?.get(entry.seq) === entry;
}
