import { addCounts, type Millis, type PeerId } from '@starling/kernel';
import { BestHits } from './best-hits.ts';
import type { QuestionTerms, SeekTally } from './messages.ts';
import type { SeekPlan } from './seek-strategy.ts';
import type { Trace } from './trace.ts';

/**
 * What crossing one link costs at most beside what its branch spends: the `seek`, and a `cancel` in case. What of it was not
 * needed comes back when the branch answers.
 */
export const crossingCost = 2;
/** The least that a new branch needs: its answer. */
export const branchCostMin = 1;

/** A neighbour that the query was passed on to. */
export interface Branch {
  /** Walkers that went there, or that it says wait there. */
  walkers: number;
  /** Links inside it that lead to them. */
  edges: number;
  /** The last round that went there. */
  round: number;
  /** It owes the answer of this round. */
  isPending: boolean;
  /** It has never answered. */
  isNew: boolean;
  /** Its digest says that something is there. */
  readonly isPromising: boolean;
  /** Messages that it may still spend in this round. */
  grant: number;
}

/** What never changes while a query seeks. */
export interface Errand {
  /** As it travels: begins with the origin's id. */
  readonly queryId: string;
  readonly text: string;
  readonly terms: QuestionTerms;
  readonly plan: SeekPlan;
  /** Who asked; null at the origin. */
  readonly parent: PeerId | null;
  readonly hops: number;
  /** When it is forgotten. */
  readonly expiresAt: Millis;
  /** Answers say which way they came. */
  readonly isTraced: boolean;
}

/** One seek at one peer: what is below it, what it may spend, and what it has to say. */
export class Seek {
  readonly errand: Errand;
  readonly branches = new Map<PeerId, Branch>();
  /** Links that the query went over, either way. */
  readonly tried = new Set<PeerId>();
  /** Of the current round. */
  round = 0;
  steps = 0;
  limit = 0;
  /** When the round's answer is due, whoever is missing. */
  deadline: Millis = 0;
  /** Messages that may still be spent in this round, the last answer of this peer set aside. */
  purse = 0;
  /** Hits that came in this round. */
  found = 0;
  /** Walkers that stand here. */
  waiting = 0;
  /** Links over which walkers may still go into the blue in this round. */
  linksLeft = Number.POSITIVE_INFINITY;
  /** Steps of those that went first: those that wait go no further. */
  stride = Number.POSITIVE_INFINITY;
  /** The local index was asked and has not answered. */
  isLocalPending = false;
  /** When the waiting hits go out; Infinity when none wait. */
  flushAt: Millis = Number.POSITIVE_INFINITY;
  best: BestHits;
  /** Of the current round; null: none is asked for, or it was told. */
  trace: Trace | null = null;
  /** Hits of the local index that came too late for their round. */
  lateHits = 0;
  #asked = 0;
  #answered = 0;
  #messages = 0;
  #bytes = 0;
  #missing = 0;

  constructor(errand: Errand, limit: number) {
    this.errand = errand;
    this.limit = limit;
    this.best = new BestHits(limit);
    if (errand.parent !== null) this.tried.add(errand.parent);
  }

  begin(round: number, steps: number, limit: number, purse: number, deadline: Millis): void {
    this.round = round;
    this.steps = steps;
    this.purse = purse;
    this.deadline = deadline;
    this.found = 0;
    this.linksLeft = this.errand.parent === null ? Number.POSITIVE_INFINITY : this.errand.plan.fanout;
    if (limit === this.limit) return;
    const late = this.best.take();
    this.limit = limit;
    this.best = new BestHits(limit);
    for (const hit of late) this.best.add(hit);
    this.found = late.length;
  }

  /** Somebody is on the way to something in sight. */
  get isExpecting(): boolean {
    for (const branch of this.branches.values()) if (branch.isPending && branch.isPromising) return true;
    return false;
  }

  /** Messages of this round so far. */
  get spent(): number {
    return this.#messages;
  }

  get hasPending(): boolean {
    for (const branch of this.branches.values()) if (branch.isPending) return true;
    return false;
  }

  /** Walkers here and in all branches. */
  get walkers(): number {
    let walkers = this.waiting;
    for (const branch of this.branches.values()) walkers = addCounts(walkers, branch.walkers);
    return walkers;
  }

