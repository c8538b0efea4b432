import type { PeerId, PeerInfo } from '@starling/kernel';
import type { Dial, Inbound } from './handshake.ts';
import type { Link } from './link.ts';
import type { SendQueue } from './send-queue.ts';

/** All that there is with one other peer. */
export interface Slot {
  readonly id: PeerId;
  link: Link | null;
  /** The dial that `open` asked for. */
  dial: Dial | null;
  /** Dials that were answered, or refused because of a stream of the other side, which they wait for; `dial` may be among them. */
  readonly waiting: Set<Dial>;
  /** Streams of the other side that it has not confirmed. */
  readonly inbounds: Set<Inbound>;
  /** What was sent before the link is up. Goes into it, whoever dialled. */
  queue: SendQueue | null;
  /** A link that is being flushed, and whom to dial when it is done. */
  closing: Link | null;
  reopen: PeerInfo | null;
}

/** The slots that are in use. Bounded by the streams that there are. */
export class Slots {
  readonly #slots = new Map<PeerId, Slot>();

  get(id: PeerId): Slot | undefined {
    return this.#slots.get(id);
  }

  /** Makes it when there is none. */
  of(id: PeerId): Slot {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = {
        id,
        link: null,
        dial: null,
        waiting: new Set(),
        inbounds: new Set(),
        queue: null,
        closing: null,
        reopen: null,
      };
      this.#slots.set(id, slot);
    }
    return slot;
  }

  /** The peers that a link is up with. */
  linked(): PeerId[] {
    return [...this.#slots.values()].filter(({ link }) => link !== null).map(({ id }) => id);
  }

  /** Forgets a slot that nothing is left in. */
  sweep(slot: Slot): void {
    const isInUse = slot.link ?? slot.dial ?? slot.closing ?? slot.reopen;
    if (isInUse !== null || slot.waiting.size > 0 || slot.inbounds.size > 0) return;
    if (this.#slots.get(slot.id) === slot) this.#slots.delete(slot.id);
  }
}
