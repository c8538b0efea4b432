import { DeadlineQueue, type Millis, type PeerId } from '@starling/kernel';

/** Who needs a link: one bit each. */
export const need = {
  membership: 1,
  liveness: 2,
  directory: 4,
  search: 8,
  lookup: 16,
  comparison: 32,
  holders: 128,
} as const;

interface Link {
  isUp: boolean;
  /** Bits of `need`. */
  neededBy: number;
  lastTrafficAt: Millis;
  /** Control messages since `countedFrom`. */
  count: number;
  countedFrom: Millis;
}

/**
 * Which links are up and who needs them. A link that nobody needs stays for a while, because the other side may need it
 * (its answer may be on the way, it may have just made us its neighbour), and is closed once it is idle.
 */
export class Links {
  readonly #links = new Map<PeerId, Link>();
  readonly #lingering: DeadlineQueue<PeerId>;
  readonly #lingerMs: Millis;

  constructor(lingerMs: Millis) {
    this.#lingerMs = lingerMs;
    this.#lingering = new DeadlineQueue(lingerMs);
  }

  /** Links that are up or being dialled. */
  get size(): number {
    return this.#links.size;
  }

  /** Peers that a link is up with, or being dialled to. */
  peers(): PeerId[] {
    return [...this.#links.keys()];
  }

  /** True when the link has to be dialled. */
  require(peer: PeerId, bit: number, now: Millis): boolean {
    this.#lingering.cancel(peer);
    const link = this.#links.get(peer);
    if (link) {
      link.neededBy |= bit;
      return false;
    }
    this.#links.set(peer, { isUp: false, neededBy: bit, ...unused(now) });
    return true;
  }

  /** Takes one need back. The link lingers once there is none left. */
  release(peer: PeerId, bit: number, now: Millis): void {
    const link = this.#links.get(peer);
    if (!link) return;
    link.neededBy &= ~bit;
    if (link.neededBy === 0 && link.isUp) this.#lingering.arm(now, peer);
  }

  up(peer: PeerId, now: Millis): void {
    const link = this.#links.get(peer);
    if (link) link.isUp = true;
    else this.#links.set(peer, { isUp: true, neededBy: 0, ...unused(now) });
    if (!link?.neededBy) this.#lingering.arm(now, peer);
  }

  down(peer: PeerId): void {
    this.#links.delete(peer);
    this.#lingering.cancel(peer);
  }

  traffic(peer: PeerId, now: Millis): void {
    const link = this.#links.get(peer);
    if (link) link.lastTrafficAt = now;
  }

  /** Counts a message that is no broadcast's body: how many of this second they are now; 0 without a link. */
  counted(peer: PeerId, now: Millis): number {
    const link = this.#links.get(peer);
    if (!link) return 0;
    if (now - link.countedFrom >= 1_000) {
      link.countedFrom = now;
      link.count = 0;
    }
    return ++link.count;
  }

  /** Peers whose link nobody has needed or used for the linger time. */
  expired(now: Millis): PeerId[] {
    const idle: PeerId[] = [];
    for (let peer = this.#lingering.expire(now); peer !== undefined; peer = this.#lingering.expire(now)) {
      const link = this.#links.get(peer);
      if (!link?.isUp || link.neededBy !== 0) continue;
      if (now - link.lastTrafficAt < this.#lingerMs) this.#lingering.arm(now, peer);
      else idle.push(peer);
    }
    return idle;
  }

  nextDeadline(): Millis {
    return this.#lingering.next();
  }
}

function unused(now: Millis): Pick<Link, 'lastTrafficAt' | 'count' | 'countedFrom'> {
  return { lastTrafficAt: now, count: 0, countedFrom: now };
}
