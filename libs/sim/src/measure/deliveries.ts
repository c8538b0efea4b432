import type { Millis } from '@starling/kernel';
import type { SimPeer } from '../engine/peer.ts';
import type { World } from '../engine/world.ts';
import type { WorldObserver } from '../engine/world-port.ts';
import type { SwarmCommand, SwarmEvent, SwarmMessage } from '../node/swarm-node.ts';

/** What became of one broadcast. */
export interface BroadcastRecord {
  readonly origin: number;
  readonly publishedAt: Millis;
  /** Peers that delivered it, the origin included. */
  delivered: number;
  /** Copies of the payload that were sent. */
  payloads: number;
  /** Links that the copy to the last peer crossed (LDH). */
  lastHop: number;
  lastAt: Millis;
}

/** Follows every broadcast of a swarm from its publication to its last delivery. */
export class Deliveries implements WorldObserver<SwarmMessage, SwarmCommand, SwarmEvent> {
  readonly records: BroadcastRecord[] = [];
  /** Deliveries of what the peer had delivered before: integrity says none. */
  repeats = 0;
  /** Messages of the broadcast that are no payload. */
  control = 0;
  /** Per broadcast, one byte per peer. */
  readonly #seen: Uint8Array[] = [];
  readonly #world: World<SwarmMessage, SwarmCommand, SwarmEvent>;

  constructor(world: World<SwarmMessage, SwarmCommand, SwarmEvent>) {
    this.#world = world;
    world.observe(this);
  }

  /** Publishes through a peer; returns the record, which goes on changing. */
  publish(origin: SimPeer<SwarmMessage, SwarmCommand, SwarmEvent>): BroadcastRecord {
    const { now, peers } = this.#world;
    const record = { origin: origin.index, publishedAt: now, delivered: 0, payloads: 0, lastHop: 0, lastAt: now };
    const body = this.records.push(record) - 1;
    this.#seen.push(new Uint8Array(peers.length));
    this.#world.command(origin, { kind: 'broadcast', body, wantHeld: false, ephemeral: false });
    return record;
  }

  sent(_from: unknown, _to: unknown, message: SwarmMessage): void {
    if (message.kind === 'gossip') {
      const record = this.records[message.body];
      if (record !== undefined) record.payloads++;
    } else if (message.kind === 'iHave' || message.kind === 'graft' || message.kind === 'prune') this.control++;
  }

  event(peer: SimPeer<SwarmMessage, SwarmCommand, SwarmEvent>, event: SwarmEvent, now: Millis): void {
    if (event.kind !== 'delivered') return;
    const { body, round } = event.message;
    const record = this.records[body];
    const seen = this.#seen[body];
    if (record === undefined || seen === undefined) return;
    if (seen[peer.index] === 1) {
      this.repeats++;
      return;
    }
    seen[peer.index] = 1;
    record.delivered++;
    record.lastHop = Math.max(record.lastHop, round);
    record.lastAt = now;
  }

  /** Did this peer deliver the broadcast? */
  has(record: BroadcastRecord, peer: number): boolean {
    return this.#seen[this.records.indexOf(record)]?.[peer] === 1;
  }
}

/** Plumtree §4.1: copies of the payload beyond the one that each receiver needs, per receiver. 0 is a tree, 1 is twice as many. */
export function relativeRedundancy({ payloads, delivered }: BroadcastRecord): number {
  return delivered < 2 ? 0 : payloads / (delivered - 1) - 1;
}
