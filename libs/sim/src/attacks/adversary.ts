import { type Millis, type PeerId, type PeerInfo, Rng } from '@starling/kernel';

/** How strong an attack is. Everything that the command line may turn. */
export interface AttackStrength {
  /** Attackers among all peers, in percent. Counts peers (certificates), not connections. */
  readonly attackersPercent: number;
  /** Requests for a place that each attacker sends per cycle of 1 s, each to a random honest peer. */
  readonly requests: number;
  /** Poisoned walks (shuffles and forward joins that name attackers only) per cycle and link to an honest peer. */
  readonly poison: number;
  /** Cycles of 1 s that the attack lasts. */
  readonly cycles: number;
}

/** What one attacker may know of the others: all of it. They share a mind, and know every honest peer's address. */
export class Adversary {
  readonly strength: AttackStrength;
  readonly attackers: PeerInfo[] = [];
  /** Whom they attack. */
  readonly targets: PeerInfo[] = [];
  /** From then on; before, they are model citizens. */
  attacksFrom: Millis = Number.POSITIVE_INFINITY;
  readonly #ids: ReadonlySet<PeerId>;
  readonly #targets = new Map<PeerId, PeerInfo>();

  /** Decides which of the first `peers` peers are attackers. The first, everybody's contact in some scenarios, is honest. */
  constructor(strength: AttackStrength, peers: number, seed: number) {
    this.strength = strength;
    const others = Array.from({ length: peers - 1 }, (_, i) => `p${i + 1}`);
    // A percentage of few peers is one attacker, not none: else a small run tells of an attack that there was not.
    const least = strength.attackersPercent > 0 ? 1 : 0;
    const count = Math.min(peers - 1, Math.max(least, Math.round((peers * strength.attackersPercent) / 100)));
    this.#ids = new Set(new Rng(seed ^ 0x5eb1_0000).sample(others, count));
  }

  /** Is it one of them? */
  has(id: PeerId): boolean {
    return this.#ids.has(id);
  }

  /** The honest peer of that id. */
  target(id: PeerId): PeerInfo | undefined {
    return this.#targets.get(id);
  }

  aim(target: PeerInfo): void {
    this.targets.push(target);
    this.#targets.set(target.id, target);
  }

  enlist(attacker: PeerInfo): void {
    this.attackers.push(attacker);
  }
}
