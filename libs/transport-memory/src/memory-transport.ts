import {
  ContactError,
  type ContactFailure,
  type LinkStats,
  type Transport,
  type TransportHandler,
} from '@starling/host';
import type { LinkDownReason, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import type { MemoryNetwork } from './memory-network.ts';

/** One end of a link. */
interface End<B> {
  readonly peer: PeerInfo;
  /** The other end's transport. */
  readonly remote: MemoryTransport<B>;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
}

/**
 * Links inside one process, for tests of what stands on a transport: the same promises as over a network, without its
 * faults. A step (a dial, a message, an end) takes one turn of the microtask queue, so calls never come back at once.
 */
export class MemoryTransport<B> implements Transport<B> {
  readonly #network: MemoryNetwork<B>;
  readonly #sizeOf: (body: B) => number;
  readonly #links = new Map<PeerId, End<B>>();
  /** What was sent before the link is up. */
  readonly #dialling = new Map<PeerId, MeshMessage<B>[]>();
  #self: PeerInfo | null = null;
  #handler: TransportHandler<B> | null = null;

  /** `sizeOf`: bytes of a body, for the statistics. */
  constructor(network: MemoryNetwork<B>, sizeOf: (body: B) => number) {
    this.#network = network;
    this.#sizeOf = sizeOf;
  }

  async start(self: PeerInfo, handler: TransportHandler<B>): Promise<void> {
    this.#network.listen(self, this);
    this.#self = self;
    this.#handler = handler;
  }

  setSelf(self: PeerInfo): void {
    this.#self = self;
  }

  open(peer: PeerInfo): void {
    if (this.#self === null || this.#links.has(peer.id) || this.#dialling.has(peer.id)) return;
    this.#dialling.set(peer.id, []);
    soon(() => {
      const queued = this.#dialling.get(peer.id);
      this.#dialling.delete(peer.id);
      // Closed meanwhile, or the other side was faster.
      if (queued === undefined) return;
      if (typeof this.#connect(peer.address, peer.id) === 'string') this.#handler?.linkDown(peer.id, 'refused');
      else for (const message of queued) this.send(peer.id, message);
    });
  }

  async contact(address: string): Promise<PeerInfo> {
    // A dial takes a turn here too.
    await Promise.resolve();
    const outcome = this.#connect(address, null);
    if (typeof outcome === 'string') throw new ContactError(address, outcome, outcome);
    return outcome;
  }

  send(to: PeerId, message: MeshMessage<B>): boolean {
    const end = this.#links.get(to);
    const self = this.#self;
    if (end === undefined || self === null) {
      const queued = this.#dialling.get(to);
      queued?.push(message);
      return queued !== undefined;
    }
    const bytes = this.#bytesOf(message);
    end.messagesOut++;
    end.bytesOut += bytes;
    const { remote } = end;
    const there = remote.#links.get(self.id);
    soon(() => remote.#receive(self.id, there, message, bytes));
    return true;
  }

  close(peer: PeerId): void {
    if (this.#dialling.delete(peer)) soon(() => this.#handler?.linkDown(peer, 'closed'));
    else this.#end(peer);
  }

  stats(peer: PeerId): LinkStats | undefined {
    const end = this.#links.get(peer);
    if (end === undefined) return undefined;
    const { messagesIn, messagesOut, bytesIn, bytesOut } = end;
    return { messagesIn, messagesOut, bytesIn, bytesOut, queuedBytes: 0 };
  }

  async stop(): Promise<void> {
    if (this.#self === null) return;
    this.#network.close(this.#self.address);
    for (const peer of [...this.#dialling.keys(), ...this.#links.keys()]) this.close(peer);
    this.#self = null;
    // What was queued for the others is heard before this resolves.
    await Promise.resolve();
  }

  /** Links both ends, or finds them linked; else says why not. */
  #connect(address: string, expected: PeerId | null): PeerInfo | ContactFailure {
    const self = this.#self;
    if (self === null) return 'stopped';
    const remote = this.#network.at(address);
    if (remote === undefined || remote.#self === null) return 'unreachable';
    const peer = remote.#self;
    if (peer.id === self.id) return 'self';
    if (expected !== null && peer.id !== expected) return 'wrong-peer';
    if (this.#handler?.isBanned?.(peer.id) || remote.#handler?.isBanned?.(self.id)) return 'banned';
    if (!this.#links.has(peer.id)) {
      const queued = remote.#dialling.get(self.id) ?? [];
      this.#links.set(peer.id, newEnd(peer, remote));
      remote.#links.set(self.id, newEnd(self, this));
      remote.#dialling.delete(self.id);
      this.#handler?.linkUp(peer);
      remote.#handler?.linkUp(self);
      for (const message of queued) remote.send(self.id, message);
    }
    return this.#links.get(peer.id)?.peer ?? peer;
  }

  #receive(from: PeerId, end: End<B> | undefined, message: MeshMessage<B>, bytes: number): void {
    if (end === undefined || this.#links.get(from) !== end) return;
    end.messagesIn++;
    end.bytesIn += bytes;
    this.#handler?.message(from, message);
  }

  /** Ends a link: this side at once for its own calls, both sides' hosts in order behind what was sent. */
  #end(peer: PeerId): void {
    const end = this.#links.get(peer);
    const self = this.#self;
    if (end === undefined || self === null) return;
    const { remote } = end;
    const there = remote.#links.get(self.id);
    this.#links.delete(peer);
    soon(() => {
      this.#handler?.linkDown(peer, 'closed');
      remote.#ended(self.id, there, 'closed');
    });
  }

  #ended(peer: PeerId, end: End<B> | undefined, reason: LinkDownReason): void {
    if (end === undefined || this.#links.get(peer) !== end) return;
    this.#links.delete(peer);
    this.#handler?.linkDown(peer, reason);
  }

  #bytesOf(message: MeshMessage<B>): number {
    const isGossip = message.area === 'broadcast' && message.message.kind === 'gossip';
    return 32 + (isGossip ? this.#sizeOf(message.message.body) : 0);
  }
}

/** In a turn of its own. The language's own way, because this library knows no platform. */
function soon(step: () => void): void {
  void Promise.resolve().then(step);
}

function newEnd<B>(peer: PeerInfo, remote: MemoryTransport<B>): End<B> {
  return { peer, remote, messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };
}
