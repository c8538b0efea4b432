import { DeadlineQueue, type Millis, type PeerId } from '@starling/kernel';

/** One try at a peer on behalf of a neighbour. */
export interface Probe {
  readonly target: PeerId;
  readonly requester: PeerId;
  /** The requester's, for the answer. */
  readonly requestNonce: number;
}

/** Probes under way for others, keyed by the nonce of our own ping. Bounded, all with the same deadline. */
export class Probes {
  readonly #capacity: number;
  readonly #byNonce = new Map<number, Probe>();
  readonly #deadlines: DeadlineQueue<number>;

  constructor(capacity: number, timeoutMs: Millis) {
    this.#capacity = capacity;
    this.#deadlines = new DeadlineQueue(timeoutMs);
  }

  get isFull(): boolean {
    return this.#byNonce.size >= this.#capacity;
  }

  start(now: Millis, nonce: number, probe: Probe): void {
    this.#byNonce.set(nonce, probe);
    this.#deadlines.arm(now, nonce);
  }

  /** Ends the probe that `nonce` answers; only its target can answer it. */
  answer(from: PeerId, nonce: number): Probe | undefined {
    const probe = this.#byNonce.get(nonce);
    if (probe?.target !== from) return undefined;
    this.#byNonce.delete(nonce);
    this.#deadlines.cancel(nonce);
    return probe;
  }

  /** Ends and returns one probe of a peer whose link is down. */
  takeOf(target: PeerId): Probe | undefined {
    for (const [nonce, probe] of this.#byNonce) {
      if (probe.target === target) return this.answer(target, nonce);
    }
    return undefined;
  }

  /** Whether somebody still waits for `target`. */
  isProbing(target: PeerId): boolean {
    for (const probe of this.#byNonce.values()) if (probe.target === target) return true;
    return false;
  }

  /** Ends and returns one probe whose time is over. */
  expire(now: Millis): Probe | undefined {
    const nonce = this.#deadlines.expire(now);
    if (nonce === undefined) return undefined;
    const probe = this.#byNonce.get(nonce);
    this.#byNonce.delete(nonce);
    return probe;
  }

  nextDeadline(): Millis {
    return this.#deadlines.next();
  }
}
