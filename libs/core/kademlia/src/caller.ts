import type { Millis, Outbox, PeerId, PeerInfo } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';
import type { Contact } from './contact.ts';
import type { KademliaEvent, KademliaMessage } from './messages.ts';
import { RoundTrips } from './round-trips.ts';
import type { RoutingTable } from './routing-table.ts';
import { type Rpc, Rpcs } from './rpcs.ts';
import type { KademliaStats } from './stats.ts';

export type Out = Outbox<KademliaMessage, KademliaEvent>;
type WithoutId<M> = M extends KademliaMessage ? Omit<M, 'rpcId'> : never;
export type Question = WithoutId<Extract<KademliaMessage, { kind: 'findNode' | 'findValue' | 'store' }>>;
export type Reply = Extract<KademliaMessage, { kind: 'findNodeReply' | 'findValueReply' | 'storeReply' }>;
export type Call = Rpc<Waiter>;

/** Who made a call. */
export interface Waiter {
  /** The answer, whatever is in it. */
  answered(now: Millis, call: Call, reply: Reply, out: Out): void;
  failed(now: Millis, call: Call, why: 'timeout' | 'linkDown', out: Out): void;
}

/** Calls other peers, over a link that is up or one made for it, and learns from that who answers and how fast. */
export class Caller {
  readonly #config: KademliaConfig;
  readonly #table: RoutingTable;
  readonly #stats: KademliaStats;
  readonly #rpcs: Rpcs<Waiter>;
  readonly #linked = new Map<PeerId, PeerInfo>();
  readonly #overLink: RoundTrips;
  readonly #withDial: RoundTrips;
  /** Somebody wanted to call and found no room. */
  #isWanted = false;

  constructor(config: KademliaConfig, table: RoutingTable, stats: KademliaStats) {
    this.#config = config;
    this.#table = table;
    this.#stats = stats;
    this.#rpcs = new Rpcs(config.rpcTimeoutMs);
    this.#overLink = new RoundTrips(config);
    this.#withDial = new RoundTrips(config);
  }

  get pendingCount(): number {
    return this.#rpcs.size;
  }

  get hasRoom(): boolean {
    const hasRoom = this.#rpcs.size < this.#config.rpcsMax;
    if (!hasRoom) this.#isWanted = true;
    return hasRoom;
  }

  /** Whether there is room again for somebody who found none. Said once. */
  takeRoom(): boolean {
    if (!this.#isWanted || !this.hasRoom) return false;
    this.#isWanted = false;
    return true;
  }

  isLinked(id: PeerId): boolean {
    return this.#linked.has(id);
  }

  linked(id: PeerId): PeerInfo | undefined {
    return this.#linked.get(id);
  }

  /** Longer than this a call to that peer is slow. */
  hedgeMs(id: PeerId): Millis {
    return (this.isLinked(id) ? this.#overLink : this.#withDial).hedgeMs;
  }

  call(now: Millis, to: Contact, question: Question, waiter: Waiter, out: Out): Call {
    const { id } = to.info;
    const call = this.#rpcs.start(now, to, this.isLinked(id), waiter);
    out.open(to.info);
    out.send(id, { ...question, rpcId: call.id } as KademliaMessage);
    return call;
  }

  /** The answer does not matter any more. */
  forget(call: Call, out: Out): void {
    if (this.#rpcs.forget(call.id) !== undefined) this.#release(call, out);
  }

  /** False: nobody asked for it, or no longer. */
  onReply(now: Millis, from: PeerId, reply: Reply, out: Out): boolean {
    const call = this.#rpcs.answer(from, reply.rpcId);
    if (call === undefined) return false;
    this.#release(call, out);
    (call.wasLinked ? this.#overLink : this.#withDial).add(now - call.sentAt);
    call.waiter.answered(now, call, reply, out);
    return true;
  }

  onLinkUp(peer: PeerInfo): void {
    this.#linked.set(peer.id, peer);
  }

  onLinkDown(now: Millis, peer: PeerId, isFailure: boolean, out: Out): void {
    this.#linked.delete(peer);
    if (isFailure) this.#table.failed(now, peer);
    for (let call = this.#rpcs.takeOf(peer); call !== undefined; call = this.#rpcs.takeOf(peer)) {
      this.#stats.linksDown++;
      this.#table.failed(now, peer);
      this.#release(call, out);
      call.waiter.failed(now, call, 'linkDown', out);
    }
  }

  onTime(now: Millis, out: Out): void {
    for (let call = this.#rpcs.expire(now); call !== undefined; call = this.#rpcs.expire(now)) {
      this.#stats.timeouts++;
      this.#table.failed(now, call.to.info.id);
      this.#release(call, out);
      call.waiter.failed(now, call, 'timeout', out);
    }
  }

  nextDeadline(): Millis {
    return this.#rpcs.nextDeadline();
  }

  #release(call: Call, out: Out): void {
    const { id } = call.to.info;
    if (!this.#rpcs.isCalling(id)) out.close(id);
  }
}
