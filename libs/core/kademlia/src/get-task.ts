import type { Millis, PeerId } from '@starling/kernel';
import type { Out, Reply } from './caller.ts';
import { HopLog } from './hop-log.ts';
import type { Candidate } from './lookup.ts';
import type { KademliaCommand, LookupOutcome } from './messages.ts';
import { positionOfKey } from './position.ts';
import { compareRecords, type LookupRecord, sameBytes } from './record.ts';
import { beginLookup, contactsOf, type Finish, isValid, resultOf, type Shared, type Task } from './task.ts';
import { type Answer, Walk, type WalkOwner } from './walk.ts';

type GetCommand = Extract<KademliaCommand, { kind: 'get' }>;

/**
 * Looks for the records of a key. With one answer wanted, the first valid record ends it (what costs most in the wild is to wait
 * for all k of them); with more, it waits for so many holders and takes the newest.
 */
export class GetTask implements Task, WalkOwner {
  readonly deadline: Millis;
  readonly #shared: Shared;
  readonly #command: GetCommand;
  readonly #finish: Finish;
  readonly #log: HopLog;
  readonly #walk: Walk;
  readonly #isFullTable: boolean;
  /** The newest of each publisher. */
  readonly #records = new Map<PeerId, LookupRecord>();
  #holders = 0;

  constructor(now: Millis, shared: Shared, command: GetCommand, deadline: Millis, finish: Finish) {
    const { config, caller, stats, table } = shared;
    const { recordKind, key, publisher, limit, answers } = command;
    this.deadline = deadline;
    this.#shared = shared;
    this.#command = command;
    this.#finish = finish;
    this.#log = new HopLog(now);
    this.#isFullTable = table.isFull;
    const paths = Math.min(Math.max(1, command.paths), config.pathsMax);
    const lookup = beginLookup(now, shared, {
      target: positionOfKey(recordKind, key),
      kind: recordKind,
      paths,
      answers,
    });
    const question = { kind: 'findValue', recordKind, key, publisher, limit } as const;
    this.#walk = new Walk({ config, caller, stats, lookup, log: this.#log, question, owner: this });
  }

  /** Looks into this peer's own store first. */
  begin(now: Millis, out: Out): void {
    const { recordKind, key, publisher, limit } = this.#command;
    this.#take(this.#shared.store.get(now, recordKind, key, publisher, limit));
    if (this.isSatisfied) this.walked(now, out);
    else this.#walk.advance(now, out);
  }

  get isSatisfied(): boolean {
    return this.#holders >= this.#command.answers;
  }

  read(now: Millis, candidate: Candidate, reply: Reply): Answer | null {
    if (reply.kind !== 'findValueReply') return null;
    const contacts = contactsOf(this.#shared, reply.peers);
    if (contacts === null || reply.records.length > this.#command.limit) return null;
    // A record that has just expired is no lie, for clocks differ; one of another key, or not its publisher's word, is.
    const alive = reply.records.filter(({ expiresAt }) => expiresAt > now);
    for (const record of alive) if (!this.#isAnswer(record) || !isValid(now, this.#shared, record)) return null;
    if (alive.length === 0) return { outcome: 'peers', count: contacts.length, contacts };
    this.#log.rounds = candidate.round;
    this.#take(alive);
    return { outcome: 'records', count: alive.length, contacts };
  }

  walked(now: Millis, out: Out): void {
    this.#end(now, this.#records.size > 0 ? 'found' : 'notFound', out);
  }

  advance(now: Millis, out: Out): void {
    this.#walk.advance(now, out);
  }

  onTime(now: Millis, out: Out): void {
    this.#walk.onTime(now, out);
  }

  end(now: Millis, outcome: 'deadline' | 'cancelled', out: Out): void {
    this.#walk.end(now, out);
    this.#end(now, outcome === 'deadline' && this.#records.size > 0 ? 'found' : outcome, out);
  }

  nextDeadline(): Millis {
    return Math.min(this.deadline, this.#walk.nextDeadline());
  }

  #isAnswer(record: LookupRecord): boolean {
    const { recordKind, key, publisher } = this.#command;
    if (record.kind !== recordKind || !sameBytes(record.key, key)) return false;
    return publisher === '' || record.publisher === publisher;
  }

  #take(records: readonly LookupRecord[]): void {
    if (records.length === 0) return;
    this.#holders++;
    for (const record of records) {
      const known = this.#records.get(record.publisher);
      if (known === undefined || compareRecords(record, known) > 0) this.#records.set(record.publisher, record);
    }
  }

  #end(now: Millis, outcome: LookupOutcome, out: Out): void {
    const records = [...this.#records.values()].sort((a, b) => compareRecords(b, a)).slice(0, this.#command.limit);
    if (outcome === 'notFound')
      for (const { round } of this.#log.hops) this.#log.rounds = Math.max(this.#log.rounds, round);
    const got = { records, holders: this.#holders, wanted: this.#command.answers };
    this.#finish(resultOf(now, outcome, this.#log, this.#isFullTable, got), now, out);
  }
}
