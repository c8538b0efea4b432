import {
  type Contact,
  comparePositions,
  defaultKademliaConfig,
  Kademlia,
  type KademliaCommand,
  type KademliaConfig,
  type KademliaEvent,
  type KademliaMessage,
  type LookupRecord,
  type LookupResult,
  type Position,
  positionOfPeer,
} from '@starling/core-kademlia';
import { assert, type Input, type Millis, type PeerId, type PeerInfo, RecordingOutbox, Rng } from '@starling/kernel';
import { EventQueue, msFromTicks, ticksFromMs } from '../engine/event-queue.ts';
import { TraceHash } from '../engine/trace-hash.ts';

export interface LookupNetwork {
  /** There and back between two peers. */
  rttMs(a: LookupPeer, b: LookupPeer): Millis;
  /** Round trips that a dial takes before the first message can go. 0: links are up. */
  readonly dialRtts: number;
}

export interface LookupPeer {
  readonly number: number;
  readonly info: PeerInfo;
  core: Kademlia;
  /** `silent`: the host is gone and nobody has noticed. */
  state: 'up' | 'silent' | 'gone';
  /** When its links, by the other's number, can carry the first message. */
  readonly links: Map<number, Millis>;
  tickAt: Millis;
}

type Payload = Input<KademliaMessage, KademliaCommand>;

export interface LookupWorldOptions {
  readonly peers: number;
  readonly seed: number;
  readonly config: Partial<KademliaConfig>;
  readonly network: LookupNetwork;
  /** Zone of a peer. */
  readonly zoneOf?: (number: number) => string;
}

/**
 * The product's Kademlia core, thousands of times, over a network that is nothing but delays: no membership, no broadcast. What
 * the directory would say, the scenario says. It is what a lookup depends on, at a hundredth of the cost of whole meshes.
 */
export class LookupWorld {
  readonly peers: LookupPeer[] = [];
  readonly rng: Rng;
  readonly config: KademliaConfig;
  /** Changes what a peer says; null: it swallows it. */
  lie: (from: LookupPeer, to: LookupPeer, said: KademliaMessage) => KademliaMessage | null = (_from, _to, said) => said;
  events = 0;
  readonly #options: LookupWorldOptions;
  readonly #byId = new Map<PeerId, LookupPeer>();
  readonly #positions = new Map<PeerId, Position>();
  readonly #queue = new EventQueue<LookupPeer, Payload>();
  readonly #outbox = new RecordingOutbox<KademliaMessage, KademliaEvent>();
  readonly #results = new Map<string, LookupResult>();
  readonly #trace = new TraceHash();
  #lookups = 0;

  constructor(options: LookupWorldOptions) {
    this.#options = options;
    this.rng = new Rng(options.seed);
    this.config = { ...defaultKademliaConfig, ...options.config };
    for (let i = 0; i < options.peers; i++) this.add();
  }

