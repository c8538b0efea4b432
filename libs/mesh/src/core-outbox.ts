import type { Outbox, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshMessage } from './messages.ts';

/** What a core's outbox needs of the mesh around it. */
export interface MeshSide<B> {
  /** The core of this `bit` needs a link to `peer`. */
  openLink(peer: PeerInfo, bit: number): void;
  send(to: PeerId, message: MeshMessage<B>): void;
  /** The core of this `bit` needs it no longer. */
  releaseLink(peer: PeerId, bit: number): void;
}

/**
 * One core's outbox inside a mesh: wraps messages with their area, counts who needs which link, and keeps events until the
 * core has returned.
 */
export class CoreOutbox<B, M, E> implements Outbox<M, E> {
  readonly #side: MeshSide<B>;
  readonly #bit: number;
  readonly #wrap: (message: M) => MeshMessage<B>;
  readonly #onEvent: (event: E) => void;
  #lastMessage: M | undefined;
  #lastWrapped: MeshMessage<B> | undefined;

  constructor(side: MeshSide<B>, bit: number, wrap: (message: M) => MeshMessage<B>, onEvent: (event: E) => void) {
    this.#side = side;
    this.#bit = bit;
    this.#wrap = wrap;
    this.#onEvent = onEvent;
  }

  open(peer: PeerInfo): void {
    this.#side.openLink(peer, this.#bit);
  }

  send(to: PeerId, message: M): void {
    // A forward sends one message to several neighbours: wrap it once, so that the transport can also encode it once.
    if (message !== this.#lastMessage || this.#lastWrapped === undefined) {
      this.#lastMessage = message;
      this.#lastWrapped = this.#wrap(message);
    }
    this.#side.send(to, this.#lastWrapped);
  }

  close(peer: PeerId): void {
    this.#side.releaseLink(peer, this.#bit);
  }

  emit(event: E): void {
    this.#onEvent(event);
  }

  /** Forgets the last message, so that its bytes are not kept alive by this shortcut. */
  forget(): void {
    this.#lastMessage = undefined;
    this.#lastWrapped = undefined;
  }
}
