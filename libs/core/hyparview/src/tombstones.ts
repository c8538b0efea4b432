import type { Millis, PeerId, PeerInfo } from '@starling/kernel';

interface Tombstone {
  readonly incarnation: number;
  readonly until: Millis;
}

/** Peers that left for good, so that late hearsay does not bring them back. Bounded; the oldest is forgotten first. */
export class Tombstones {
  readonly #capacity: number;
  readonly #expiryMs: Millis;
  /** In order of burial: all share one expiry, so the first is the next to go. */
  readonly #byPeer = new Map<PeerId, Tombstone>();

  constructor(capacity: number, expiryMs: Millis) {
    this.#capacity = capacity;
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  add(now: Millis, peer: PeerInfo): void {
    this.#byPeer.delete(peer.id);
    this.#byPeer.set(peer.id, { incarnation: peer.incarnation, until: now + this.#expiryMs });
    for (const [id, { until }] of this.#byPeer) {
      if (until > now && this.#byPeer.size <= this.#capacity) break;
      this.#byPeer.delete(id);
    }
  }

  /** Whether this life of `peer` is over. A higher incarnation is a new life. */
  covers(now: Millis, peer: PeerInfo): boolean {
    const tombstone = this.#byPeer.get(peer.id);
    return tombstone !== undefined && tombstone.until > now && tombstone.incarnation >= peer.incarnation;
  }
}
