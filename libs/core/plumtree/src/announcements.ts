import type { Millis } from '@starling/kernel';
import type { Gossip, IHaveItem } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import type { Tree } from './tree.ts';

const never = Number.POSITIVE_INFINITY;

/**
 * LazyPush's batch (SRDS'07 §3.4 "a policy to piggyback"): announcements that wait for company, of all trees in one list.
 * Each neighbour gets those of the trees in which it is lazy.
 */
export class Announcements {
  readonly #config: { readonly iHaveBatchMs: Millis; readonly iHaveItemsMax: number; readonly iHaveRangeMax: number };
  #items: IHaveItem[] = [];
  /** The tree of each item. */
  #trees: Tree[] = [];
  /** When they are to leave. */
  at: Millis = never;

  constructor(config: {
    readonly iHaveBatchMs: Millis;
    readonly iHaveItemsMax: number;
    readonly iHaveRangeMax: number;
  }) {
    this.#config = config;
  }

  /** The batch is full: it is to leave now. */
  get isFull(): boolean {
    return this.#items.length >= this.#config.iHaveItemsMax;
  }

  /** `round` is what the receiver would get it with. Call it when the message has just been seen. */
  add(now: Millis, tree: Tree, { stream, seq, tree: label }: Gossip<unknown>, round: number): void {
    const { entry } = tree;
    const items = this.#items;
    const at = items.length - 1;
    const last = items[at];
    if (
      last !== undefined &&
      last.stream === stream &&
      last.to === seq - 1 &&
      last.round === round &&
      last.tree === label &&
      last.entry === entry &&
      this.#trees[at] === tree &&
      seq - last.from < this.#config.iHaveRangeMax
    ) {
      items[at] = { stream, from: last.from, to: seq, round, tree: label, entry };
    } else {
      items.push({ stream, from: seq, to: seq, round, tree: label, entry });
      this.#trees.push(tree);
    }
    if (this.at === never) this.at = now + this.#config.iHaveBatchMs;
  }

  /** Those that wait of a tree: what a link that becomes eager is owed, for it was lazy when they were noted. */
  of(tree: Tree): IHaveItem[] {
    return this.#items.filter((_, i) => this.#trees[i] === tree);
  }

  /** Algorithm 1, Dispatch: `send` gets each neighbour's list. Who gave us one of them knows it and skips it. */
  flush(neighbors: readonly Neighbor[], send: (neighbor: Neighbor, items: readonly IHaveItem[]) => void): void {
    const items = this.#items;
    const trees = this.#trees;
    this.#items = [];
    this.#trees = [];
    this.at = never;
    for (const neighbor of neighbors) {
      // Mostly it is all or nothing; then the list is one object for all, which is encoded alike.
      let count = 0;
      for (const tree of trees) if (tree.isLazy(neighbor)) count++;
      if (count === items.length && count > 0) send(neighbor, items);
      else if (count > 0) {
        send(
          neighbor,
          items.filter((_, i) => (trees[i] as Tree).isLazy(neighbor)),
        );
      }
    }
  }
}