  get now(): Millis {
    return msFromTicks(this.#queue.now);
  }

  get traceHash(): string {
    return this.#trace.digest();
  }

  add(): LookupPeer {
    const number = this.peers.length;
    const id = `p${number}-${this.#options.seed}`;
    const zone = this.#options.zoneOf?.(number) ?? '';
    const info = { id, address: '', apiAddress: '', incarnation: 1, zone, name: '' };
    const core = new Kademlia({
      ...{ config: this.config, self: info, rng: this.rng.child(), verify: () => true },
      positionOf: (of) => this.positionOf(of),
    });
    const peer: LookupPeer = { number, info, core, state: 'up', links: new Map(), tickAt: Number.POSITIVE_INFINITY };
    this.peers.push(peer);
    this.#byId.set(id, peer);
    return peer;
  }

  positionOf(id: PeerId): Position {
    let position = this.#positions.get(id);
    if (position === undefined) {
      position = positionOfPeer(id);
      this.#positions.set(id, position);
    }
    return position;
  }

  peerOf(id: PeerId): LookupPeer {
    const peer = this.#byId.get(id);
    assert(peer !== undefined, 'only peers of this world are named');
    return peer;
  }

  /** Tells a peer of all others that are not gone. */
  tellAll(peer: LookupPeer): void {
    const peers = this.peers.filter(({ state }) => state !== 'gone').map(({ info }) => info);
    this.command(peer, { kind: 'membersUp', peers });
  }

  /** Fills every table with random peers of each bucket, as the directory's news would, at a thousandth of the work. */
  fillBuckets(): void {
    const sorted: Contact[] = this.peers.map(({ info }) => ({ info, position: this.positionOf(info.id) }));
    sorted.sort((a, b) => comparePositions(a.position, b.position));
    const bitOf = (at: number, bit: number): number => {
      const word = (sorted[at] as Contact).position[bit >>> 5] as number;
      return (word >>> (31 - (bit & 31))) & 1;
    };
    sorted.forEach(({ info }, at) => {
      const peers: PeerInfo[] = [];
      let [low, high] = [0, sorted.length];
      for (let bit = 0; high - low > 1; bit++) {
        let [from, to] = [low, high];
        while (from < to) {
          const middle = (from + to) >>> 1;
          if (bitOf(middle, bit) === 0) from = middle + 1;
          else to = middle;
        }
        const isHigh = bitOf(at, bit) === 1;
        const others = isHigh ? sorted.slice(low, from) : sorted.slice(from, high);
        for (const { info: other } of this.rng.sample(others, this.config.k)) peers.push(other);
        if (isHigh) low = from;
        else high = from;
      }
      this.command(this.peerOf(info.id), { kind: 'membersUp', peers });
    });
  }

  get(origin: LookupPeer, key: Uint8Array, paths = 1): string {
    const lookupId = String(this.#lookups++);
    const wanted = { recordKind: 'value', publisher: '', answers: 1, limit: 1, paths, timeoutMs: 60_000 } as const;
    this.command(origin, { kind: 'get', lookupId, key, ...wanted });
    return lookupId;
  }

  put(origin: LookupPeer, key: Uint8Array, paths = 1, lifeMs: Millis = 86_400_000): string {
    const lookupId = String(this.#lookups++);
    const nothing = new Uint8Array();
    const record: LookupRecord = {
      ...{ kind: 'value', key, value: nothing, version: 1, expiresAt: this.now + lifeMs },
      ...{ publisher: origin.info.id, publicKey: nothing, signature: nothing },
    };
    this.command(origin, { kind: 'put', lookupId, record, paths, timeoutMs: 60_000, keep: false });
    return lookupId;
  }

  /** Runs until these lookups have ended; they all do, by their deadlines. */
  finish(lookupIds: readonly string[]): LookupResult[] {
    const open = new Set(lookupIds);
    for (const id of lookupIds) if (this.#results.has(id)) open.delete(id);
    const until = ticksFromMs(this.now + 120_000);
    while (open.size > 0) {
      assert(this.#queue.take(until), 'every lookup ends');
      this.#take();
      for (const id of open) if (this.#results.has(id)) open.delete(id);
    }
    return lookupIds.map((id) => {
      const result = this.#results.get(id) as LookupResult;
      this.#results.delete(id);
      return result;
    });
  }

  run(ms: Millis): void {
    const until = ticksFromMs(this.now + ms);
    while (this.#queue.take(until)) this.#take();
  }

  command(peer: LookupPeer, command: KademliaCommand): void {
    this.#handle(peer, { kind: 'command', command });
  }

  #take(): void {
    const { kind, subject, payload } = this.#queue;
    const peer = subject as LookupPeer;
    if (kind === tick) {
      if (peer.tickAt > this.now) return;
      peer.tickAt = Number.POSITIVE_INFINITY;
      this.#handle(peer, { kind: 'tick' });
    } else this.#handle(peer, payload as Payload);
  }

  #handle(peer: LookupPeer, input: Payload): void {
    if (peer.state !== 'up') return;
    this.events++;
    this.#trace.add(peer.number);
    this.#trace.add(this.#queue.now | 0);
    const { now } = this;
    peer.core.handle(now, input, this.#outbox);
    for (const effect of this.#outbox.take()) {
      if (effect.kind === 'open') this.#open(peer, effect.peer.id);
      else if (effect.kind === 'send') this.#send(peer, effect.to, effect.message);
      else if (effect.kind === 'emit' && effect.event.kind === 'finished') {
        this.#results.set(effect.event.lookupId, effect.event.result);
      }
    }
    const next = peer.core.nextDeadline();
    if (next < peer.tickAt) {
      peer.tickAt = msFromTicks(ticksFromMs(Math.max(next, now)));
      this.#queue.add(ticksFromMs(peer.tickAt), tick, peer, null);
    }
  }

  /** A silent host answers no dial: the call's own time has to run out. One that is known to be gone refuses. */
  #open(peer: LookupPeer, id: PeerId): void {
    const other = this.peerOf(id);
    if (peer.links.has(other.number)) return;
    const rttMs = this.#options.network.rttMs(peer, other);
    if (other.state === 'gone') {
      const input = { kind: 'linkDown', peer: id, reason: 'refused' } as const;
      this.#queue.add(ticksFromMs(this.now + rttMs), deliver, peer, input);
      return;
    }
    if (other.state === 'silent') return;
    const upAt = this.now + rttMs * this.#options.network.dialRtts;
    for (const [one, two] of [
      [peer, other],
      [other, peer],
    ] as const) {
      one.links.set(two.number, upAt);
      this.#queue.add(ticksFromMs(upAt), deliver, one, { kind: 'linkUp', peer: two.info });
    }
  }

  #send(from: LookupPeer, to: PeerId, said: KademliaMessage): void {
    const other = this.peerOf(to);
    const message = this.lie(from, other, said);
    const upAt = from.links.get(other.number);
    if (message === null || upAt === undefined) return;
    const at = Math.max(this.now, upAt) + this.#options.network.rttMs(from, other) / 2;
    this.#queue.add(ticksFromMs(at), deliver, other, { kind: 'message', from: from.info.id, message });
  }
}

const deliver = 0;
const tick = 1;

/** A key that no other number has. */
export function keyOf(number: number): Uint8Array {
  return Uint8Array.from(`key ${number}`, (letter) => letter.charCodeAt(0));
}
