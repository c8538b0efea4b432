import type { Millis, PeerId } from '@starling/kernel';
import { Leads } from './leads.ts';
import type { StreamId } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import { type Entry, entryRank, type TreeLabel } from './tree-label.ts';

/** When a link was made lazy that is not. */
const eager = Number.POSITIVE_INFINITY;

/** Which neighbours the payloads of one tree are pushed to, and which are only told of them (SRDS'07 §3.3). */
export class Tree {
  readonly label: TreeLabel;
  /** Payloads are pushed to these, in the order in which they became neighbours. Replaced, never changed. */
  eager: readonly Neighbor[];
  /** Who gave us the last message of this tree that was not our own; null when there was none, or the link is not eager any more. */
  parent: Neighbor | null = null;
  /** The last message was this peer's own. */
  isOwn = false;
  /** Messages of several streams took it: what is nearer to one sender may be farther from another. */
  hasManySenders = false;
  /** Pushes to us beside a parent that is doubted or retires, or instead of one that is gone; we only announce to it. */
  feed: Neighbor | null = null;
  /** Messages in a row that came by the feed and not at all by the parent. */
  unbrought = 0;
  /** How the last message entered this zone. */
  entry: Entry = 0;
  /** When its first message was first seen here. */
  readonly plantedAt: Millis;
  /** When its last message was first seen. */
  usedAt: Millis;
  /** When a link was last grafted because a message was missing. */
  graftedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When this peer last grafted a way with fewer far links. */
  shortenedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When its near links were last opened for another entry. */
  openedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When a link was last grafted to replace a parent that retires. */
  replacedAt: Millis = Number.NEGATIVE_INFINITY;
  /** When this peer last asked for its part of the zone to give up its entry. */
  yieldedAt: Millis = Number.NEGATIVE_INFINITY;
  /** The last way that was yielded to failed: no other is believed in before this. */
  noYieldUntil: Millis = Number.NEGATIVE_INFINITY;
  /** Left the table: whoever still holds this object must look the tree up again. */
  isForgotten = false;
  readonly leads = new Leads();
  /** By the neighbours' slots: since when there are only announcements, as this peer wants it; −Infinity when only the neighbour does. Infinity: it is eager. */
  readonly #prunedAt: Millis[] = [];
  #lazy = 0;
  #stream: StreamId | null = null;
  #rank: number | null = null;
  readonly #self: PeerId;
  /** The live list of the owner. */
  readonly #neighbors: readonly Neighbor[];

  /**
   * A new tree is all of the overlay: its first message floods, in order of latency, and prunes it to shortest paths. But for links that go in a
   * moment: who had a whole branch by such a one, and only its own branch beside it, would have no other way.
   */
  constructor(label: TreeLabel, self: PeerId, neighbors: readonly Neighbor[], now: Millis) {
    this.label = label;
    this.#self = self;
    this.#neighbors = neighbors;
    for (const neighbor of neighbors) if (neighbor.isRetiring) this.#setPrunedAt(neighbor, Number.NEGATIVE_INFINITY);
    this.eager = neighbors.filter(({ isRetiring }) => !isRetiring);
    this.plantedAt = now;
    this.usedAt = now;
  }

  /** A message of this stream takes it. */
  usedBy(stream: StreamId): void {
    this.#stream ??= stream;
    if (this.#stream !== stream) this.hasManySenders = true;
  }

  get hasLazy(): boolean {
    return this.#lazy > 0;
  }

  /**
   * This peer's rank among those that can bring messages of this tree into its zone. The fewer hops from the sender the
   * better; taken from the first message and then kept, so that all peers agree whatever overtakes what.
   */
  rankAt(round: number): number {
    this.#rank ??= entryRank(round, this.#self, this.label);
    return this.#rank;
  }

  isLazy(neighbor: Neighbor): boolean {
    return (this.#prunedAt[neighbor.slot] ?? eager) !== eager;
  }

  /** When this peer last pruned the link; −Infinity when it did not, or the link is eager again. */
  prunedAt(neighbor: Neighbor): Millis {
    const at = this.#prunedAt[neighbor.slot] ?? eager;
    return at === eager ? Number.NEGATIVE_INFINITY : at;
  }

  /**
   * SRDS'07 algorithm 3, neighborUp. The list of neighbours has it already.
   *
   * Deviation: where messages have a way a new link is lazy; in the paper it is eager. Each message would cross it twice, and be a shortcut
   * for one sender: in a tree that many share such shortcuts add up to long ways (plumtree/latency).
   */
  neighborUp(neighbor: Neighbor): void {
    if (this.parent !== null) this.#setPrunedAt(neighbor, Number.NEGATIVE_INFINITY);
    this.#listEager();
  }

  /** True: it was the way by which messages come. */
  neighborDown(neighbor: Neighbor): boolean {
    const wasWay = this.parent === neighbor || this.standIn === neighbor;
    if (this.parent === neighbor) this.parent = null;
    if (this.feed === neighbor) this.feed = null;
    this.#setPrunedAt(neighbor, eager);
    this.leads.delete(neighbor);
    this.#listEager();
    return wasWay;
  }

  /** The feed, where the parent is gone, or brings nothing. */
  get standIn(): Neighbor | null {
    return this.parent === null || this.unbrought > 0 ? this.feed : null;
  }

  makeEager(neighbor: Neighbor): void {
    if (!this.isLazy(neighbor)) return;
    this.#setPrunedAt(neighbor, eager);
    this.#listEager();
  }

  /** `prunedAt`: now when this peer prunes, −Infinity when the neighbour does. */
  makeLazy(neighbor: Neighbor, prunedAt: Millis): void {
    if (this.parent === neighbor) this.parent = null;
    const wasLazy = this.isLazy(neighbor);
    this.#setPrunedAt(neighbor, Math.max(prunedAt, this.prunedAt(neighbor)));
    if (!wasLazy) this.#listEager();
  }

  #setPrunedAt(neighbor: Neighbor, at: Millis): void {
    if (this.isLazy(neighbor)) this.#lazy--;
    if (at !== eager) this.#lazy++;
    while (this.#prunedAt.length <= neighbor.slot) this.#prunedAt.push(eager);
    this.#prunedAt[neighbor.slot] = at;
  }

  #listEager(): void {
    this.eager = this.#neighbors.filter((neighbor) => !this.isLazy(neighbor));
  }
}
