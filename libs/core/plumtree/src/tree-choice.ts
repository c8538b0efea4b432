import type { Millis } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import type { StreamId } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import { Planting } from './planting.ts';
import { phaseOf, sourceTree, type TreeLabel, zoneTree } from './tree-label.ts';
import type { TreeTable } from './tree-table.ts';

type ChoiceConfig = Pick<
  PlumtreeConfig,
  'hotMessages' | 'hotWindowMs' | 'hotTreesMax' | 'growMs' | 'replantMs' | 'replantSoonMs'
>;

/**
 * Which tree this peer's own messages take: that of its zone, and one of its own while it sends so much that the flood
 * which seeds a tree is soon paid for. Only the origin decides.
 */
export class TreeChoice {
  readonly #config: ChoiceConfig;
  readonly #self: { readonly stream: StreamId; readonly zone: string };
  readonly #trees: TreeTable;
  /** The live list of the owner. */
  readonly #neighbors: readonly Neighbor[];
  readonly #ofZone: Planting;
  /** Own trees are not all planted at once; those of zones are, for all senders must agree, and they are few. */
  readonly #own: Planting;
  #windowFrom: Millis = Number.NEGATIVE_INFINITY;
  #count = 0;
  #isHot = false;

  constructor(
    config: ChoiceConfig,
    self: { readonly stream: StreamId; readonly zone: string },
    trees: TreeTable,
    neighbors: readonly Neighbor[],
  ) {
    this.#config = config;
    this.#self = self;
    this.#trees = trees;
    this.#neighbors = neighbors;
    const isPlanted = (label: TreeLabel): boolean => trees.get(label) !== undefined;
    this.#ofZone = new Planting(config, 0, (turn) => isPlanted(this.#labelOfZone(turn)));
    const phaseMs = Number.isFinite(config.replantMs) ? phaseOf(self.stream, config.replantMs) : 0;
    this.#own = new Planting(config, phaseMs, (turn) => isPlanted(this.#labelOfOwn(turn)));
  }

  linkLost(now: Millis): void {
    this.#ofZone.linkLost(now);
    this.#own.linkLost(now);
  }

  /** What all senders of this zone share. */
  zoneTree(now: Millis): TreeLabel {
    return this.#labelOfZone(this.#ofZone.turn(now, this.#neighbors.length));
  }

  /** The same, or the one before while nobody has used that. */
  grownZoneTree(now: Millis): TreeLabel {
    const label = this.zoneTree(now);
    return this.#trees.get(label) === undefined ? this.#labelOfZone(this.#ofZone.before) : label;
  }

  /** For the next message; notes that one is sent. Ephemeral ones never count: nobody waits for them. */
  next(now: Millis): TreeLabel {
    const { hotMessages, hotWindowMs, hotTreesMax } = this.#config;
    if (now - this.#windowFrom >= hotWindowMs) {
      this.#isHot = this.#count >= hotMessages && now - this.#windowFrom < 2 * hotWindowMs;
      this.#windowFrom = now;
      this.#count = 0;
    }
    this.#count++;
    if (this.#count >= hotMessages) this.#isHot = true;
    if (!this.#isHot) return this.#nextOfZone(now);
    const own = this.#labelOfOwn(this.#own.turn(now, this.#neighbors.length));
    // Every tree passes every peer, so our own table tells how many there are in the mesh.
    if (this.#trees.get(own) === undefined && this.#trees.inUse(now) >= hotTreesMax) return this.#nextOfZone(now);
    if (!this.#isYoung(now, own)) return own;
    const before = this.#labelOfOwn(this.#own.before);
    return before !== own && this.#trees.get(before) !== undefined ? before : this.#nextOfZone(now);
  }

  #nextOfZone(now: Millis): TreeLabel {
    const label = this.zoneTree(now);
    if (!this.#isYoung(now, label)) return label;
    const before = this.#labelOfZone(this.#ofZone.before);
    return this.#trees.get(before) === undefined ? label : before;
  }

  /** A tree is all links until the copies of its first message have pruned it. What follows that in a burst would flood as well, so it goes by the tree before. */
  #isYoung(now: Millis, label: TreeLabel): boolean {
    const tree = this.#trees.get(label);
    return tree !== undefined && now - tree.plantedAt < this.#config.growMs;
  }

  #labelOfZone(turn: number): TreeLabel {
    return zoneTree(this.#self.zone, turn);
  }

  #labelOfOwn(turn: number): TreeLabel {
    return sourceTree(this.#self.stream, turn);
  }
}
