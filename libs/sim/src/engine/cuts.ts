/** Traffic from any peer of `from` to any peer of `to` does not pass; with `bothWays`, nor back. Peers by index. */
export interface Cut {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly bothWays: boolean;
}

interface Mask {
  readonly cut: Cut;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** The cuts that are in force. */
export class Cuts {
  #masks: Mask[] = [];

  get any(): boolean {
    return this.#masks.length > 0;
  }

  add(cut: Cut): void {
    this.#masks.push({ cut, from: maskOf(cut.from), to: maskOf(cut.to) });
  }

  /** Ends the cut that was added as this very object. */
  remove(cut: Cut): void {
    this.#masks = this.#masks.filter((mask) => mask.cut !== cut);
  }

  /** Does a cut stop what peer `from` sends to peer `to`? */
  between(from: number, to: number): boolean {
    for (const mask of this.#masks) {
      if (mask.from[from] === 1 && mask.to[to] === 1) return true;
      if (mask.cut.bothWays && mask.from[to] === 1 && mask.to[from] === 1) return true;
    }
    return false;
  }
}

function maskOf(indices: readonly number[]): Uint8Array {
  const mask = new Uint8Array(indices.reduce((most, index) => Math.max(most, index + 1), 0));
  for (const index of indices) mask[index] = 1;
  return mask;
}
