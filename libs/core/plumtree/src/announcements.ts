import type { Millis, Rng } from '@starling/kernel';
import type { Gossip, IHaveItem, StreamId } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import type { Tree } from './tree.ts';

const never = Number.POSITIVE_INFINITY;

export interface AnnouncementsConfig {
  readonly iHaveBatchMs: Millis;
  readonly iHaveGapMs: Millis;
  readonly iHaveItemsMax: number;
  readonly iHaveRangeMax: number;
}

/** Of most neighbours: no list is made for them. */
const nothing: readonly IHaveItem[] = [];

interface Waiting {
  item: IHaveItem;
  readonly tree: Tree;
  /** Neighbours that announced the beginning of it themselves, and up to which message. Few, so lists are enough; null: none did. */
  knownBy: Neighbor[] | null;
  knownTo: number[] | null;
}

/**
 * LazyPush's batch (SRDS'07 §3.4 "a policy to piggyback"): announcements that wait for company, of all trees in one list.
 * Each neighbour gets those of the trees in which it is lazy. Who announces a message has it: so the two ends of a lazy link wait
 * for different times, and mostly only the one that is sooner has to speak.
 */
export class Announcements {
  readonly #config: AnnouncementsConfig;
  readonly #rng: Rng;
  #waiting: Waiting[] = [];
  #lastAt: Millis = Number.NEGATIVE_INFINITY;
  /** When they are to leave. */
  at: Millis = never;

  constructor(config: AnnouncementsConfig, rng: Rng) {
    this.#config = config;
    this.#rng = rng;
  }

  /** The batch is full: it is to leave now. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#config.iHaveItemsMax;
  }

  /** `round` is what the receiver would get it with. Call it when the message has just been seen. */
  add(now: Millis, tree: Tree, { stream, seq, tree: label }: Gossip<unknown>, round: number): void {
    const { entry } = tree;
    const { iHaveBatchMs, iHaveGapMs, iHaveRangeMax } = this.#config;
    const last = this.#waiting[this.#waiting.length - 1];
    if (
      last !== undefined &&
      last.tree === tree &&
      last.item.stream === stream &&
      last.item.to === seq - 1 &&
      last.item.round === round &&
      last.item.tree === label &&
      last.item.entry === entry &&
      seq - last.item.from < iHaveRangeMax
    ) {
      last.item = { ...last.item, to: seq };
    } else {
      this.#waiting.push({
        item: { stream, from: seq, to: seq, round, tree: label, entry },
        tree,
        knownBy: null,
        knownTo: null,
      });
    }
    if (this.at !== never) return;
    this.at = Math.max(now + iHaveBatchMs * (1 + this.#rng.float()), this.#lastAt + iHaveGapMs);
  }

  /** The neighbour announced these itself. */
  heard(neighbor: Neighbor, stream: StreamId, from: number, to: number): void {
    for (const waiting of this.#waiting) {
      const { item } = waiting;
      if (item.stream !== stream || to < item.from) continue;
      const known = knownTo(waiting, neighbor);
      if (from > known + 1 || to <= known) continue;
      const at = waiting.knownBy?.indexOf(neighbor) ?? -1;
      if (waiting.knownBy === null || waiting.knownTo === null) {
        waiting.knownBy = [neighbor];
        waiting.knownTo = [to];
      } else if (at < 0) {
        waiting.knownBy.push(neighbor);
        waiting.knownTo.push(to);
      } else waiting.knownTo[at] = to;
    }
  }

  /** What waits for a neighbour; of one tree only: what a link that becomes eager is owed, for it was lazy when they were noted. */
  for(neighbor: Neighbor, tree?: Tree): readonly IHaveItem[] {
    let items = nothing;
    for (const waiting of this.#waiting) {
      // By the list of eager ones, for it is at hand, and most neighbours are nowhere near.
      if (tree === undefined ? waiting.tree.eager.includes(neighbor) : waiting.tree !== tree) continue;
      const { item } = waiting;
      const known = knownTo(waiting, neighbor);
      if (known >= item.to) continue;
      if (items === nothing) items = [];
      (items as IHaveItem[]).push(known < item.from ? item : { ...item, from: known + 1 });
    }
    return items;
  }

  /** Algorithm 1, Dispatch: `send` gets each neighbour's list. Who gave us one of them knows it and skips it. */
  flush(
    now: Millis,
    neighbors: readonly Neighbor[],
    send: (neighbor: Neighbor, items: readonly IHaveItem[]) => void,
  ): void {
    for (const neighbor of neighbors) {
      const items = this.for(neighbor);
      if (items.length > 0) send(neighbor, items);
    }
    this.#waiting = [];
    this.#lastAt = now;
    this.at = never;
  }
}

/** Up to which message of it this neighbour has announced it itself. */
function knownTo({ item, knownBy, knownTo: last }: Waiting, neighbor: Neighbor): number {
  const at = knownBy?.indexOf(neighbor) ?? -1;
  return at < 0 ? item.from - 1 : (last?.[at] as number);
}
