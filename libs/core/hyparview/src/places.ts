import { type Millis, type PeerId, type PeerInfo, type Rng, SmallMap } from '@starling/kernel';
import { Hearsay } from './hearsay.ts';
import { idHash } from './id-hash.ts';
import { Rank } from './rank.ts';

interface Held {
  readonly peer: PeerInfo;
  readonly ranks: readonly number[];
}

/** Sources that are no neighbours: discovery (and whoever else the layer above trusts), the peers themselves, and everybody else. */
export const sources = { trusted: ' trusted', self: ' self', stranger: ' stranger' } as const;

/**
 * Which neighbours hold their place by right, and who else might. Everybody who is heard of is ranked at every place; only the
 * best is kept, apart for each source, so that a neighbour that lies fills its own cells and nobody else's, and repeating
 * a name gains nothing. Bounded by places × (neighbours + 3).
 */
export class Places {
  readonly #rank: Rank;
  readonly #capacity: number;
  readonly #held = new SmallMap<Held>();
  /** Who is best among the neighbours, per place. */
  readonly #winners: (PeerId | undefined)[];
  readonly #best: number[];
  readonly #hearsay: Hearsay;
  /** Asked in vain, and until when that counts. The oldest goes first. */
  readonly #vain = new Map<PeerId, Millis>();
  readonly #vainMax: number;
  readonly #vainMs: Millis;

  /** `capacity`: how many links a peer looks for on average. */
  constructor(self: PeerInfo, capacity: number, vainMax: number, vainMs: Millis) {
    this.#capacity = capacity;
    this.#rank = new Rank(self, capacity);
    this.#winners = new Array<PeerId | undefined>(this.count).fill(undefined);
    this.#best = new Array<number>(this.count).fill(Number.POSITIVE_INFINITY);
    this.#hearsay = new Hearsay(this.count);
    this.#vainMax = vainMax;
    this.#vainMs = vainMs;
  }

  /** How many this peer has. */
  get count(): number {
    return this.#rank.places;
  }

  add(peer: PeerInfo): void {
    const ranked = this.#rank.of(peer);
    // Not by a spread: the copy would hold each number in an object of its own.
    const ranks = this.#best.map((_, place) => ranked[place] as number);
    this.#held.set(peer.id, { peer, ranks });
    for (let place = 0; place < ranks.length; place++) this.#offer(place, peer.id, ranks[place] as number);
    this.#vain.delete(peer.id);
    this.#unhear(peer.id);
  }

