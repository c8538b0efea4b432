import { DeadlineQueue, type Millis, type PeerId } from '@starling/kernel';
import type { Contact } from './contact.ts';

/** A call that waits for its answer. `W`: who waits, and what for. */
export interface Rpc<W> {
  readonly id: number;
  readonly to: Contact;
  readonly sentAt: Millis;
  /** Whether the link was up before. */
  readonly wasLinked: boolean;
  readonly waiter: W;
}

/** The calls under way. Bounded by who makes them; all with the same deadline. */
export class Rpcs<W> {
  readonly #calls = new Map<number, Rpc<W>>();
  readonly #deadlines: DeadlineQueue<number>;
  /** Calls under way to each peer. */
  readonly #toPeer = new Map<PeerId, number>();
  #lastId = 0;

  constructor(timeoutMs: Millis) {
    this.#deadlines = new DeadlineQueue(timeoutMs);
  }

  get size(): number {
    return this.#calls.size;
  }

  isCalling(peer: PeerId): boolean {
    return this.#toPeer.has(peer);
  }

  start(now: Millis, to: Contact, wasLinked: boolean, waiter: W): Rpc<W> {
    this.#lastId = (this.#lastId + 1) % 0x1_0000_0000;
    const call = { id: this.#lastId, to, sentAt: now, wasLinked, waiter };
    this.#calls.set(call.id, call);
    this.#deadlines.arm(now, call.id);
    const { id } = to.info;
    this.#toPeer.set(id, (this.#toPeer.get(id) ?? 0) + 1);
    return call;
  }

  /** Ends the call that `id` answers; only who was called can answer. */
  answer(from: PeerId, id: number): Rpc<W> | undefined {
    const call = this.#calls.get(id);
    return call?.to.info.id === from ? this.#end(call) : undefined;
  }

  /** Nobody waits any more. */
  forget(id: number): Rpc<W> | undefined {
    const call = this.#calls.get(id);
    return call === undefined ? undefined : this.#end(call);
  }

  /** Ends and returns one call to a peer whose link is down. */
  takeOf(peer: PeerId): Rpc<W> | undefined {
    if (!this.#toPeer.has(peer)) return undefined;
    for (const call of this.#calls.values()) if (call.to.info.id === peer) return this.#end(call);
    return undefined;
  }

  /** Ends and returns one call whose time is over. */
  expire(now: Millis): Rpc<W> | undefined {
    const id = this.#deadlines.expire(now);
    return id === undefined ? undefined : this.forget(id);
  }

  nextDeadline(): Millis {
    return this.#deadlines.next();
  }

  #end(call: Rpc<W>): Rpc<W> {
    this.#calls.delete(call.id);
    this.#deadlines.cancel(call.id);
    const { id } = call.to.info;
    const left = (this.#toPeer.get(id) ?? 1) - 1;
    if (left > 0) this.#toPeer.set(id, left);
    else this.#toPeer.delete(id);
    return call;
  }
}
