import type { Millis } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import type { StreamId } from './messages.ts';
import { phaseOf, sourceTree, type TreeLabel, zoneTree } from './tree-label.ts';
import type { TreeTable } from './tree-table.ts';

type ChoiceConfig = Pick<PlumtreeConfig, 'hotMessages' | 'hotWindowMs' | 'hotTreesMax' | 'replantMs'>;

/**
 * Which tree this peer's own messages take: that of its zone, and one of its own while it sends so much that the flood
 * which seeds a tree is soon paid for. Only the origin decides.
 *
 * Links come and go, and a tree that mends itself loses its shape. So all trees but the one of label 0 are planted anew
 * every `replantMs`: by the clock, so that the senders of a zone agree without a word. Clocks that differ cost a second tree for
 * as long as they do.
 */
export class TreeChoice {
  readonly #config: ChoiceConfig;
  readonly #self: { readonly stream: StreamId; readonly zone: string };
  readonly #trees: TreeTable;
  /** Own trees are not all planted at once; those of zones are, for all senders must agree, and they are few. */
  readonly #phaseMs: Millis;
  #windowFrom: Millis = Number.NEGATIVE_INFINITY;
  #count = 0;
  #isHot = false;

  constructor(config: ChoiceConfig, self: { readonly stream: StreamId; readonly zone: string }, trees: TreeTable) {
    this.#config = config;
    this.#self = self;
    this.#trees = trees;
    this.#phaseMs = phaseOf(self.stream, config.replantMs);
  }

  /** What all senders of this zone share. */
  zoneTree(now: Millis): TreeLabel {
    return zoneTree(this.#self.zone, this.#season(now, 0));
  }

  /** The same, or last season's while nobody has used this season's. */
  grownZoneTree(now: Millis): TreeLabel {
    const label = this.zoneTree(now);
    return this.#trees.get(label) === undefined ? zoneTree(this.#self.zone, this.#season(now, 0) - 1) : label;
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
    if (!this.#isHot) return this.zoneTree(now);
    const own = sourceTree(this.#self.stream, this.#season(now, this.#phaseMs));
    // Every tree passes every peer, so our own table tells how many there are in the mesh.
    return this.#trees.get(own) !== undefined || this.#trees.inUse(now) < hotTreesMax ? own : this.zoneTree(now);
  }

  #season(now: Millis, phaseMs: Millis): number {
    return Math.floor((now + phaseMs) / this.#config.replantMs);
  }
}
