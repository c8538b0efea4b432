import { StarlingError } from '@starling/client';
import { type Pattern, TopicMatcher } from '@starling/core-pubsub';
import type { Millis } from '@starling/kernel';
import type { RespondAnswer, RespondHit } from '@starling/wire';
import { apiLimits } from '../api/validate.ts';
import type { Asked } from './asked.ts';

/** Who is attached, checked. */
export interface ResponderSpec {
  readonly name: string;
  readonly topics: readonly Pattern[];
  readonly concurrency: number;
}

/** What goes to the engine next. */
export type Outgoing =
  | { readonly kind: 'question'; readonly id: number; readonly asked: Asked }
  | { readonly kind: 'withdrawal'; readonly id: number; readonly reason: string };

/** Why a stream is ended from here, as the metric names it. */
export const cutOffReasons = ['stalled', 'unasked', 'flood'] as const;
export type CutOffReason = (typeof cutOffReasons)[number];

/** An engine breaks the rules: its stream ends with the error. */
export interface CutOff {
  readonly reason: CutOffReason;
  readonly error: StarlingError;
}

/** The way to the engine. */
export interface AttachmentPort {
  now(): Millis;
  /** There may be something to send: call `next` while the engine takes it. */
  wake(): void;
}

/** Questions that wait until the engine has a place. (guess: what eight quick answers at once get through in a second) */
const waitingMax = 64;
/** Messages of one answer beyond one for each hit: parts without hits. (guess) */
const spareMessagesMax = 64;
const errorCharsMax = 256;

/** A question that the engine works on. It keeps its place until the engine says `done`, whoever still waits for it. */
interface Place {
  readonly since: Millis;
  readonly limit: number;
  /** Null: withdrawn, or its answer was refused. */
  asked: Asked | null;
  hits: number;
  bytes: number;
  messages: number;
}

/**
 * One engine attached to this peer. It is given at most `concurrency` questions at once, each ended by itself, and some wait
 * in line; so what a slow one costs is bounded, and what it answers can be checked against what it was asked.
 */
export class Attachment {
  readonly spec: ResponderSpec;
  readonly #port: AttachmentPort;
  readonly #selfId: string;
  readonly #topics: TopicMatcher;
  readonly #answersAll: boolean;
  readonly #places = new Map<number, Place>();
  readonly #waiting = new Set<Asked>();
  readonly #withdrawals: { readonly id: number; readonly reason: string }[] = [];
  #lastId = 0;
  #heardAt: Millis;
  /** Since when the engine does not take what could be sent. */
  #blockedSince: Millis | null = null;
  #isOpen = true;
  /** The last thing that it said was wrong with itself. */
  lastError = '';

  constructor(spec: ResponderSpec, selfId: string, port: AttachmentPort) {
    this.spec = spec;
    this.#selfId = selfId;
    this.#port = port;
    this.#topics = new TopicMatcher(spec.topics);
    this.#answersAll = spec.topics.some((pattern) => pattern === '>');
    this.#heardAt = port.now();
  }

  answers(topic: string): boolean {
    return topic === '' ? this.#answersAll : this.#topics.matches(topic);
  }

