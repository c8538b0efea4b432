import type { PeerInfo } from '@starling/kernel';

const none = Number.POSITIVE_INFINITY;

/**
 * The best that each source told of, per place. All sources lie side by side in one column of ranks and one of peers, since a
 * peer that is heard of is first held against a row of ranks, and mostly that is all.
 */
export class Hearsay {
  readonly #places: number;
  /** In the order in which they first told something. */
  readonly #sources: string[] = [];
  /** By source, then by place. */
  readonly #peers: (PeerInfo | undefined)[] = [];
  readonly #ranks: number[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  /** How many sources there are. Their rows are numbered from 0, until the next `delete`. */
  get rows(): number {
    return this.#sources.length;
  }

  /** −1: it told nothing yet. */
  rowOf(source: string): number {
    const sources = this.#sources;
    for (let row = 0; row < sources.length; row++) if (sources[row] === source) return row;
    return -1;
  }

  /** The row of a source, made when there is none yet. */
  rowFor(source: string): number {
    const row = this.rowOf(source);
    if (row >= 0) return row;
    for (let place = 0; place < this.#places; place++) {
      this.#peers.push(undefined);
      this.#ranks.push(none);
    }
    return this.#sources.push(source) - 1;
  }

  delete(source: string): void {
    const row = this.rowOf(source);
    if (row < 0) return;
    this.#sources.splice(row, 1);
    this.#peers.splice(row * this.#places, this.#places);
    this.#ranks.splice(row * this.#places, this.#places);
  }

  /** Is one of these ranks better than the best of that row? */
  isNews(row: number, ranks: Float64Array): boolean {
    const first = row * this.#places;
    for (let place = 0; place < ranks.length; place++) {
      if ((ranks[place] as number) < (this.#ranks[first + place] as number)) return true;
    }
    return false;
  }

  /** Notes a peer at the places where it is better than the best of that row. */
  note(row: number, peer: PeerInfo, ranks: Float64Array): void {
    const first = row * this.#places;
    for (let place = 0; place < ranks.length; place++) {
      if ((ranks[place] as number) >= (this.#ranks[first + place] as number)) continue;
      this.#peers[first + place] = peer;
      this.#ranks[first + place] = ranks[place] as number;
    }
  }

  /** Infinity: there is none. */
  rank(row: number, place: number): number {
    return this.#ranks[row * this.#places + place] as number;
  }

  peer(row: number, place: number): PeerInfo | undefined {
    return this.#peers[row * this.#places + place];
  }

  forget(row: number, place: number): void {
    this.#peers[row * this.#places + place] = undefined;
    this.#ranks[row * this.#places + place] = none;
  }
}
