import type { PeerId } from '@starling/kernel';
import type { SummaryDelta } from './messages.ts';

/** Deltas that came before the one they follow, so few that looking through those of one peer is cheap. */
export class WaitingDeltas {
  readonly #deltas = new Map<PeerId, SummaryDelta[]>();
  readonly #countMax: number;
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** False: there is no room. Its bytes are copied: they may be a view of a whole frame. */
  add(id: PeerId, early: SummaryDelta): boolean {
    if (this.#count >= this.#countMax) return false;
    const delta = { ...early, added: early.added.slice(), removed: early.removed.slice() };
    const list = this.#deltas.get(id);
    if (list === undefined) this.#deltas.set(id, [delta]);
    else list.push(delta);
    this.#count++;
    return true;
  }

  /** Removes and returns the one that follows `version`; those that are too old go too. */
  take(id: PeerId, version: number): SummaryDelta | undefined {
    const list = this.#deltas.get(id);
    if (list === undefined) return undefined;
    const later = list.filter((delta) => delta.version > version);
    const next = later.find(({ base }) => base === version);
    const rest = later.filter((delta) => delta !== next);
    this.#count += rest.length - list.length;
    if (rest.length === 0) this.#deltas.delete(id);
    else this.#deltas.set(id, rest);
    return next;
  }

  drop(id: PeerId): void {
    this.#count -= this.#deltas.get(id)?.length ?? 0;
    this.#deltas.delete(id);
  }

  clear(): void {
    this.#deltas.clear();
    this.#count = 0;
  }
}
