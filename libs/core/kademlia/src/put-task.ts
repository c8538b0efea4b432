import type { Millis } from '@starling/kernel';
import type { Call, Out, Reply, Waiter } from './caller.ts';
import { copiesOf } from './config.ts';
import type { Contact } from './contact.ts';
import { HopLog } from './hop-log.ts';
import type { Candidate, Lookup } from './lookup.ts';
import type { Hop, LookupOutcome, StoreOutcome } from './messages.ts';
import { sharedBits } from './position.ts';
import { type LookupRecord, positionOfRecord } from './record.ts';
import { beginLookup, contactsOf, type Finish, nearestWithSelf, resultOf, type Shared, type Task } from './task.ts';
import { type Answer, Walk, type WalkOwner } from './walk.ts';

export interface PutOptions {
  readonly record: LookupRecord;
  readonly paths: number;
  readonly deadline: Millis;
  /** The last peer has answered, perhaps after the put had ended. `isWhole`: the nearest hold the record, all of them. */
  settled(now: Millis, isWhole: boolean): void;
}

/** Peers found beyond those that are to hold the record: who takes it when some of those do not. In copies. */
const spareFactor = 2;

/**
 * Stores a record at the k peers nearest to its key: finds them (not at all, when all members are known), then asks each to
 * hold it, and the next nearest in place of any that does not. It ends when all have answered; or, once more than half have
 * it, when the others are slower than most: a dead peer must not make every put wait for a timeout. The slow ones are not given up
 * then, nor are those in place of the dead: nobody waits for them, that is all.
 */
export class PutTask implements Task, WalkOwner, Waiter {
  readonly deadline: Millis;
  readonly isSatisfied = false;
  readonly #shared: Shared;
  readonly #record: LookupRecord;
  readonly #finish: Finish;
  readonly #settled: PutOptions['settled'];
  readonly #log: HopLog;
  readonly #lookup: Lookup;
  readonly #walk: Walk | null;
  readonly #isFullTable: boolean;
  readonly #pending = new Set<Call>();
  /** Who holds it if all is well, then the spares. */
  #targets: Contact[] = [];
  #next = 0;
  #wanted = 0;
  #holders = 0;
  /** Nobody failed to take it so far. */
  #isWhole = true;
  #isOver = false;
  #isSuperseded = false;
  #graceEndsAt = Number.POSITIVE_INFINITY;
  #round = 1;

