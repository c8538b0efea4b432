import type { Millis } from '@starling/kernel';
import type { Call, Caller, Out, Question, Reply, Waiter } from './caller.ts';
import type { KademliaConfig } from './config.ts';
import type { Contact } from './contact.ts';
import type { HopLog } from './hop-log.ts';
import type { Candidate, Lookup } from './lookup.ts';
import type { KademliaStats } from './stats.ts';

/** What a walk is for. */
export interface WalkOwner {
  /** Takes an answer: the peers that it names, or null when it is not true and its sender counts as failed. */
  read(now: Millis, candidate: Candidate, reply: Reply): Answer | null;
  /** Whether nobody else need be asked. */
  readonly isSatisfied: boolean;
  /** Once, at the end: satisfied, or there is nobody left to ask, or no call left to ask with. */
  walked(now: Millis, out: Out): void;
}

export interface Answer {
  readonly outcome: 'records' | 'peers';
  /** Records or peers in it. */
  readonly count: number;
  readonly contacts: readonly Contact[];
}

interface Asked {
  readonly call: Call;
  readonly candidate: Candidate;
  readonly hedgeAt: Millis;
  isSlow: boolean;
}

export interface WalkParts {
  readonly config: KademliaConfig;
  readonly caller: Caller;
  readonly stats: KademliaStats;
  readonly lookup: Lookup;
  readonly log: HopLog;
  readonly question: Question;
  readonly owner: WalkOwner;
}

/** Makes the calls that a lookup wants, and asks somebody else beside a peer that is slower than most. */
export class Walk implements Waiter {
  readonly #parts: WalkParts;
  readonly #asked = new Map<number, Asked>();
  #isOver = false;

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  /** Asks whoever is to be asked now. */
  advance(now: Millis, out: Out): void {
    const { caller, config, log, lookup, question, stats } = this.#parts;
    while (!this.#isOver && caller.hasRoom && log.rpcs < config.rpcsPerLookupMax) {
      const candidate = lookup.next();
      if (candidate === undefined) break;
      const { contact } = candidate;
      const hedgeAt = now + caller.hedgeMs(contact.info.id);
      const call = caller.call(now, contact, question, this, out);
      log.rpcs++;
      stats.rpcs++;
      this.#asked.set(call.id, { call, candidate, hedgeAt, isSlow: false });
    }
    if (this.#isOver || this.#asked.size > 0) return;
    // With calls under way elsewhere there will be room again.
    if (caller.hasRoom || log.rpcs >= config.rpcsPerLookupMax || lookup.isExhausted) this.#finish(now, out);
  }

  /** Ends it: what is still under way does not matter any more. */
  end(now: Millis, out: Out): void {
    this.#isOver = true;
    for (const { call, candidate } of this.#asked.values()) {
      this.#parts.caller.forget(call, out);
      this.#log(now, call, candidate, 'unanswered', 0);
    }
    this.#asked.clear();
  }

  answered(now: Millis, call: Call, reply: Reply, out: Out): void {
    const asked = this.#take(call);
    if (asked === undefined) return;
    const { candidate, isSlow } = asked;
    const { lookup, owner, stats } = this.#parts;
    const answer = owner.read(now, candidate, reply);
    if (answer === null) {
      stats.untrue++;
      lookup.failed(candidate, isSlow);
      this.#log(now, call, candidate, 'untrue', 0);
    } else {
      lookup.answered(candidate, isSlow, answer.contacts);
      this.#log(now, call, candidate, answer.outcome, answer.count);
    }
    if (owner.isSatisfied) this.#finish(now, out);
    else this.advance(now, out);
  }

  failed(now: Millis, call: Call, why: 'timeout' | 'linkDown', out: Out): void {
    const asked = this.#take(call);
    if (asked === undefined) return;
    this.#parts.lookup.failed(asked.candidate, asked.isSlow);
    this.#log(now, call, asked.candidate, why, 0);
    this.advance(now, out);
  }

  onTime(now: Millis, out: Out): void {
    let isSlower = false;
    for (const asked of this.#asked.values()) {
      if (asked.isSlow || asked.hedgeAt > now) continue;
      asked.isSlow = true;
      isSlower = true;
      this.#parts.stats.hedged++;
      this.#parts.lookup.slow(asked.candidate);
    }
    if (isSlower) this.advance(now, out);
  }

  nextDeadline(): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const { isSlow, hedgeAt } of this.#asked.values()) if (!isSlow) next = Math.min(next, hedgeAt);
    return next;
  }

  #finish(now: Millis, out: Out): void {
    this.end(now, out);
    this.#parts.owner.walked(now, out);
  }

  #take(call: Call): Asked | undefined {
    const asked = this.#asked.get(call.id);
    this.#asked.delete(call.id);
    return asked;
  }

  #log(
    now: Millis,
    call: Call,
    { path, round, sharedBits }: Candidate,
    outcome: Parameters<HopLog['add']>[2]['outcome'],
    count: number,
  ): void {
    this.#parts.log.add(now, call, { path, round, sharedBits, outcome, count });
  }
}
