import type { Millis, PeerId } from '@starling/kernel';
import type { Neighbor } from './neighbor.ts';
import type { StreamState } from './stream-table.ts';
import { Tree } from './tree.ts';
import type { TreeLabel } from './tree-label.ts';

/**
 * All trees that this peer is part of. Bounded: when the table is full a tree that nobody has used for `treeIdleMs` makes
 * room; when there is none, all further labels share one tree, which costs them hops and nobody anything else.
 */
export class TreeTable {
  readonly #config: { readonly treesMax: number; readonly treeIdleMs: Millis };
  readonly #selfId: PeerId;
  /** The live list of the owner. */
  readonly #neighbors: readonly Neighbor[];
  readonly #trees = new Map<TreeLabel, Tree>();
  #overflow: Tree | null = null;
  /** What was asked for last: messages and announcements mostly are of one tree. */
  #last: Tree | null = null;
  /** Before this no tree has been idle for long enough to make room. */
  #fullUntil: Millis = Number.NEGATIVE_INFINITY;
  /** Trees forgotten to make room, and messages whose tree found none. */
  evicted = 0;
  overflowed = 0;

  constructor(
    config: { readonly treesMax: number; readonly treeIdleMs: Millis },
    selfId: PeerId,
    neighbors: readonly Neighbor[],
  ) {
    this.#config = config;
    this.#selfId = selfId;
    this.#neighbors = neighbors;
  }

  get size(): number {
    return this.#trees.size;
  }

  get(label: TreeLabel): Tree | undefined {
    if (this.#last?.label === label) return this.#last;
    const tree = this.#trees.get(label);
    if (tree !== undefined) this.#last = tree;
    return tree;
  }

  /** Trees that had a message within `treeIdleMs`. */
  inUse(now: Millis): number {
    let count = 0;
    for (const { usedAt } of this.#trees.values()) if (usedAt > now - this.#config.treeIdleMs) count++;
    return count;
  }

  /** The tree of that label, made when there is none yet: `isForgotten` says when to ask again. */
  getOrAdd(label: TreeLabel, now: Millis): Tree {
    const known = this.get(label);
    if (known !== undefined) return known;
    if (this.#trees.size >= this.#config.treesMax && !this.#forgetIdle(now)) {
      this.overflowed++;
      this.#overflow ??= this.#make(label, now);
      return this.#overflow;
    }
    const tree = this.#make(label, now);
    this.#trees.set(label, tree);
    return tree;
  }

  /** The tree that a message of this stream takes; the stream remembers it, for the next one will mostly take the same. */
  ofStream(now: Millis, state: StreamState, label: TreeLabel): Tree {
    const last = state.tree;
    if (last !== null && last.label === label && !last.isForgotten) return last;
    const tree = this.getOrAdd(label, now);
    tree.usedBy(state.id);
    state.tree = tree;
    return tree;
  }

  /** The trees that have no way to this peer, or soon will have none. */
  neighborUp(neighbor: Neighbor): Tree[] {
    this.#overflow?.neighborUp(neighbor);
    const trees = [...this.#trees.values()];
    for (const tree of trees) tree.neighborUp(neighbor);
    return trees.filter(({ isOwn, parent }) => !isOwn && (parent === null || parent.isRetiring));
  }

  /** The trees whose parent this is, but for one that many labels share. */
  ofParent(neighbor: Neighbor): Tree[] {
    return [...this.#trees.values()].filter(({ parent }) => parent === neighbor);
  }

  /** The trees whose parent it was, but for one that many labels share. */
  neighborDown(neighbor: Neighbor): Tree[] {
    const orphaned = [...this.#trees.values()].filter((tree) => tree.neighborDown(neighbor));
    this.#overflow?.neighborDown(neighbor);
    return orphaned;
  }

  #make(label: TreeLabel, now: Millis): Tree {
    return new Tree(label, this.#selfId, this.#neighbors, now);
  }

  #forgetIdle(now: Millis): boolean {
    if (now < this.#fullUntil) return false;
    let idlest: Tree | null = null;
    for (const tree of this.#trees.values()) if (idlest === null || tree.usedAt < idlest.usedAt) idlest = tree;
    if (idlest === null) return false;
    this.#fullUntil = idlest.usedAt + this.#config.treeIdleMs;
    if (now < this.#fullUntil) return false;
    idlest.isForgotten = true;
    this.#last = null;
    this.#trees.delete(idlest.label);
    this.evicted++;
    return true;
  }
}
