import type { Millis } from '@starling/kernel';
import type { Gossip, IHaveItem, StreamId } from './messages.ts';
import type { Neighbor } from './neighbor.ts';
import type { Tree } from './tree.ts';

const never = Number.POSITIVE_INFINITY;

type Send = (neighbor: Neighbor, items: readonly IHaveItem[]) => void;

/**
 * LazyPush of what is not urgent (SRDS'07 §3.4 "a policy to piggyback"): an announcement waits until the neighbour is sent
 * something else, for at most `patientMs`, and for at most `patientItemsMax` of them.
 */
export class PatientAnnouncements {
  readonly #config: {
    readonly patientMs: Millis;
    readonly patientItemsMax: number;
    readonly iHaveItemsMax: number;
  };
  /** The live list of the owner. */
  readonly #neighbors: readonly Neighbor[];
  /** Not after the first deadline of what a neighbour is owed. */
  at: Millis = never;

  constructor(
    config: { readonly patientMs: Millis; readonly patientItemsMax: number; readonly iHaveItemsMax: number },
    neighbors: readonly Neighbor[],
  ) {
    this.#config = config;
    this.#neighbors = neighbors;
  }

  add(now: Millis, tree: Tree, { stream, seq, tree: label }: Gossip<unknown>, round: number, send: Send): void {
    const { patientMs, patientItemsMax, iHaveItemsMax } = this.#config;
    const item: IHaveItem = { stream, from: seq, to: seq, round, tree: label, entry: tree.entry };
    for (const neighbor of this.#neighbors) {
      if (!tree.isLazy(neighbor)) continue;
      if (neighbor.owed === null) {
        neighbor.owed = [];
        neighbor.owedBy = now + patientMs;
        this.at = Math.min(this.at, neighbor.owedBy);
      }
      neighbor.owed.push(item);
      if (neighbor.owed.length >= Math.min(patientItemsMax, iHaveItemsMax)) this.pay(neighbor, send);
    }
  }

  pay(neighbor: Neighbor, send: Send): void {
    const { owed } = neighbor;
    if (owed === null) return;
    neighbor.owed = null;
    neighbor.owedBy = never;
    send(neighbor, owed);
  }

  payDue(now: Millis, send: Send): void {
    this.at = never;
    for (const neighbor of this.#neighbors) {
      if (neighbor.owedBy <= now) this.pay(neighbor, send);
      this.at = Math.min(this.at, neighbor.owedBy);
    }
  }

  /** Who announces it has it: only one end of a lazy link has to say so. */
  forgive(neighbor: Neighbor, stream: StreamId, from: number, to: number): void {
    if (neighbor.owed === null) return;
    const owed = neighbor.owed.filter((item) => item.stream !== stream || item.from < from || item.to > to);
    neighbor.owed = owed.length === 0 ? null : owed;
    if (neighbor.owed === null) neighbor.owedBy = never;
  }
}
