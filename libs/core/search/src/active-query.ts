import type { Millis, PeerId } from '@starling/kernel';
import { addStatistics, type TermStatistics } from '@starling/query';
import { BestHits } from './best-hits.ts';
import type { QueryTally } from './messages.ts';

/** What a query asks for; the same at every peer. */
export interface Question {
  /** As it travels: begins with the origin's id. */
  readonly queryId: string;
  readonly text: string;
  readonly limit: number;
  /** The broadcast tree of the first wave. */
  readonly tree: number;
  readonly statistics?: TermStatistics;
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
  /** When the waiting hits go out; Infinity when none wait. */
  flushAt: Millis = Number.POSITIVE_INFINITY;
  #asked = 1;
  #answered = 0;
  #messages = 0;
  #missing = 0;
  #bytes = 0;
  #statistics: TermStatistics | undefined;

  constructor(question: Question, wave: number, parent: PeerId | null, deadline: Millis) {
    this.question = question;
    this.wave = wave;
    this.parent = parent;
    this.deadline = deadline;
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
      bytes: this.#bytes,
      ...(this.#statistics !== undefined && { statistics: this.#statistics }),
    };
  }

  /** `peer` is to be a branch. */
  asked(peer: PeerId): void {
    this.pending.add(peer);
    this.#messages++;
  }

  /** The query for it took so many bytes. */
  sent(bytes: number): void {
    this.#bytes += bytes;
  }

  /** An answer or decline of so many bytes came in, from whomever. */
  received(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
  }

  answeredLocally(statistics: TermStatistics | undefined): void {
    this.isLocalPending = false;
    this.#answered++;
    this.#add(statistics);
  }

  /** The own index has no answer to give. */
  failedLocally(): void {
    this.isLocalPending = false;
    this.#missing++;
  }

  /** The branch said that it is no branch. */
  declined(peer: PeerId): void {
    this.pending.delete(peer);
  }

  /** The branch is finished. */
  done(peer: PeerId, tally: QueryTally): void {
    this.pending.delete(peer);
    this.#asked += tally.asked;
    this.#answered += tally.answered;
    this.#messages += tally.messages;
    this.#missing += tally.missing;
    this.#bytes += tally.bytes;
    this.#add(tally.statistics);
  }

  /** The branch broke or ran out of time. */
  lost(peer: PeerId): void {
    if (!this.pending.delete(peer)) return;
    this.#asked++;
    this.#missing++;
  }

  #add(statistics: TermStatistics | undefined): void {
    if (statistics === undefined) return;
    this.#statistics = this.#statistics === undefined ? statistics : addStatistics(this.#statistics, statistics);
  }
}
