import { addCounts, type Millis, type PeerId } from '@starling/kernel';
import { addStatistics, type TermStatistics } from '@starling/query';
import { BestHits } from './best-hits.ts';
import type { QueryTally, ResponderTally } from './messages.ts';
import { sumOf } from './responder-tally.ts';
import type { Trace } from './trace.ts';

/** What a query asks for; the same at every peer. */
export interface Question {
  /** As it travels: begins with the origin's id. */
  readonly queryId: string;
  readonly text: string;
  readonly limit: number;
  /** The broadcast tree of the first wave. */
  readonly tree: number;
  readonly statistics?: TermStatistics;
  readonly trace?: boolean;
}

/** One wave of one query while this peer works on it. */
export class ActiveQuery {
  readonly question: Question;
  readonly wave: number;
  /** Who asked; null at the origin. */
  readonly parent: PeerId | null;
  /** What is not in by then is missing. */
  readonly deadline: Millis;
  readonly best: BestHits;
  /** Branches whose end is not in. */
  readonly pending = new Set<PeerId>();
  isLocalPending = true;
  /** A part of the local answer is in. */
  isLocalBegun = false;
  /** Null: nobody wants to know. */
  readonly trace: Trace | null;
  /** When the waiting hits go out; Infinity when none wait. */
  flushAt: Millis = Number.POSITIVE_INFINITY;
  #asked = 1;
  #answered = 0;
  #messages = 0;
  #missing = 0;
  #broken = 0;
  #bytes = 0;
  #statistics: TermStatistics | undefined;
  #responders: ResponderTally | undefined;

  constructor(question: Question, wave: number, parent: PeerId | null, deadline: Millis, trace: Trace | null = null) {
    this.question = question;
    this.wave = wave;
    this.parent = parent;
    this.deadline = deadline;
    this.trace = trace;
    this.best = new BestHits(question.limit);
  }

  get isFinished(): boolean {
    return !this.isLocalPending && this.pending.size === 0;
  }

  get tally(): QueryTally {
    return {
      asked: this.#asked,
      answered: this.#answered,
      messages: this.#messages,
      missing: this.#missing,
      ...(this.#broken > 0 && { broken: this.#broken }),
      bytes: this.#bytes,
      ...(this.#statistics !== undefined && { statistics: this.#statistics }),
      ...(this.#responders !== undefined && { responders: this.#responders }),
    };
  }

  /** `peer` is to be a branch. */
  asked(peer: PeerId): void {
    this.pending.add(peer);
    this.#messages = addCounts(this.#messages, 1);
  }

  /** The query for it took so many bytes. */
  sent(bytes: number): void {
    this.#bytes = addCounts(this.#bytes, bytes, Number.MAX_SAFE_INTEGER);
  }

  /** An answer or decline of so many bytes came in, from whomever. */
  received(bytes: number): void {
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes, Number.MAX_SAFE_INTEGER);
  }

  answeredLocally(statistics: TermStatistics | undefined, responders?: ResponderTally): void {
    this.isLocalPending = false;
    this.#answered = addCounts(this.#answered, 1);
    this.#add(statistics);
    this.#responders = sumOf(this.#responders, responders);
  }

  /** The own index has no answer to give. */
  failedLocally(): void {
    this.isLocalPending = false;
    this.#missing = addCounts(this.#missing, 1);
  }

  /** The branch said that it is no branch. */
  declined(peer: PeerId): void {
    this.pending.delete(peer);
  }

  /** The branch is finished. */
  done(peer: PeerId, tally: QueryTally): void {
    this.pending.delete(peer);
    this.#asked = addCounts(this.#asked, tally.asked);
    this.#answered = addCounts(this.#answered, tally.answered);
    this.#messages = addCounts(this.#messages, tally.messages);
    this.#missing = addCounts(this.#missing, tally.missing);
    this.#broken = addCounts(this.#broken, tally.broken ?? 0);
    this.#bytes = addCounts(this.#bytes, tally.bytes, Number.MAX_SAFE_INTEGER);
    this.#add(tally.statistics);
    this.#responders = sumOf(this.#responders, tally.responders);
  }

  /** The branch's link broke. */
  broke(peer: PeerId): void {
    if (this.pending.has(peer)) this.#broken = addCounts(this.#broken, 1);
    this.lost(peer);
  }

  /** The branch has no answer in time, or none at all. */
  lost(peer: PeerId): void {
    if (!this.pending.delete(peer)) return;
    this.#asked = addCounts(this.#asked, 1);
    this.#missing = addCounts(this.#missing, 1);
  }

  #add(statistics: TermStatistics | undefined): void {
    if (statistics === undefined) return;
    this.#statistics = this.#statistics === undefined ? statistics : addStatistics(this.#statistics, statistics);
  }
}