  remove(peer: PeerId): void {
    if (!this.#held.delete(peer)) return;
    this.#hearsay.delete(peer);
    for (let place = 0; place < this.#winners.length; place++) {
      if (this.#winners[place] !== peer) continue;
      this.#winners[place] = undefined;
      this.#best[place] = Number.POSITIVE_INFINITY;
      for (const { peer: other, ranks } of this.#held.values()) this.#offer(place, other.id, ranks[place] as number);
    }
  }

  /** Would `peer` be the best neighbour at some place? */
  deserves(peer: PeerInfo): boolean {
    return isBetterSomewhere(this.#rank.of(peer), this.#best);
  }

  /** A random neighbour that is the best at no place, once `newcomer` is there too. */
  expendable(rng: Rng, newcomer: PeerInfo | null = null): PeerInfo | undefined {
    const ranks = newcomer === null ? null : this.#rank.of(newcomer);
    const needed = new Set<PeerId | undefined>();
    for (let place = 0; place < this.#winners.length; place++) {
      if (ranks === null || (ranks[place] as number) >= (this.#best[place] as number)) needed.add(this.#winners[place]);
    }
    const candidates: PeerInfo[] = [];
    for (const { peer } of this.#held.values()) if (!needed.has(peer.id)) candidates.push(peer);
    return candidates[rng.below(candidates.length)];
  }

  /** How peers rank for `asker` at the place where `self` ranks best for it; who has an id's hash at hand may give it. */
  rankFor(asker: PeerInfo, self: PeerInfo): (peer: PeerInfo, hash?: number) => number {
    const rank = new Rank(asker, this.#capacity);
    const own = rank.of(self);
    const place = own.indexOf(Math.min(...own));
    return (peer, hash) => rank.at(place, peer, hash);
  }

  /** `source` told of `peer`. */
  heard(now: Millis, peer: PeerInfo, source: string): void {
    this.#note(now, peer, source, this.#hearsay.rowOf(source));
  }

  /** `source` told of all these; `self` is not meant. */
  heardAll(now: Millis, peers: readonly PeerInfo[], self: PeerId, source: string): void {
    let row = this.#hearsay.rowOf(source);
    for (const peer of peers) if (peer.id !== self) row = this.#note(now, peer, source, row);
  }

  /** `row`: that of `source`, if it has one of its own. Returns it. */
  #note(now: Millis, peer: PeerInfo, source: string, row: number): number {
    const ranks = this.#rank.of(peer);
    // Nearly all that is heard is no news: that shows sooner than who has a place and who was asked in vain.
    if (row >= 0 && !this.#hearsay.isNews(row, ranks)) return row;
    if (this.#held.has(peer.id)) return row;
    const until = this.#vain.get(peer.id);
    if (until !== undefined) {
      if (until > now) return row;
      this.#vain.delete(peer.id);
    }
    if (row >= 0) {
      this.#hearsay.note(row, peer, ranks);
      return row;
    }
    // All that are neither neighbours nor named share one.
    const isKnown = this.#held.has(source) || source.startsWith(' ');
    const made = this.#hearsay.rowFor(isKnown ? source : sources.stranger);
    this.#hearsay.note(made, peer, ranks);
    return isKnown ? made : row;
  }

  /** One who deserves a place better than who is there and `isWanted`; from a random source among those that have one. */
  claimant(rng: Rng, isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    const rows: number[] = [];
    for (let row = 0; row < this.#hearsay.rows; row++) rows.push(row);
    for (const row of rng.shuffle(rows)) {
      const first = rng.below(this.#best.length);
      for (let i = 0; i < this.#best.length; i++) {
        const place = (first + i) % this.#best.length;
        if (this.#hearsay.rank(row, place) >= (this.#best[place] as number)) continue;
        const peer = this.#hearsay.peer(row, place);
        if (peer !== undefined && isWanted(peer)) return peer;
      }
    }
    return undefined;
  }

  /** It said no, or cannot be reached: others have their turn. */
  askedInVain(now: Millis, peer: PeerId): void {
    this.#vain.delete(peer);
    this.#vain.set(peer, now + this.#vainMs);
    if (this.#vain.size > this.#vainMax) {
      for (const oldest of this.#vain.keys()) {
        this.#vain.delete(oldest);
        break;
      }
    }
    this.#unhear(peer);
  }

  #offer(place: number, peer: PeerId, rank: number): void {
    if (rank >= (this.#best[place] as number)) return;
    this.#best[place] = rank;
    this.#winners[place] = peer;
  }

  #unhear(peer: PeerId): void {
    const hash = idHash(peer);
    const offsets = this.#best.map((_, place) => this.#rank.offset(place, hash));
    for (let row = 0; row < this.#hearsay.rows; row++) {
      for (let place = 0; place < offsets.length; place++) {
        // Its rank tells nearly every other peer from it, and is at hand.
        if (this.#hearsay.rank(row, place) >>> 0 !== offsets[place]) continue;
        if (this.#hearsay.peer(row, place)?.id === peer) this.#hearsay.forget(row, place);
      }
    }
  }
}

function isBetterSomewhere(ranks: Float64Array, than: readonly number[]): boolean {
  for (let place = 0; place < ranks.length; place++) {
    if ((ranks[place] as number) < (than[place] as number)) return true;
  }
  return false;
}
