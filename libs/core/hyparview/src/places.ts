import type { Millis, PeerId, PeerInfo, Rng } from '@starling/kernel';
import { Rank } from './rank.ts';

interface Held {
  readonly peer: PeerInfo;
  readonly ranks: Float64Array;
}

/** The best that one source told of, per place. */
interface Hearsay {
  readonly peers: (PeerInfo | undefined)[];
  readonly ranks: Float64Array;
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
  readonly #held = new Map<PeerId, Held>();
  /** Who is best among the neighbours, per place. */
  readonly #winners: (PeerId | undefined)[];
  readonly #best: Float64Array;
  readonly #hearsay = new Map<string, Hearsay>();
  /** Asked in vain, and until when that counts. The oldest goes first. */
  readonly #vain = new Map<PeerId, Millis>();
  readonly #vainMax: number;
  readonly #vainMs: Millis;

  /** `capacity`: how many links a peer looks for on average. */
  constructor(self: PeerInfo, capacity: number, vainMax: number, vainMs: Millis) {
    this.#capacity = capacity;
    this.#rank = new Rank(self, capacity);
    this.#winners = new Array<PeerId | undefined>(this.count).fill(undefined);
    this.#best = new Float64Array(this.count).fill(Number.POSITIVE_INFINITY);
    this.#vainMax = vainMax;
    this.#vainMs = vainMs;
  }

  /** How many this peer has. */
  get count(): number {
    return this.#rank.places;
  }

  add(peer: PeerInfo): void {
    const ranks = this.#rank.of(peer).slice();
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
    for (const [id, { peer }] of this.#held) if (!needed.has(id)) candidates.push(peer);
    return candidates[rng.below(candidates.length)];
  }

  /** How peers rank for `asker` at the place where `self` ranks best for it. */
  rankFor(asker: PeerInfo, self: PeerInfo): (peer: PeerInfo) => number {
    const rank = new Rank(asker, this.#capacity);
    const own = rank.of(self);
    const place = own.indexOf(Math.min(...own));
    return (peer) => rank.at(place, peer);
  }

  /** `source` told of `peer`. */
  heard(now: Millis, peer: PeerInfo, source: string): void {
    const known = this.#hearsay.get(source);
    const ranks = this.#rank.of(peer);
    // Nearly all that is heard is no news: that shows sooner than who has a place and who was asked in vain.
    if (known !== undefined && !isBetterSomewhere(ranks, known.ranks)) return;
    if (this.#held.has(peer.id)) return;
    const until = this.#vain.get(peer.id);
    if (until !== undefined) {
      if (until > now) return;
      this.#vain.delete(peer.id);
    }
    const hearsay = known ?? this.#hearsayOf(source);
    for (let place = 0; place < ranks.length; place++) {
      if ((ranks[place] as number) >= (hearsay.ranks[place] as number)) continue;
      hearsay.peers[place] = peer;
      hearsay.ranks[place] = ranks[place] as number;
    }
  }

  /** One who deserves a place better than who is there and `isWanted`; from a random source among those that have one. */
  claimant(rng: Rng, isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    const all = [...this.#hearsay.values()];
    for (const hearsay of rng.shuffle(all)) {
      const first = rng.below(this.#best.length);
      for (let i = 0; i < this.#best.length; i++) {
        const place = (first + i) % this.#best.length;
        const peer = hearsay.peers[place];
        if (peer === undefined || (hearsay.ranks[place] as number) >= (this.#best[place] as number)) continue;
        if (isWanted(peer)) return peer;
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

  /** What `source` told; all that are neither neighbours nor named share one. */
  #hearsayOf(source: string): Hearsay {
    const key = this.#held.has(source) || source.startsWith(' ') ? source : sources.stranger;
    let hearsay = this.#hearsay.get(key);
    if (hearsay === undefined) {
      const places = this.#best.length;
      hearsay = { peers: [], ranks: new Float64Array(places).fill(Number.POSITIVE_INFINITY) };
      this.#hearsay.set(key, hearsay);
    }
    return hearsay;
  }

  #offer(place: number, peer: PeerId, rank: number): void {
    if (rank >= (this.#best[place] as number)) return;
    this.#best[place] = rank;
    this.#winners[place] = peer;
  }

  #unhear(peer: PeerId): void {
    for (const { peers, ranks } of this.#hearsay.values()) {
      for (let place = 0; place < ranks.length; place++) {
        if (peers[place]?.id !== peer) continue;
        peers[place] = undefined;
        ranks[place] = Number.POSITIVE_INFINITY;
      }
    }
  }
}

function isBetterSomewhere(ranks: Float64Array, than: Float64Array): boolean {
  for (let place = 0; place < ranks.length; place++) {
    if ((ranks[place] as number) < (than[place] as number)) return true;
  }
  return false;
}
