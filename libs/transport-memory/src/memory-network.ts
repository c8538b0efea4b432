import type { PeerInfo } from '@starling/kernel';
import type { MemoryTransport } from './memory-transport.ts';

/** What transports that can reach each other share: who listens where. */
export class MemoryNetwork<B> {
  readonly #listeners = new Map<string, MemoryTransport<B>>();
  #nextPort = 1;

  /** An address that nobody has. */
  freeAddress(): string {
    return `memory:${this.#nextPort++}`;
  }

  /** Throws when the address is taken. */
  listen(self: PeerInfo, transport: MemoryTransport<B>): void {
    if (this.#listeners.has(self.address)) throw new Error(`${self.address} is taken`);
    this.#listeners.set(self.address, transport);
  }

  close(address: string): void {
    this.#listeners.delete(address);
  }

  at(address: string): MemoryTransport<B> | undefined {
    return this.#listeners.get(address);
  }
}
