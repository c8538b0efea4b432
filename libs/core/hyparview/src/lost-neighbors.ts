import { IndexedMap, type Millis, type PeerId, type PeerInfo, type Rng } from '@starling/kernel';

interface Lost {
  readonly peer: PeerInfo;
  readonly until: Millis;
}

/**
 * Neighbours whose link broke. After a partition these are exactly the ends of the links that were cut: trying them again,
 * ever more rarely, joins the halves even when discovery has nothing to say. Bounded in number and time.
 */
export class LostNeighbors {
  readonly #capacity: number;
  readonly #expiryMs: Millis;
  readonly #byPeer = new IndexedMap<PeerId, Lost>();

  constructor(capacity: number, expiryMs: Millis) {
    this.#capacity = capacity;
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  add(now: Millis, peer: PeerInfo, rng: Rng): void {
    if (!this.#byPeer.has(peer.id) && this.#byPeer.size >= this.#capacity) {
      const victim = this.#byPeer.pick(rng);
      if (victim !== undefined) this.#byPeer.delete(victim.peer.id);
    }
    this.#byPeer.set(peer.id, { peer, until: now + this.#expiryMs });
  }

  /** It is a neighbour again, was heard of through the mesh, or left. False: it was not here. */
  delete(peer: PeerId): boolean {
    return this.#byPeer.size > 0 && this.#byPeer.delete(peer);
  }

  /** A random one that is not yet given up. */
  pick(now: Millis, rng: Rng): PeerInfo | undefined {
    for (let lost = this.#byPeer.pick(rng); lost !== undefined; lost = this.#byPeer.pick(rng)) {
      if (lost.until > now) return lost.peer;
      this.#byPeer.delete(lost.peer.id);
    }
    return undefined;
  }
}
