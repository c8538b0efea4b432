import { IndexedMap, type PeerId, type PeerInfo, type Rng } from '@starling/kernel';

/** HyParView's reserve: a bounded set of peers that were heard of. Infos are shared with whoever else holds them. */
export class PassiveView {
  readonly #capacity: number;
  readonly #peers = new IndexedMap<PeerId, PeerInfo>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#peers.size;
  }

  get isFull(): boolean {
    return this.#peers.size >= this.#capacity;
  }

  get changes(): number {
    return this.#peers.changes;
  }

  has(peer: PeerId): boolean {
    return this.#peers.has(peer);
  }

  get(peer: PeerId): PeerInfo | undefined {
    return this.#peers.get(peer);
  }

  delete(peer: PeerId): boolean {
    return this.#peers.delete(peer);
  }

  /**
   * Adds or renews an entry. When full, makes room: TR-07-13 §4.5: first those of `expendable` (what was just sent to the
   * peer whose entries come in; taken off its end), then a random one.
   */
  add(peer: PeerInfo, rng: Rng, expendable: PeerInfo[]): void {
    const known = this.#peers.get(peer.id);
    if (known === undefined) {
      if (this.isFull) this.#makeRoom(rng, expendable);
    } else if (known.incarnation >= peer.incarnation) {
      return;
    }
    this.#peers.set(peer.id, peer);
  }

  sample(rng: Rng, count: number): PeerInfo[] {
    return this.#peers.sample(rng, count);
  }

  /** The first entry that `isWanted`, beginning at a random one; undefined when there is none. */
  find(rng: Rng, isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    const peers = this.#peers.values();
    if (peers.length === 0) return undefined;
    const start = rng.below(peers.length);
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(start + i) % peers.length] as PeerInfo;
      if (isWanted(peer)) return peer;
    }
    return undefined;
  }

  /** The entries as they lie; valid until the next change. */
  values(): readonly PeerInfo[] {
    return this.#peers.values();
  }

  #makeRoom(rng: Rng, expendable: PeerInfo[]): void {
    for (let peer = expendable.pop(); peer !== undefined; peer = expendable.pop()) {
      if (this.#peers.delete(peer.id)) return;
    }
    const victim = this.#peers.pick(rng);
    if (victim !== undefined) this.#peers.delete(victim.id);
  }
}
