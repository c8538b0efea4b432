import type { Millis, PeerId, PeerInfo } from '@starling/kernel';

interface Tombstone {
  readonly incarnation: number;
  readonly until: Millis;
}

/** Peers that left for good, so that late hearsay does not bring them back. Bounded; the oldest is forgotten first. */
export class Tombstones {
  readonly #capacity: number;
  readonly #expiryMs: Millis;
  /** In order of burial: all share one expiry, so the first is the next to go. Null while nobody was buried. */
  #byPeer: Map<PeerId, Tombstone> | null = null;

  constructor(capacity: number, expiryMs: Millis) {
    this.#capacity = capacity;
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#byPeer?.size ?? 0;
  }

  add(now: Millis, peer: PeerInfo): void {
    this.#byPeer ??= new Map();
    const byPeer = this.#byPeer;
    byPeer.delete(peer.id);
    byPeer.set(peer.id, { incarnation: peer.incarnation, until: now + this.#expiryMs });
    for (const [id, { until }] of byPeer) {
      if (until > now && byPeer.size <= this.#capacity) break;
      byPeer.delete(id);
    }
  }

  /** Whether this life of `peer` is over. A higher incarnation is a new life. */
  covers(now: Millis, peer: PeerInfo): boolean {
    if (this.#byPeer === null) return false;
    const tombstone = this.#byPeer.get(peer.id);
    return tombstone !== undefined && tombstone.until > now && tombstone.incarnation >= peer.incarnation;
  }
}
