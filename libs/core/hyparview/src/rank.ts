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
 * Who deserves which place. A peer has as many places as links it looks for; each place orders all other peers by a number
 * that both ends compute alike from the two ids, so a claim to a place is proved by the ids and asking more often gains
 * nothing (Basalt, Middleware 2023, ranks its slots; Brahms, PODC 2008, samples by the least hash).
 *
 * Two places stand for a circle on which all peers lie in an order of its own: the next peer clockwise and the next one
 * counterclockwise. Next is mutual, so everybody can have the links it deserves at once, and no one has to compete for
 * them with peers that accept everything. A few circles together are a random regular graph (Law and Siu, INFOCOM 2003);
 * Fireflies (EuroSys 2006) builds a mesh that tolerates intruders of just these rings. Where places are left, one or two,
 * they pair peers by the hash of the pair. Failure domains come first: circles prefer the own zone, pairs another one.
 */
export class Rank {
  /** Places, numbered from 0: two for each circle, then the pairs. */
  readonly places: number;
  readonly #circles: number;
  /**
   * Circles keep to their zones, so there is at least one pair, or the zones would have no links to each other. With two places
   * there is one circle, over all zones: two pairs each are many small circles.
   */
  readonly #hasPairs: boolean;
  readonly #self: number;
  /** Where this peer lies on each circle. */
  readonly #points: Int32Array;
  readonly #zone: string;
  readonly #ranks: Float64Array;

  constructor(self: PeerInfo, places: number) {
    this.places = places;
    this.#circles = places === 2 ? 1 : Math.ceil(places / 2) - 1;
    this.#hasPairs = this.onCircles < places;
    this.#self = idHash(self.id);
    this.#points = new Int32Array(this.#circles);
    for (let i = 0; i < this.#circles; i++) this.#points[i] = pointOn(i, this.#self);
    this.#zone = self.zone;
    this.#ranks = new Float64Array(places);
  }

  /** So many of the first places are on circles. */
  get onCircles(): number {
    return 2 * this.#circles;
  }

  /** The rank of `peer` at each place, lower is better. The array is used again by the next call. */
  of(peer: PeerInfo): Float64Array {
    const ranks = this.#ranks;
    const other = idHash(peer.id);
    const distance = this.#distanceTo(peer);
    const base = this.#hasPairs ? distance * circle : 0;
    let place = 0;
    for (let i = 0; i < this.#circles; i++) {
      const apart = (pointOn(i, other) - (this.#points[i] as number)) | 0;
      ranks[place++] = base + (apart >>> 0);
      ranks[place++] = base + (-apart >>> 0);
    }
    for (; place < this.places; place++) ranks[place] = this.#pair(place, other, distance);
    return ranks;
  }

  /** The rank of `peer` at one place. */
  at(place: number, peer: PeerInfo): number {
    const other = idHash(peer.id);
    const distance = this.#distanceTo(peer);
    if (place >= this.onCircles) return this.#pair(place, other, distance);
    const apart = pointOn(place >> 1, other) - (this.#points[place >> 1] as number);
    return (this.#hasPairs ? distance * circle : 0) + ((place & 1 ? -apart : apart) >>> 0);
  }

  #pair(place: number, other: number, distance: number): number {
    return (2 - distance) * circle + (mixed((this.#self ^ other) + Math.imul(place + 1, 0x1f83d9ab)) >>> 0);
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
