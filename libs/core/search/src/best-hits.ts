import type { Hit } from './messages.ts';

/** Copies of a document have one id wherever they are; what an engine makes up is its own. */
export function keyOf({ peer, documentId, responder }: Hit): string {
  return responder === undefined ? documentId : `${peer}/${responder}/${documentId}`;
}

/** A hit among the best, passed on or waiting. */
interface Kept {
  readonly hit: Hit;
  isWaiting: boolean;
}

/**
 * The hits that wait to be passed on, cut to the best `limit` of all that came by: a hit that so many better ones already
 * outdid can never be among the best, however the rest of the mesh answers. Copies of one document count once, and the newest
 * version is the document.
 */
export class BestHits {
  readonly #limit: number;
  /** The best so far, highest score first; at most `limit`. */
  readonly #best: Kept[] = [];
  /** The same, by document. */
  readonly #byId = new Map<string, Kept>();
  #chars = 0;
  #waiting = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Characters of the documents that wait. */
  get chars(): number {
    return this.#chars;
  }

  /** Hits that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  get isEmpty(): boolean {
    return this.#waiting === 0;
  }

  /** False: it is not among the best, or it is known. */
  add(hit: Hit): boolean {
    const known = this.#byId.get(keyOf(hit));
    if (known !== undefined) {
      if (versionOf(known.hit) >= versionOf(hit)) return false;
      this.#remove(this.#best.indexOf(known));
    }
    const at = this.#position(hit.score);
    if (at >= this.#limit) return false;
    const kept = { hit, isWaiting: true };
    this.#best.splice(at, 0, kept);
    this.#byId.set(keyOf(hit), kept);
    this.#waiting++;
    this.#chars += hit.document.length;
    if (this.#best.length > this.#limit) this.#remove(this.#limit);
    return true;
  }

  /** Removes and returns the waiting hits, best first; equals in the order of their coming. */
  take(): Hit[] {
    const taken: Hit[] = [];
    for (const kept of this.#best) {
      if (!kept.isWaiting) continue;
      kept.isWaiting = false;
      taken.push(kept.hit);
    }
    this.#waiting = 0;
    this.#chars = 0;
    return taken;
  }

  #remove(at: number): void {
    const [kept] = this.#best.splice(at, 1);
    if (kept === undefined) return;
    this.#byId.delete(keyOf(kept.hit));
    if (!kept.isWaiting) return;
    this.#waiting--;
    this.#chars -= kept.hit.document.length;
  }

  /** Where a score belongs: behind its equals. */
  #position(score: number): number {
    let low = 0;
    let high = this.#best.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#best[middle] as Kept).hit.score >= score) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function versionOf({ version }: Hit): number {
  return version ?? 0;
}