  constructor(now: Millis, shared: Shared, options: PutOptions, finish: Finish) {
    const { config, caller, stats, table } = shared;
    this.deadline = options.deadline;
    this.#shared = shared;
    this.#record = options.record;
    this.#finish = finish;
    this.#settled = options.settled;
    this.#log = new HopLog(now);
    this.#isFullTable = table.isFull;
    const target = positionOfRecord(options.record);
    const paths = Math.min(Math.max(1, options.paths), config.pathsMax);
    this.#lookup = beginLookup(now, shared, { target, kind: options.record.kind, paths, answers: 1 });
    const parts = { config, caller, stats, lookup: this.#lookup, log: this.#log, owner: this };
    this.#walk = table.isFull ? null : new Walk({ ...parts, question: { kind: 'findNode', target } });
  }

  begin(now: Millis, out: Out): void {
    if (this.#walk === null) this.walked(now, out);
    else this.#walk.advance(now, out);
  }

  read(_now: Millis, candidate: Candidate, reply: Reply): Answer | null {
    if (reply.kind !== 'findNodeReply') return null;
    const contacts = contactsOf(this.#shared, reply.peers);
    if (contacts === null) return null;
    this.#round = Math.max(this.#round, candidate.round + 1);
    return { outcome: 'peers', count: contacts.length, contacts };
  }

  /** The nearest peers are known: store there. */
  walked(now: Millis, out: Out): void {
    const { config, table, store } = this.#shared;
    const { target } = this.#lookup;
    const copies = copiesOf(config, this.#record.kind);
    const count = copies * spareFactor;
    const others = this.#isFullTable ? table.closest(now, target, count) : this.#lookup.closest(count);
    const nearest = nearestWithSelf(others, table.self, target, count);
    this.#wanted = Math.min(copies, nearest.length);
    const isOwn = nearest.indexOf(table.self) < this.#wanted;
    this.#targets = nearest.filter((contact) => contact !== table.self);
    if (isOwn && nearest.includes(table.self)) {
      const outcome = store.put(now, this.#record, now + config.republishMs);
      if (isHolding(outcome)) this.#holders++;
      if (outcome === 'newer') this.#isSuperseded = true;
    }
    let slowestMs = 0;
    while (this.#pending.size + this.#holders < this.#wanted && this.#next < this.#targets.length) {
      const { id } = (this.#targets[this.#next] as Contact).info;
      slowestMs = Math.max(slowestMs, this.#shared.caller.hedgeMs(id));
      this.#storeAtNext(now, out);
    }
    this.#graceEndsAt = now + slowestMs;
    this.#endIfDone(now, out);
  }

  answered(now: Millis, call: Call, reply: Reply, out: Out): void {
    if (!this.#pending.delete(call)) return;
    if (reply.kind !== 'storeReply') {
      this.#shared.stats.untrue++;
      this.#logStore(now, call, 'untrue');
      this.#insteadOf(now, out);
    } else {
      this.#logStore(now, call, reply.outcome);
      if (reply.outcome === 'newer') this.#isSuperseded = true;
      if (isHolding(reply.outcome)) this.#holders++;
      else this.#insteadOf(now, out);
    }
    this.#endIfDone(now, out);
  }

  failed(now: Millis, call: Call, why: 'timeout' | 'linkDown', out: Out): void {
    if (!this.#pending.delete(call)) return;
    this.#logStore(now, call, why);
    this.#insteadOf(now, out);
    this.#endIfDone(now, out);
  }

  advance(now: Millis, out: Out): void {
    if (this.#wanted === 0) this.#walk?.advance(now, out);
  }

  onTime(now: Millis, out: Out): void {
    this.#walk?.onTime(now, out);
    if (now >= this.#graceEndsAt) this.#endIfDone(now, out);
  }

  end(now: Millis, outcome: 'deadline' | 'cancelled', out: Out): void {
    this.#walk?.end(now, out);
    this.#end(now, this.#hasMajority ? 'stored' : outcome, out);
    this.#giveUp(now, out);
  }

  nextDeadline(): Millis {
    const graceEndsAt = this.#hasMajority ? this.#graceEndsAt : Number.POSITIVE_INFINITY;
    return Math.min(this.deadline, graceEndsAt, this.#walk?.nextDeadline() ?? Number.POSITIVE_INFINITY);
  }

  get #hasMajority(): boolean {
    return this.#wanted > 0 && this.#holders * 2 > this.#wanted;
  }

  /** One of the nearest did not take it. */
  #insteadOf(now: Millis, out: Out): void {
    this.#isWhole = false;
    this.#storeAtNext(now, out);
  }

  #storeAtNext(now: Millis, out: Out): void {
    const { caller, config, stats } = this.#shared;
    const to = this.#targets[this.#next];
    if (to === undefined || this.#log.rpcs >= config.rpcsPerLookupMax) return;
    this.#next++;
    this.#log.rpcs++;
    stats.rpcs++;
    this.#pending.add(caller.call(now, to, { kind: 'store', record: this.#record }, this, out));
  }

  #endIfDone(now: Millis, out: Out): void {
    const isSettled = this.#pending.size === 0;
    if (!isSettled && !(this.#hasMajority && now >= this.#graceEndsAt)) return;
    if (!this.#isOver) this.#end(now, this.#hasMajority ? 'stored' : 'notStored', out);
    if (isSettled) this.#settled(now, this.#isWhole);
    // Only what all lookups together may have under way goes on behind their backs.
    else if (!this.#shared.caller.hasRoom) this.#giveUp(now, out);
  }

  #logStore(now: Millis, call: Call, outcome: Hop['outcome']): void {
    if (this.#isOver) return;
    const bits = sharedBits(this.#lookup.target, call.to.position);
    this.#log.add(now, call, { path: 0, round: this.#round, sharedBits: bits, outcome, count: 0 });
  }

  #end(now: Millis, outcome: LookupOutcome, out: Out): void {
    for (const call of this.#pending) this.#logStore(now, call, 'unanswered');
    this.#isOver = true;
    this.#log.rounds = this.#round;
    const ended = this.#isSuperseded && outcome !== 'cancelled' ? 'superseded' : outcome;
    const got = { records: [], holders: this.#holders, wanted: this.#wanted };
    this.#finish(resultOf(now, ended, this.#log, this.#isFullTable, got), now, out);
  }

  /** Whoever has not answered is not waited for any more. */
  #giveUp(now: Millis, out: Out): void {
    for (const call of this.#pending) this.#shared.caller.forget(call, out);
    this.#pending.clear();
    this.#settled(now, false);
  }
}

export function isHolding(outcome: StoreOutcome): boolean {
  return outcome === 'stored' || outcome === 'held' || outcome === 'newer';
}
