import {
  type Input,
  type LinkDownReason,
  type Millis,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { Caller, type Out } from './caller.ts';
import { assertKademliaConfig, type KademliaConfig } from './config.ts';
import { GetTask } from './get-task.ts';
import { HopLog } from './hop-log.ts';
import type {
  KademliaCommand,
  KademliaEvent,
  KademliaMessage,
  LookupOutcome,
  LookupResult,
  StoreOutcome,
} from './messages.ts';
import { compareDistance, type Position } from './position.ts';
import { PublishedRecords } from './published.ts';
import { PutTask } from './put-task.ts';
import { type LookupRecord, positionOfRecord, type RecordVerifier, recordBytes } from './record.ts';
import { RecordStore } from './record-store.ts';
import { Replication } from './replication.ts';
import { RoutingTable } from './routing-table.ts';
import { type KademliaStats, newKademliaStats } from './stats.ts';
import { isValid, isWithinBounds, resultOf, type Shared, type Task } from './task.ts';

type FindValue = Extract<KademliaMessage, { kind: 'findValue' }>;
type Put = Extract<KademliaCommand, { kind: 'put' }>;
type Get = Extract<KademliaCommand, { kind: 'get' }>;

const never = Number.POSITIVE_INFINITY;

export interface KademliaOptions {
  readonly config: KademliaConfig;
  readonly self: PeerInfo;
  readonly rng: Rng;
  /** Judges every record before it is held or believed. */
  readonly verify: RecordVerifier;
  /** Where peers stand, when not at the hash of their ids: for a simulator that shares the work. */
  readonly positionOf?: (id: PeerId) => Position;
}

/**
 * Exact lookup by key over the peers of the mesh: Kademlia (Maymounkov and Mazières, IPTPS 2002) over 256 bits, with disjoint
 * paths (S/Kademlia, Baumgart and Mies, ICPADS 2007), and one hop while all members fit into a table.
 *
 * Every collection is bounded by `KademliaConfig`; links by the transport.
 */
export class Kademlia implements ProtocolCore<KademliaMessage, KademliaCommand, KademliaEvent> {
  readonly stats: KademliaStats = newKademliaStats();
  readonly store: RecordStore;
  readonly table: RoutingTable;
  readonly #config: KademliaConfig;
  readonly #rng: Rng;
  readonly #shared: Shared;
  readonly #caller: Caller;
  readonly #replication: Replication;
  readonly #published: PublishedRecords;
  readonly #tasks = new Map<string, Task>();
  #housekeepingAt: Millis = never;
  #republications = 0;
  /** Stores judged in the second that began at … */
  #storesFrom: Millis = Number.NEGATIVE_INFINITY;
  #storesCount = 0;

  constructor({ config, self, rng, verify, positionOf }: KademliaOptions) {
    assertKademliaConfig(config);
    this.#config = config;
    this.#rng = rng;
    this.table = new RoutingTable(config, self, positionOf);
    this.store = new RecordStore(config, this.table.self.position);
    this.#caller = new Caller(config, this.table, this.stats);
    const { table, store, stats } = this;
    this.#shared = { config, rng, table, caller: this.#caller, store, stats, verify };
    this.#replication = new Replication(this.#shared);
    this.#published = new PublishedRecords(config);
  }

  /** Lookups under way. */
  get activeCount(): number {
    return this.#tasks.size;
  }

  /** Calls under way. */
  get pendingCount(): number {
    return this.#caller.pendingCount;
  }

  /** Records that this peer publishes again and again. */
  get publishedCount(): number {
    return this.#published.count;
  }

  /** Copies for others that wait for their turn. */
  get copiesQueued(): number {
    return this.#replication.queued;
  }

  handle(now: Millis, input: Input<KademliaMessage, KademliaCommand>, out: Out): void {
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        break;
      case 'linkUp':
        this.#caller.onLinkUp(input.peer);
        this.table.alive(input.peer.id);
        break;
      case 'linkDown':
        this.#onLinkDown(now, input.peer, input.reason, out);
        break;
      case 'command':
        this.#onCommand(now, input.command, out);
        break;
      case 'tick':
        break;
      default:
        unreachable(input);
    }
    this.#onTime(now, out);
  }

  nextDeadline(): Millis {
    let next = Math.min(this.#caller.nextDeadline(), this.#replication.nextDeadline(), this.#housekeepingAt);
    for (const task of this.#tasks.values()) next = Math.min(next, task.nextDeadline());
    return next;
  }

  #onMessage(now: Millis, from: PeerId, message: KademliaMessage, out: Out): void {
    const peer = this.#caller.linked(from);
    if (peer !== undefined) this.table.heard(peer);
    switch (message.kind) {
      case 'findNode': {
        const { rpcId, target } = message;
        this.stats.served++;
        out.send(from, { kind: 'findNodeReply', rpcId, peers: this.#nearest(now, target, from) });
        return;
      }
      case 'findValue':
        this.#onFindValue(now, from, message, out);
        return;
      case 'store': {
        const { rpcId, record } = message;
        this.stats.served++;
        out.send(from, { kind: 'storeReply', rpcId, outcome: this.#onStore(now, from, record, out) });
        return;
      }
      case 'findNodeReply':
      case 'findValueReply':
      case 'storeReply':
        this.#caller.onReply(now, from, message, out);
        return;
      default:
        unreachable(message);
    }
  }

  #onFindValue(now: Millis, from: PeerId, message: FindValue, out: Out): void {
    const { rpcId, recordKind, key, publisher, limit } = message;
    const isSane = key.length > 0 && key.length <= this.#config.keyBytesMax && Number.isSafeInteger(limit) && limit > 0;
    if (!isSane) {
      this.#violation(from, 'find value', out);
      return;
    }
    this.stats.served++;
    const found = this.store.get(now, recordKind, key, publisher, Math.min(limit, this.#config.providersPerKeyMax));
    const records: LookupRecord[] = [];
    let bytes = 0;
    for (const record of found) {
      bytes += recordBytes(record);
      if (records.length > 0 && bytes > this.#config.replyBytesMax) break;
      records.push(record);
    }
    const target = positionOfRecord({ kind: recordKind, key });
    const peers = records.length > 0 ? [] : this.#nearest(now, target, from);
    out.send(from, { kind: 'findValueReply', rpcId, records, peers });
  }

  #nearest(now: Millis, target: Position, asker: PeerId): PeerInfo[] {
    const { k } = this.#config;
    const nearest = this.table.closest(now, target, k + 1).map(({ info }) => info);
    return nearest.filter(({ id }) => id !== asker).slice(0, k);
  }

  #onStore(now: Millis, from: PeerId, record: LookupRecord, out: Out): StoreOutcome {
    const { stats } = this;
    if (!isWithinBounds(now, this.#config, record)) {
      stats.storesRefusedInvalid++;
      return 'invalid';
    }
    if (this.#isFar(now, record)) {
      stats.storesRefusedFar++;
      return 'far';
    }
    if (!this.#mayJudge(now)) {
      stats.storesRefusedBusy++;
      return 'busy';
    }
    if (!this.#shared.verify(record)) {
      // Whoever hands a record on has judged it: this one vouches for something that is not so.
      stats.storesRefusedInvalid++;
      this.#violation(from, 'record signature', out);
      return 'invalid';
    }
    const outcome = this.store.put(now, record, this.#republishAt(now));
    if (outcome === 'stored') stats.storesTaken++;
    else if (outcome === 'held' || outcome === 'newer') stats.storesHeld++;
    else stats.storesRefusedFull++;
    this.#armHousekeeping(now);
    return outcome;
  }

  #isFar(now: Millis, record: LookupRecord): boolean {
    const target = positionOfRecord(record);
    const count = this.#config.k * this.#config.farFactor;
    const last = this.table.closest(now, target, count)[count - 1];
    return last !== undefined && compareDistance(target, last.position, this.table.self.position) < 0;
  }

  #mayJudge(now: Millis): boolean {
    if (now - this.#storesFrom >= 1_000) {
      this.#storesFrom = now;
      this.#storesCount = 0;
    }
    return ++this.#storesCount <= this.#config.storesPerSecondMax;
  }

  #onLinkDown(now: Millis, peer: PeerId, reason: LinkDownReason, out: Out): void {
    this.#caller.onLinkDown(now, peer, reason !== 'closed', out);
  }

  #onCommand(now: Millis, command: KademliaCommand, out: Out): void {
    switch (command.kind) {
      case 'membersUp':
        for (const info of command.peers) this.#onMemberUp(now, info);
        return;
      case 'memberDown': {
        const contact = this.store.count > 0 ? this.table.get(command.id) : undefined;
        this.table.memberDown(command.id);
        if (contact !== undefined) this.#replication.memberDown(now, command.id, contact.position);
        if (!this.table.isFullWanted) return;
        this.table.beginFull();
        out.emit({ kind: 'membersNeeded' });
        return;
      }
      case 'get':
        this.#onGet(now, command, out);
        return;
      case 'put':
        this.#onPut(now, command, out);
        return;
      case 'cancel':
        this.#tasks.get(command.lookupId)?.end(now, 'cancelled', out);
        return;
      default:
        unreachable(command);
    }
  }

  #onMemberUp(now: Millis, info: PeerInfo): void {
    const isNew = this.store.count > 0 && this.table.get(info.id) === undefined;
    this.table.memberUp(info);
    if (!isNew) return;
    const contact = this.table.get(info.id);
    if (contact !== undefined) this.#replication.memberUp(now, info.id, contact.position);
  }

  #onGet(now: Millis, command: Get, out: Out): void {
    this.stats.gets++;
    const { lookupId } = command;
    if (this.#isRefused(now, lookupId, command.answers, out)) return;
    const deadline = now + Math.min(command.timeoutMs, this.#config.timeoutMaxMs);
    const task = new GetTask(now, this.#shared, command, deadline, (...end) => this.#finished(lookupId, ...end));
    this.#tasks.set(lookupId, task);
    task.begin(now, out);
  }

  #onPut(now: Millis, command: Put, out: Out): void {
    this.stats.puts++;
    const { lookupId, record, paths } = command;
    if (this.#isRefused(now, lookupId, 0, out)) return;
    // The layer above has just made or judged it; but what this peer hands on it answers for.
    if (!isValid(now, this.#shared, record)) {
      const nothing = { records: [], holders: 0, wanted: 0 };
      this.#finished(lookupId, resultOf(now, 'notStored', new HopLog(now), this.table.isFull, nothing), now, out);
      return;
    }
    if (command.keep && !this.#published.keep(now, record)) this.stats.publishedDropped++;
    this.#armHousekeeping(now);
    this.#beginPut(now, lookupId, record, paths, command.timeoutMs, out);
  }

  #beginPut(now: Millis, lookupId: string, record: LookupRecord, paths: number, timeoutMs: Millis, out: Out): void {
    const deadline = now + Math.min(timeoutMs, this.#config.timeoutMaxMs);
    const finish = (...end: [LookupResult, Millis, Out]): void => this.#finished(lookupId, ...end);
    const settled = (at: Millis, isWhole: boolean): void => this.#published.settled(at, record, isWhole);
    const task = new PutTask(now, this.#shared, { record, paths, deadline, settled }, finish);
    this.#tasks.set(lookupId, task);
    task.begin(now, out);
  }

  #isRefused(now: Millis, lookupId: string, wanted: number, out: Out): boolean {
    if (this.#tasks.size < this.#config.lookupsMax && !this.#tasks.has(lookupId)) return false;
    const nothing = { records: [], holders: 0, wanted };
    const result = resultOf(now, 'overloaded', new HopLog(now), this.table.isFull, nothing);
    this.#count(result.outcome);
    out.emit({ kind: 'finished', lookupId, result });
    return true;
  }

  #finished(lookupId: string, result: LookupResult, now: Millis, out: Out): void {
    this.#tasks.delete(lookupId);
    if (this.store.count > 0) this.#armHousekeeping(now);
    if (isRepublication(lookupId)) return;
    this.#count(result.outcome);
    out.emit({ kind: 'finished', lookupId, result });
  }

  #count(outcome: LookupOutcome): void {
    if (outcome === 'deadline') this.stats.deadlines++;
    else this.stats[outcome]++;
  }

  #onTime(now: Millis, out: Out): void {
    this.#caller.onTime(now, out);
    for (const task of this.#tasks.values()) {
      if (task.deadline <= now) task.end(now, 'deadline', out);
      else if (task.nextDeadline() <= now) task.onTime(now, out);
    }
    if (this.#caller.takeRoom()) for (const task of this.#tasks.values()) task.advance(now, out);
    if (now >= this.#housekeepingAt) this.#keepHouse(now, out);
    this.#replication.onTime(now, out);
  }

  #armHousekeeping(now: Millis): void {
    this.#housekeepingAt = Math.min(this.#housekeepingAt, now + this.#config.housekeepingMs);
  }

  #keepHouse(now: Millis, out: Out): void {
    this.#housekeepingAt = never;
    this.stats.expired += this.store.expire(now);
    for (const held of this.store.all()) {
      if (held.republishAt > now) continue;
      held.republishAt = this.#republishAt(now);
      // A keyword's publisher renews it, and that is all that it costs.
      if (held.record.kind !== 'keyword') this.#replication.republish(now, held);
    }
    for (const record of this.#published.due(now, this.#config.lookupsMax - this.#tasks.size)) {
      this.stats.republished++;
      const name = `${republication}${this.#republications++}`;
      this.#beginPut(now, name, record, this.#config.putPaths, this.#config.timeoutMaxMs, out);
    }
    if (this.store.count > 0 || this.#published.count > 0) this.#armHousekeeping(now);
  }

  #republishAt(now: Millis): Millis {
    const { republishMs, republishJitter } = this.#config;
    return now + republishMs * (1 + republishJitter * (2 * this.#rng.float() - 1));
  }

  #violation(peer: PeerId, rule: string, out: Out): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }
}

/** No lookup of the layer above is called so: its names come from a counter or a random number. */
const republication = 'republication ';

function isRepublication(lookupId: string): boolean {
  return lookupId.startsWith(republication);
}