  /** False: too many wait already, and this question is not put. */
  take(asked: Asked): boolean {
    if (!this.#isOpen || this.#waiting.size >= waitingMax) return false;
    this.#waiting.add(asked);
    this.#wake();
    return true;
  }

  /** Nobody waits for this answer any more. */
  withdraw(asked: Asked, reason: string): void {
    if (this.#waiting.delete(asked)) return;
    for (const [id, place] of this.#places) if (place.asked === asked) this.#withdraw(id, place, reason);
  }

  /** What is to be sent next; undefined when there is nothing. */
  next(): Outgoing | undefined {
    this.#blockedSince = null;
    const withdrawal = this.#withdrawals.shift();
    if (withdrawal !== undefined) return { kind: 'withdrawal', ...withdrawal };
    const [asked] = this.#waiting;
    if (asked === undefined || this.#places.size >= this.spec.concurrency) return undefined;
    this.#waiting.delete(asked);
    this.#lastId++;
    const { limit } = asked.question;
    this.#places.set(this.#lastId, { since: this.#port.now(), limit, asked, hits: 0, bytes: 0, messages: 0 });
    return { kind: 'question', id: this.#lastId, asked };
  }

  /** The engine says something. Returns why it must be cut off; null when all is well. */
  answered({ questionId, hits, done, error }: RespondAnswer): CutOff | null {
    this.#heardAt = this.#port.now();
    const id = Number(questionId);
    const place = this.#places.get(id);
    if (place === undefined) {
      return cutOff('unasked', `question ${id} was not asked, or has been ended`, 'ANSWER_UNASKED');
    }
    place.messages++;
    place.hits += hits.length;
    if (place.hits > place.limit || place.messages > place.limit + spareMessagesMax) {
      const what = place.hits > place.limit ? `${place.hits} hits` : `${place.messages} messages`;
      return cutOff(
        'flood',
        `the answer to question ${id} has ${what}; ${place.limit} hits were wanted`,
        'RESPONDER_FLOODS',
      );
    }
    if (place.asked !== null && hits.length > 0) this.#pass(id, place, place.asked, hits);
    if (!done) return null;
    this.#places.delete(id);
    this.lastError = error.slice(0, errorCharsMax);
    place.asked?.ended(this, error === '' ? 'answered' : 'failed');
    this.#wake();
    return null;
  }

  /** Whether the engine has had questions, or would not take them, for so long without a word. */
  stalled(forMs: Millis): CutOff | null {
    const now = this.#port.now();
    const [oldest] = this.#places.values();
    const isSilent = oldest !== undefined && now - Math.max(oldest.since, this.#heardAt) > forMs;
    const isBlocked = this.#blockedSince !== null && now - this.#blockedSince > forMs;
    if (!isSilent && !isBlocked) return null;
    const what = isSilent ? 'said nothing' : 'took nothing';
    return cutOff('stalled', `the engine ${what} for ${forMs} ms while it was asked`, 'RESPONDER_STALLED');
  }

  /** The engine is gone. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const open = [...this.#waiting, ...[...this.#places.values()].map(({ asked }) => asked)];
    this.#waiting.clear();
    this.#places.clear();
    this.#withdrawals.length = 0;
    for (const asked of open) asked?.ended(this, 'gone');
  }

  #pass(id: number, place: Place, asked: Asked, hits: readonly RespondHit[]): void {
    const passed = hits.map(({ document, score }) => {
      const json = JSON.stringify(document?.fields ?? {});
      const bytes = Buffer.byteLength(json);
      place.bytes += bytes;
      const hit = {
        peer: this.#selfId,
        documentId: document?.id ?? '',
        score,
        document: json,
        responder: this.spec.name,
      };
      return { hit, bytes };
    });
    const problem = passed.map(({ hit, bytes }) => hitProblem(hit, bytes)).find((found) => found !== null);
    const { answerBytesMax } = apiLimits;
    const tooMuch = `the answer has ${place.bytes} bytes as JSON; at most ${answerBytesMax} are taken`;
    const refusal = problem ?? (place.bytes > answerBytesMax ? tooMuch : null);
    if (refusal === null) {
      asked.hits(passed.map(({ hit }) => hit));
      return;
    }
    this.#withdraw(id, place, refusal);
    asked.ended(this, 'failed');
  }

  #withdraw(id: number, place: Place, reason: string): void {
    place.asked = null;
    this.#withdrawals.push({ id, reason });
    this.#wake();
  }

  #wake(): void {
    const hasFree = this.#places.size < this.spec.concurrency && this.#waiting.size > 0;
    if (hasFree || this.#withdrawals.length > 0) this.#blockedSince ??= this.#port.now();
    this.#port.wake();
  }
}

function hitProblem({ documentId, score }: { documentId: string; score: number }, bytes: number): string | null {
  const { documentIdMax, documentBytesMax } = apiLimits;
  if (documentId.length < 1 || documentId.length > documentIdMax) {
    return `a hit has an id of ${documentId.length} characters; from 1 to ${documentIdMax} are taken`;
  }
  if (!Number.isFinite(score)) return 'a hit has a score that is no number';
  return bytes > documentBytesMax ? `a hit has ${bytes} bytes as JSON; at most ${documentBytesMax} are taken` : null;
}

function cutOff(reason: CutOffReason, message: string, code: StarlingError['reason']): CutOff {
  return { reason, error: new StarlingError(message, { reason: code }) };
}