  /** What it has done since this was last asked, and what it could still do. */
  take(): SeekTally {
    let edges = 0;
    for (const branch of this.branches.values()) if (branch.walkers > 0) edges = addCounts(edges, 1 + branch.edges);
    const tally: SeekTally = {
      declined: false,
      asked: this.#asked,
      answered: this.#answered,
      messages: this.#messages,
      bytes: this.#bytes,
      missing: this.#missing,
      walkers: this.walkers,
      edges,
    };
    this.#asked = 0;
    this.#answered = 0;
    this.#messages = 0;
    this.#bytes = 0;
    this.#missing = 0;
    return tally;
  }

  askedLocally(): void {
    this.#asked = addCounts(this.#asked, 1);
    this.isLocalPending = true;
  }

  answeredLocally(): void {
    this.#answered = addCounts(this.#answered, 1);
    this.isLocalPending = false;
  }

  /** The own index has no answer to give. */
  failedLocally(): void {
    this.#missing = addCounts(this.#missing, 1);
    this.isLocalPending = false;
  }

  /** A `seek` of so many bytes goes to `peer`, which may spend `grant`. */
  sent(peer: PeerId, walkers: number, grant: number, bytes: number, isPromising: boolean): void {
    this.tried.add(peer);
    const branch = this.branches.get(peer);
    if (branch === undefined)
      this.branches.set(peer, {
        walkers,
        edges: 0,
        round: this.round,
        isPending: true,
        isNew: true,
        isPromising,
        grant,
      });
    else {
      branch.isPending = true;
      branch.round = this.round;
      branch.grant = grant;
    }
    this.purse -= crossingCost + grant;
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes);
  }

  /** Any `found` of a pending branch. */
  received(branch: Branch, bytes: number): void {
    branch.grant--;
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes);
  }

  /** The branch is through with the round. True: it was none, and its walkers are here again. */
  done(peer: PeerId, branch: Branch, tally: SeekTally): boolean {
    branch.isPending = false;
    branch.isNew = false;
    // The cancel was not needed.
    this.purse += 1 + branch.grant - tally.messages;
    this.#asked = addCounts(this.#asked, tally.asked);
    this.#answered = addCounts(this.#answered, tally.answered);
    this.#messages = addCounts(this.#messages, tally.messages);
    this.#bytes = addCounts(this.#bytes, tally.bytes);
    this.#missing = addCounts(this.#missing, tally.missing);
    if (!tally.declined) {
      branch.walkers = tally.walkers;
      branch.edges = tally.edges;
      return false;
    }
    this.branches.delete(peer);
    if (!branch.isPromising) this.linksLeft++;
    // A ring's walkers stand where links are untried; this link is not.
    if (this.errand.plan.width === 1) this.waiting = addCounts(this.waiting, branch.walkers);
    return true;
  }

  /** The branch broke, or its time is up. What it was granted counts as spent: nobody can say how much was. */
  lost(peer: PeerId): void {
    const branch = this.branches.get(peer);
    if (branch === undefined || !this.branches.delete(peer)) return;
    if (branch.isPending) {
      if (branch.isNew) this.#asked = addCounts(this.#asked, 1);
      this.#messages = addCounts(this.#messages, branch.grant);
      this.purse++;
    } else if (branch.walkers === 0) return;
    this.#missing = addCounts(this.#missing, Math.max(1, branch.walkers));
  }

  /** A `cancel` goes to a branch that nobody waits for any more; it may have spent its grant. */
  cancelled(branch: Branch, bytes: number): void {
    branch.isPending = false;
    this.#messages = addCounts(this.#messages, 1 + branch.grant);
    this.#bytes = addCounts(this.#bytes, bytes);
  }

  /** A `cancel` goes to a branch whose time is up. */
  late(peer: PeerId, bytes: number): void {
    this.lost(peer);
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes);
  }

  /** Hits that found no room or no budget to travel. */
  withheld(): void {
    this.#missing = addCounts(this.#missing, 1);
  }

  canAfford(grant: number): boolean {
    return this.purse >= crossingCost + grant;
  }

  /** Whoever found enough passes nothing on (GIA §4.3, MAX_RESPONSES). */
  get hasEnough(): boolean {
    return this.found >= this.limit;
  }
}
