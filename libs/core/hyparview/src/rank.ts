import type { PeerId, PeerInfo } from '@starling/kernel';

const circle = 0x1_0000_0000;

/** Murmur3's finaliser: every input bit changes about half of the output bits. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** 32 bits of an id: FNV-1a, mixed. Ids are hashes of keys already; this only spreads them. */
function idHash(id: PeerId): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  return mixed(h);
}

/**
 * Is the peer on the half circle? With an odd capacity half of the peers have a place more than that, half one fewer, since
 * on a circle places come in twos; its id tells, so that both ends of a link know.
 */
function isOnHalf(hash: number): boolean {
  return (mixed(hash ^ 0x2545f491) & 1) === 0;
}

/** How many places that peer has where `capacity` links are looked for on average. */
export function placesOf(peer: PeerId, capacity: number): number {
  if (capacity % 2 === 0) return capacity;
  return isOnHalf(idHash(peer)) ? capacity + 1 : capacity - 1;
}

/**
 * Who deserves which place. Each place orders all other peers by a number that both ends compute alike from the two ids, so
 * a claim to a place is proved by the ids and asking more often gains nothing (Basalt, Middleware 2023, ranks its slots;
 * Brahms, PODC 2008, samples by the least hash).
 *
 * Two places stand for a circle on which all peers lie in an order of its own: the next peer clockwise and the next one
 * counterclockwise. Next is mutual, so everybody can have the links it deserves at once, and no one has to compete for
 * them with peers that accept everything. A few circles together are a random regular graph (Law and Siu, INFOCOM 2003);
 * Fireflies (EuroSys 2006) builds a mesh that tolerates intruders of just these rings. Of an odd number of places one would
 * be left over, for a pair, and whoever accepts everybody wins twice its share of pairs; so half of the peers are on a
 * circle more. Failure domains come first on all circles but one, which joins them (ADR 35).
 */
export class Rank {
  /** Places, numbered from 0: two for each circle that this peer is on. */
  readonly places: number;
  /** The circles' numbers, and where this peer lies on each. The one over all zones is the last. */
  readonly #circles: Int32Array;
  readonly #points: Int32Array;
  /** Which of them only half of the peers are on; -1: none that this peer is on. */
  readonly #half: number;
  readonly #zone: string;
  readonly #ranks: Float64Array;

  constructor(self: PeerInfo, capacity: number) {
    const hash = idHash(self.id);
    this.places = placesOf(self.id, capacity);
    // Circles are numbered alike for all, so who is not on the half circle leaves its number out.
    const last = Math.ceil(capacity / 2) - 1;
    const half = capacity % 2 === 0 ? -1 : last - 1;
    const numbers = Array.from({ length: last + 1 }, (_, i) => i);
    this.#circles = Int32Array.from(numbers.filter((i) => i !== half || isOnHalf(hash)));
    this.#points = this.#circles.map((number) => pointOn(number, hash));
    this.#half = this.#circles.indexOf(half);
    this.#zone = self.zone;
    this.#ranks = new Float64Array(this.places);
  }

  /** The rank of `peer` at each place, lower is better; Infinity: it is not on that circle. The array is used again by the next call. */
  of(peer: PeerInfo): Float64Array {
    const ranks = this.#ranks;
    const other = idHash(peer.id);
    const base = this.#distanceTo(peer) * circle;
    const last = this.#circles.length - 1;
    for (let i = 0; i <= last; i++) {
      if (i === this.#half && !isOnHalf(other)) {
        ranks.fill(Number.POSITIVE_INFINITY, 2 * i, 2 * i + 2);
        continue;
      }
      const apart = this.#apart(i, other);
      const zones = i === last ? 0 : base;
      ranks[2 * i] = zones + (apart >>> 0);
      ranks[2 * i + 1] = zones + (-apart >>> 0);
    }
    return ranks;
  }

  /** The rank of `peer` at one place. */
  at(place: number, peer: PeerInfo): number {
    const i = place >> 1;
    const other = idHash(peer.id);
    if (i === this.#half && !isOnHalf(other)) return Number.POSITIVE_INFINITY;
    const apart = this.#apart(i, other);
    const zones = i === this.#circles.length - 1 ? 0 : this.#distanceTo(peer) * circle;
    return zones + ((place & 1 ? -apart : apart) >>> 0);
  }

  /** How far clockwise `other` is from this peer on one of its circles. */
  #apart(i: number, other: number): number {
    return (pointOn(this.#circles[i] as number, other) - (this.#points[i] as number)) | 0;
  }

  /** 0: the same failure domain; 2: another one; 1: who knows. */
  #distanceTo({ zone }: PeerInfo): number {
    if (this.#zone === '' || zone === '') return 1;
    return this.#zone === zone ? 0 : 2;
  }
}

function pointOn(circleNumber: number, hash: number): number {
  return mixed(hash ^ Math.imul(circleNumber + 1, 0x9e3779b1));
}
