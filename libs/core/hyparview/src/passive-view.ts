import type { PeerId, PeerInfo, Rng } from '@starling/kernel';
import { idHash } from './id-hash.ts';

/**
 * HyParView's reserve: a bounded set of peers that were heard of. Infos are shared with whoever else holds them. Looked for by
 * a column of their ids' hashes: a hundred numbers side by side take a tenth of a hash table's memory, and most that is looked
 * for is not here.
 */
export class PassiveView {
  readonly #capacity: number;
  readonly #peers: PeerInfo[] = [];
  /** Of their ids, in the same order. */
  readonly #hashes: number[] = [];
  #changes = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#peers.length;
  }

  get isFull(): boolean {
    return this.#peers.length >= this.#capacity;
  }

  get changes(): number {
    return this.#changes;
  }

  has(peer: PeerId): boolean {
    return this.#find(peer, idHash(peer)) >= 0;
  }

  get(peer: PeerId): PeerInfo | undefined {
    const at = this.#find(peer, idHash(peer));
    return at < 0 ? undefined : this.#peers[at];
  }

  delete(peer: PeerId): boolean {
    const at = this.#find(peer, idHash(peer));
    if (at < 0) return false;
    this.#deleteAt(at);
    return true;
  }

  /**
   * Adds or renews an entry. When full, makes room: TR-07-13 §4.5: first those of `expendable` (what was just sent to the
   * peer whose entries come in; taken off its end), then a random one.
   */
  add(peer: PeerInfo, rng: Rng, expendable: PeerInfo[]): void {
    const hash = idHash(peer.id);
    const at = this.#find(peer.id, hash);
    if (at < 0) {
      if (this.isFull) this.#makeRoom(rng, expendable);
      this.#peers.push(peer);
      this.#hashes.push(hash);
    } else if ((this.#peers[at] as PeerInfo).incarnation < peer.incarnation) this.#peers[at] = peer;
    else return;
    this.#changes++;
  }

  sample(rng: Rng, count: number): PeerInfo[] {
    return rng.sample(this.#peers, count);
  }

  /** The first entry that `isWanted`, beginning at a random one; undefined when there is none. */
  find(rng: Rng, isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    const peers = this.#peers;
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
    return this.#peers;
  }

  /** Of the entries' ids, in the same order; valid until the next change. */
  hashes(): readonly number[] {
    return this.#hashes;
  }

  /** −1: not here. */
  #find(peer: PeerId, hash: number): number {
    let at = this.#hashes.indexOf(hash);
    while (at >= 0 && this.#peers[at]?.id !== peer) at = this.#hashes.indexOf(hash, at + 1);
    return at;
  }

  /** Moves the last entry into the hole. */
  #deleteAt(at: number): void {
    const lastPeer = this.#peers.pop() as PeerInfo;
    const lastHash = this.#hashes.pop() as number;
    if (at < this.#peers.length) {
      this.#peers[at] = lastPeer;
      this.#hashes[at] = lastHash;
    }
    this.#changes++;
  }

  #makeRoom(rng: Rng, expendable: PeerInfo[]): void {
    for (let peer = expendable.pop(); peer !== undefined; peer = expendable.pop()) {
      if (this.delete(peer.id)) return;
    }
    if (this.#peers.length > 0) this.#deleteAt(rng.below(this.#peers.length));
  }
}
