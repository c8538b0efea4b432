import type { PeerId, PeerInfo } from '@starling/kernel';
import { idHash, mixed } from './id-hash.ts';

const circle = 0x1_0000_0000;

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
  /** The number of the circle over all zones. It comes last. */
  readonly #last: number;
  /** The number of the circle that only half of the peers are on; -1: there is none. */
  readonly #half: number;
  readonly #isOnHalf: boolean;
  readonly #hash: number;
  readonly #zone: string;

  constructor(self: PeerInfo, capacity: number) {
    this.#hash = idHash(self.id);
    this.#zone = self.zone;
    this.places = placesOf(self.id, capacity);
    this.#last = Math.ceil(capacity / 2) - 1;
    this.#half = capacity % 2 === 0 ? -1 : this.#last - 1;
    this.#isOnHalf = isOnHalf(this.#hash);
  }

  /** The rank of `peer` at each place, lower is better; Infinity: it is not on that circle. The array is used again by the next call, of any rank. */
  of(peer: PeerInfo): Float64Array {
    const ranks = scratch(this.places);
    const other = idHash(peer.id);
    const base = this.#distanceTo(peer) * circle;
    let place = 0;
    for (let number = 0; number <= this.#last; number++) {
      // Circles are numbered alike for all, so who is not on the half circle leaves its number out.
      if (number === this.#half && !this.#isOnHalf) continue;
      if (number === this.#half && !isOnHalf(other)) {
        ranks[place++] = Number.POSITIVE_INFINITY;
        ranks[place++] = Number.POSITIVE_INFINITY;
        continue;
      }
      const apart = this.#apart(number, other);
      const zones = number === this.#last ? 0 : base;
      ranks[place++] = zones + (apart >>> 0);
      ranks[place++] = zones + (-apart >>> 0);
    }
    return ranks;
  }

  /** The rank of `peer` at one place. */
  at(place: number, peer: PeerInfo, other = idHash(peer.id)): number {
    const number = this.#circleOf(place);
    if (number === this.#half && !isOnHalf(other)) return Number.POSITIVE_INFINITY;
    const zones = number === this.#last ? 0 : this.#distanceTo(peer) * circle;
    return zones + this.offset(place, other);
  }

  /** The lower 32 bits of a rank: the id alone decides them, and ids with other hashes have others. */
  offset(place: number, other: number): number {
    const apart = this.#apart(this.#circleOf(place), other);
    return (place & 1 ? -apart : apart) >>> 0;
  }

  #circleOf(place: number): number {
    const nth = place >> 1;
    return this.#isOnHalf || this.#half < 0 || nth < this.#half ? nth : nth + 1;
  }

  /** How far clockwise `other` is from this peer on a circle. */
  #apart(number: number, other: number): number {
    return (pointOn(number, other) - pointOn(number, this.#hash)) | 0;
  }

  /** 0: the same failure domain; 2: another one; 1: who knows. */
  #distanceTo(peer: PeerInfo): number {
    if (this.#zone === '') return 1;
    const { zone } = peer;
    if (zone === '') return 1;
    return this.#zone === zone ? 0 : 2;
  }
}

/** For ranks that are compared and forgotten. One for all: a million times a second it would come from memory that is far away. */
const scratches: Float64Array[] = [];

function scratch(places: number): Float64Array {
  let ranks = scratches[places];
  if (ranks === undefined) {
    ranks = new Float64Array(places);
    scratches[places] = ranks;
  }
  return ranks;
}

function pointOn(circleNumber: number, hash: number): number {
  return mixed(hash ^ Math.imul(circleNumber + 1, 0x9e3779b1));
}
