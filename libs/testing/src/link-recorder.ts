import type { TransportHandler } from '@starling/host';
import type { LinkDownReason, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';

export type LinkEvent =
  | { readonly kind: 'up'; readonly peer: PeerInfo }
  | { readonly kind: 'message'; readonly from: PeerId; readonly message: MeshMessage<Uint8Array> }
  | { readonly kind: 'down'; readonly peer: PeerId; readonly reason: LinkDownReason };

/** A transport's handler that writes down what it is told, and can be waited on. */
export class LinkRecorder implements TransportHandler<Uint8Array> {
  readonly events: LinkEvent[] = [];
  /** Whom it bans. */
  readonly banned = new Set<PeerId>();
  readonly #waiters = new Set<() => void>();
  #inHostCall = false;

  /** True when a handler was called from inside a call of the host into the transport, which the port forbids. */
  reentered = false;

  linkUp(peer: PeerInfo): void {
    this.#add({ kind: 'up', peer });
  }

  isBanned(peer: PeerId): boolean {
    return this.banned.has(peer);
  }

  batch(deliver: () => void): void {
    deliver();
  }

  message(from: PeerId, message: MeshMessage<Uint8Array>): void {
    this.#add({ kind: 'message', from, message });
  }

  linkDown(peer: PeerId, reason: LinkDownReason): void {
    this.#add({ kind: 'down', peer, reason });
  }

  /** Runs a call into the transport, and notices when it calls back at once. */
  call<T>(run: () => T): T {
    this.#inHostCall = true;
    try {
      return run();
    } finally {
      this.#inHostCall = false;
    }
  }

  of<K extends LinkEvent['kind']>(kind: K): Extract<LinkEvent, { readonly kind: K }>[] {
    return this.events.filter((event): event is Extract<LinkEvent, { readonly kind: K }> => event.kind === kind);
  }

  /** Resolves as soon as `condition` holds, at once or after an event. The test's own timeout bounds it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  async untilUp(count = 1): Promise<void> {
    await this.until(() => this.of('up').length >= count);
  }

  async untilDown(count = 1): Promise<LinkDownReason[]> {
    await this.until(() => this.of('down').length >= count);
    return this.of('down').map((event) => event.reason);
  }

  async untilMessages(count: number): Promise<MeshMessage<Uint8Array>[]> {
    await this.until(() => this.of('message').length >= count);
    return this.of('message').map((event) => event.message);
  }

  #add(event: LinkEvent): void {
    if (this.#inHostCall) this.reentered = true;
    this.events.push(event);
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}
