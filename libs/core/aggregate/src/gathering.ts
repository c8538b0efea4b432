import { addCounts, type Millis, type PeerId } from '@starling/kernel';
import type { PeerRow } from '@starling/query';
import type { AggregateConfig } from './config.ts';
import type { AggregateTally, Lost, LostReason } from './messages.ts';
import { Partial, type PartialData } from './partial.ts';
import type { Plan } from './plan.ts';

/** What is asked; the same at every peer. */
export interface Errand {
  /** As it travels: begins with the origin's id. */
  readonly queryId: string;
  readonly text: string;
  readonly tree: number;
}

/** One wave of one question while this peer works on it. */
export class Gathering {
  readonly errand: Errand;
  readonly plan: Plan;
  readonly wave: number;
  /** Who asked; null at the origin. */
  readonly parent: PeerId | null;
  /** What is not in by then is missing. */
  readonly deadline: Millis;
  /** Branches that have not answered. */
  readonly pending = new Set<PeerId>();
  readonly #partial: Partial;
  readonly #lostMax: number;
  readonly #lost: Lost[] = [];
  #isRowPending = true;
  #answered = 0;
  #missing = 0;
  #messages = 0;
  #bytes = 0;

  constructor(
    errand: Errand,
    plan: Plan,
    wave: number,
    parent: PeerId | null,
    deadline: Millis,
    config: AggregateConfig,
  ) {
    this.errand = errand;
    this.plan = plan;
    this.wave = wave;
    this.parent = parent;
    this.deadline = deadline;
    this.#partial = new Partial(plan, config);
    this.#lostMax = config.lostMax;
  }

  get isFinished(): boolean {
    return !this.#isRowPending && this.pending.size === 0;
  }

  get partial(): PartialData {
    return this.#partial.data();
  }

  get tally(): AggregateTally {
    return {
      answered: this.#answered,
      missing: this.#missing,
      messages: this.#messages,
      bytes: this.#bytes,
      lost: [...this.#lost],
    };
  }

  /** This peer's own row; only the first counts. */
  row(row: PeerRow): void {
    if (!this.#isRowPending) return;
    this.#isRowPending = false;
    this.#answered = addCounts(this.#answered, 1);
    this.#partial.add(row);
  }

  /** A question of so many bytes goes to `peer`. */
  asked(peer: PeerId, bytes: number): void {
    this.pending.add(peer);
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes, Number.MAX_SAFE_INTEGER);
  }

  received(bytes: number): void {
    this.#messages = addCounts(this.#messages, 1);
    this.#bytes = addCounts(this.#bytes, bytes, Number.MAX_SAFE_INTEGER);
  }

  /** The neighbour is in another branch. */
  declined(peer: PeerId): void {
    this.pending.delete(peer);
  }

  /** A branch is in, whole. */
  answered(peer: PeerId, partial: PartialData | null, tally: AggregateTally): void {
    this.pending.delete(peer);
    if (partial !== null) this.#partial.merge(partial);
    this.#answered = addCounts(this.#answered, tally.answered);
    this.#missing = addCounts(this.#missing, tally.missing);
    this.#messages = addCounts(this.#messages, tally.messages);
    this.#bytes = addCounts(this.#bytes, tally.bytes, Number.MAX_SAFE_INTEGER);
    for (const lost of tally.lost) this.#name(lost);
  }

  lost(peer: PeerId, reason: LostReason): void {
    this.pending.delete(peer);
    this.#missing = addCounts(this.#missing, 1);
    this.#name({ peer, reason });
  }

  /** The time is up: who has not answered is missing, this peer too. */
  giveUp(selfId: PeerId): void {
    for (const peer of this.pending) this.lost(peer, 'late');
    if (!this.#isRowPending) return;
    this.#isRowPending = false;
    this.lost(selfId, 'late');
  }

  #name(lost: Lost): void {
    if (this.#lost.length < this.#lostMax) this.#lost.push(lost);
  }
}
