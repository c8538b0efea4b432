import { DeadlineQueue, type Millis, type PeerId, type PeerInfo, SmallMap } from '@starling/kernel';

/**
 * Why a peer was asked. `join`: a contact of a peer without neighbours. `fill`: a free place. `forwardJoin`: a walk ended
 * here. `near`: a swap for a nearer link. `bridge`: perhaps another island.
 */
export type AttemptPurpose = 'join' | 'fill' | 'forwardJoin' | 'near' | 'bridge';

/** A request that is on its way. */
export interface Attempt {
  readonly peer: PeerInfo;
  readonly purpose: AttemptPurpose;
  /** The neighbour that goes if the answer is yes and there is no room. */
  readonly dropping: PeerInfo | null;
}

/** The requests in flight, at most one per peer, bounded, all with the same deadline; after `patienceMs` they are no longer counted on. */
export class Attempts {
  readonly #capacity: number;
  readonly #byPeer = new SmallMap<Attempt>();
  readonly #deadlines: DeadlineQueue<PeerId>;
  readonly #filling: DeadlineQueue<PeerId>;

  constructor(capacity: number, patienceMs: Millis, timeoutMs: Millis) {
    this.#capacity = capacity;
    this.#deadlines = new DeadlineQueue(timeoutMs);
    this.#filling = new DeadlineQueue(patienceMs);
  }

  get isFull(): boolean {
    return this.#byPeer.size >= this.#capacity;
  }

  /** Those that are to end in a free place, `join` and `fill`, and may be expected to. */
  get filling(): number {
    return this.#filling.size;
  }

  has(peer: PeerId): boolean {
    return this.#byPeer.has(peer);
  }

  get(peer: PeerId): Attempt | undefined {
    return this.#byPeer.get(peer);
  }

  start(now: Millis, attempt: Attempt): void {
    this.#byPeer.set(attempt.peer.id, attempt);
    this.#deadlines.arm(now, attempt.peer.id);
    if (isFilling(attempt)) this.#filling.arm(now, attempt.peer.id);
  }

  /** Ends an attempt: it was answered, overtaken or failed. */
  take(peer: PeerId): Attempt | undefined {
    const attempt = this.#byPeer.get(peer);
    if (attempt === undefined) return undefined;
    this.#byPeer.delete(peer);
    this.#deadlines.cancel(peer);
    this.#filling.cancel(peer);
    return attempt;
  }

  /** Ends and returns one attempt whose time is over. */
  expire(now: Millis): Attempt | undefined {
    const peer = this.#deadlines.expire(now);
    return peer === undefined ? undefined : this.take(peer);
  }

  /** Ends the patience with those that are slow; whether there were any. They may still be answered. */
  expirePatience(now: Millis): boolean {
    const { size } = this.#filling;
    while (this.#filling.expire(now) !== undefined);
    return this.#filling.size < size;
  }

  /** The peers asked, in the order of asking. */
  peers(): PeerId[] {
    return this.#byPeer.keys();
  }

  nextDeadline(): Millis {
    return Math.min(this.#deadlines.next(), this.#filling.next());
  }
}

function isFilling(attempt: Attempt): boolean {
  return attempt.purpose === 'join' || attempt.purpose === 'fill';
}
