import { type Input, type Millis, type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import {
  defaultKademliaConfig,
  Kademlia,
  type KademliaCommand,
  type KademliaConfig,
  type KademliaEvent,
  type KademliaMessage,
  type LookupRecord,
  type LookupResult,
  type UnsignedRecord,
} from '../src/index.ts';

export function infoOf(id: PeerId, zone = ''): PeerInfo {
  return { id, address: `${id}:1`, apiAddress: '', incarnation: 1, zone, name: '' };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** A signature that anybody can check and, in these tests, only `signed` makes. */
export function signed(
  record: Partial<UnsignedRecord> & { readonly key: Uint8Array },
  publisher = 'author',
): LookupRecord {
  const unsigned = { kind: 'value', value: bytesOf('v'), version: 1, expiresAt: 1e8, ...record } as const;
  return { ...unsigned, publisher, publicKey: bytesOf(publisher), signature: bytesOf(seal(unsigned, publisher)) };
}

function seal({ kind, key, value, version, expiresAt }: UnsignedRecord, publisher: PeerId): string {
  return `${publisher}/${kind}/${key.join()}/${value.length}/${version}/${expiresAt}`;
}

export function isSigned(record: LookupRecord): boolean {
  return String.fromCharCode(...record.signature) === seal(record, record.publisher);
}

interface Node {
  readonly info: PeerInfo;
  readonly core: Kademlia;
  readonly links: Set<PeerId>;
  /** Of them, those that this peer has opened and not closed. */
  readonly needed: Set<PeerId>;
  /** `hung`: takes what is sent and says nothing. */
  state: 'up' | 'dead' | 'hung';
  /** How much later than others it hears. */
  lagMs: Millis;
}

interface Due {
  readonly at: Millis;
  readonly run: () => void;
}

/** Lookups between peers that know each other, in virtual time. A dial takes as long as a message there and back. */
export class KademliaNetwork {
  readonly nodes = new Map<PeerId, Node>();
  readonly results = new Map<string, LookupResult>();
  readonly events: KademliaEvent[] = [];
  readonly sent: Record<KademliaMessage['kind'], number> = {
    findNode: 0,
    findNodeReply: 0,
    findValue: 0,
    findValueReply: 0,
    store: 0,
    storeReply: 0,
  };
  readonly config: KademliaConfig;
  readonly latencyMs = 5;
  /** Replaces what a peer says. */
  lie: (from: PeerId, message: KademliaMessage) => KademliaMessage | null = (_from, message) => message;
  readonly #outbox = new RecordingOutbox<KademliaMessage, KademliaEvent>();
  readonly #rng: Rng;
  #queue: Due[] = [];
  now: Millis = 0;

  constructor(infos: readonly PeerInfo[], config: Partial<KademliaConfig> = {}, seed = 1) {
    this.config = { ...defaultKademliaConfig, ...config };
    this.#rng = new Rng(seed);
    for (const info of infos) this.add(info);
    for (const { id } of infos) this.command(id, { kind: 'membersUp', peers: infos });
  }

  add(info: PeerInfo): Node {
    const core = new Kademlia({ config: this.config, self: info, rng: this.#rng.child(), verify: isSigned });
    const node: Node = { info, core, links: new Set(), needed: new Set(), state: 'up', lagMs: 0 };
    this.nodes.set(info.id, node);
    return node;
  }

  node(id: PeerId): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no peer ${id}`);
    return node;
  }

  /** A peer joins and everybody hears of it. */
  join(info: PeerInfo): void {
    this.add(info);
    const all = [...this.nodes.values()].filter(({ state }) => state !== 'dead');
    this.command(info.id, { kind: 'membersUp', peers: all.map((node) => node.info) });
    for (const node of all) this.command(node.info.id, { kind: 'membersUp', peers: [info] });
  }

  /** `isTold`: the directories of the others say so. */
  kill(id: PeerId, isTold: boolean): void {
    this.node(id).state = 'dead';
    for (const other of this.node(id).links) this.#linkDown(other, id, 'lost');
    this.node(id).links.clear();
    if (!isTold) return;
    for (const node of this.nodes.values()) {
      if (node.state === 'up') this.command(node.info.id, { kind: 'memberDown', id });
    }
  }

  command(id: PeerId, command: KademliaCommand): void {
    this.input(id, { kind: 'command', command });
  }

  get(id: PeerId, key: string, options: Partial<Extract<KademliaCommand, { kind: 'get' }>> = {}): LookupResult {
    const lookupId = `get ${this.results.size}`;
    const usual = { recordKind: 'value', publisher: '', answers: 1, limit: 16, paths: 1, timeoutMs: 10_000 } as const;
    this.command(id, { kind: 'get', lookupId, key: bytesOf(key), ...usual, ...options });
    return this.finish(lookupId);
  }

  put(id: PeerId, record: LookupRecord, keep = false): LookupResult {
    const lookupId = `put ${this.results.size}`;
    this.command(id, { kind: 'put', lookupId, record, paths: 1, timeoutMs: 10_000, keep });
    return this.finish(lookupId);
  }

  finish(lookupId: string): LookupResult {
    for (let i = 0; i < 100_000 && !this.results.has(lookupId); i++) if (!this.step()) break;
    const result = this.results.get(lookupId);
    if (result === undefined) throw new Error(`${lookupId} has not ended`);
    return result;
  }

  /** Those who hold a record of a key, nearest to it first. */
  holders(key: string, kind: 'value' | 'provider' = 'value'): PeerId[] {
    const up = [...this.nodes.values()].filter(({ state }) => state === 'up');
    return up
      .filter(({ core }) => core.store.get(this.now, kind, bytesOf(key), '', 1).length > 0)
      .map(({ info }) => info.id);
  }

  run(ms: Millis): void {
    const until = this.now + ms;
    for (;;) {
      const next = Math.min(this.#queue[0]?.at ?? Number.POSITIVE_INFINITY, this.#nextTick());
      if (next > until) break;
      this.step();
    }
    this.now = until;
  }

  /** The next event, or the next tick if that comes first. */
  step(): boolean {
    const tickAt = this.#nextTick();
    const due = this.#queue[0];
    if (due !== undefined && due.at <= tickAt) {
      this.#queue.shift();
      this.now = due.at;
      due.run();
      return true;
    }
    if (tickAt === Number.POSITIVE_INFINITY) return false;
    this.now = Math.max(this.now, tickAt);
    for (const { info, core, state } of this.nodes.values()) {
      if (state === 'up' && core.nextDeadline() <= this.now) this.input(info.id, { kind: 'tick' });
    }
    return true;
  }

  input(id: PeerId, input: Input<KademliaMessage, KademliaCommand>): void {
    const node = this.node(id);
    if (node.state !== 'up') return;
    node.core.handle(this.now, input, this.#outbox);
    for (const effect of this.#outbox.take()) {
      switch (effect.kind) {
        case 'open':
          this.#open(id, effect.peer);
          break;
        case 'send':
          this.#send(id, effect.to, effect.message);
          break;
        case 'emit':
          this.events.push(effect.event);
          if (effect.event.kind === 'finished') this.results.set(effect.event.lookupId, effect.event.result);
          break;
        case 'close':
          this.#close(id, effect.peer);
          break;
      }
    }
  }

  #nextTick(): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const { core, state } of this.nodes.values()) if (state === 'up') next = Math.min(next, core.nextDeadline());
    return next;
  }

  #at(delayMs: Millis, run: () => void): void {
    const at = this.now + delayMs;
    let place = this.#queue.length;
    while (place > 0 && (this.#queue[place - 1] as Due).at > at) place--;
    this.#queue.splice(place, 0, { at, run });
  }

  #open(id: PeerId, peer: PeerInfo): void {
    const node = this.node(id);
    node.needed.add(peer.id);
    if (node.links.has(peer.id)) return;
    node.links.add(peer.id);
    this.#at(2 * this.latencyMs, () => {
      const other = this.nodes.get(peer.id);
      if (other === undefined || other.state === 'dead') {
        node.links.delete(peer.id);
        this.#linkDown(id, peer.id, 'refused');
        return;
      }
      other.links.add(id);
      this.input(id, { kind: 'linkUp', peer: other.info });
      this.input(peer.id, { kind: 'linkUp', peer: node.info });
    });
  }

  /** A link that neither end needs lingers a little; what has not arrived by then does not. */
  #close(id: PeerId, peer: PeerId): void {
    const [here, there] = [this.node(id), this.node(peer)];
    here.needed.delete(peer);
    this.#at(4 * this.latencyMs, () => {
      if (here.needed.has(peer) || there.needed.has(id)) return;
      here.links.delete(peer);
      there.links.delete(id);
    });
  }

  #linkDown(id: PeerId, peer: PeerId, reason: 'lost' | 'refused'): void {
    this.node(id).links.delete(peer);
    this.input(id, { kind: 'linkDown', peer, reason });
  }

  #send(from: PeerId, to: PeerId, said: KademliaMessage): void {
    this.sent[said.kind]++;
    const message = this.lie(from, said);
    if (message === null) return;
    // What is sent before the link is up waits for it.
    this.#at(3 * this.latencyMs + (this.nodes.get(to)?.lagMs ?? 0), () => {
      if (this.node(from).links.has(to)) this.input(to, { kind: 'message', from, message });
    });
  }
}
