import type { Outbox, PeerId, PeerInfo } from './protocol.ts';

/** One recorded decision of a core. */
export type Effect<M, E> =
  | { readonly kind: 'open'; readonly peer: PeerInfo }
  | { readonly kind: 'send'; readonly to: PeerId; readonly message: M }
  | { readonly kind: 'close'; readonly peer: PeerId }
  | { readonly kind: 'emit'; readonly event: E };

/** Turns decisions into data: for unit tests, golden traces and hand-over between cores. */
export class RecordingOutbox<M, E> implements Outbox<M, E> {
  #effects: Effect<M, E>[] = [];

  open(peer: PeerInfo): void {
    this.#effects.push({ kind: 'open', peer });
  }

  send(to: PeerId, message: M): void {
    this.#effects.push({ kind: 'send', to, message });
  }

  close(peer: PeerId): void {
    this.#effects.push({ kind: 'close', peer });
  }

  emit(event: E): void {
    this.#effects.push({ kind: 'emit', event });
  }

  /** Returns what was recorded since the last call, in order, and forgets it. */
  take(): Effect<M, E>[] {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }
}
