import type { Millis, PeerId, PeerInfo, Rng } from '@starling/kernel';

/**
 * Which links are cheap. X-BOT (Leitão et al., SRDS 2009) ranks links by any cost an oracle names.
 *
 * Deviation: the cost has two values only, near and far, with a gap between them. A finer one would never stop to swap
 * links of equal worth, and would drop the farthest zone's links first, all over the mesh, until that zone is cut off.
 * The zone decides where both are known; else the measured round trip does.
 */
export class Proximity {
  readonly #farRttMs: Millis;
  readonly #capacity: number;
  /** Last known round trips, of past neighbours too: they may be candidates. The oldest goes first. */
  readonly #rtts = new Map<PeerId, Millis>();

  constructor(farRttMs: Millis, capacity: number) {
    this.#farRttMs = farRttMs;
    this.#capacity = capacity;
  }

  measured(peer: PeerId, rttMs: Millis): void {
    this.#rtts.delete(peer);
    this.#rtts.set(peer, rttMs);
    if (this.#rtts.size <= this.#capacity) return;
    for (const oldest of this.#rtts.keys()) {
      this.#rtts.delete(oldest);
      return;
    }
  }

  isFar(self: PeerInfo, peer: PeerInfo): boolean {
    if (self.zone !== '' && peer.zone !== '') return self.zone !== peer.zone;
    return (this.#rtts.get(peer.id) ?? 0) > this.#farRttMs;
  }

  isNear(self: PeerInfo, peer: PeerInfo): boolean {
    if (self.zone !== '' && peer.zone !== '') return self.zone === peer.zone;
    return (this.#rtts.get(peer.id) ?? Number.POSITIVE_INFINITY) * 2 <= this.#farRttMs;
  }

  /**
   * A random far neighbour that may go: more than `keeping` are far, and it is not `except`. X-BOT §III: the unbiased
   * neighbours keep the overlay connected; a random choice keeps the far links that remain unbiased.
   */
  expendable(
    self: PeerInfo,
    neighbors: readonly PeerInfo[],
    keeping: number,
    except: PeerId | null,
    rng: Rng,
  ): PeerInfo | undefined {
    const far = neighbors.filter((peer) => this.isFar(self, peer));
    if (far.length <= keeping) return undefined;
    const candidates = far.filter((peer) => peer.id !== except);
    return candidates.length === 0 ? undefined : candidates[rng.below(candidates.length)];
  }
}
