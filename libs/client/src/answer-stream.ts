import { create, type JsonObject } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  type RespondAnswer,
  type RespondQuestion,
  type RespondRequest,
  RespondRequestSchema,
  type RespondResponse,
  type RespondWithdrawal,
} from '@starling/wire';
import { StarlingError } from './errors.ts';

/** A question that some peer was asked. */
export interface Question {
  /** Without the topic. */
  readonly text: string;
  /** '' when it has none. */
  readonly topic: string;
  /** Hits wanted at most; what is given beyond is not sent. */
  readonly limit: number;
  /** How long the answer is waited for. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** One thing found. */
export interface Answer {
  /** Unique among this engine's answers; 1 to 256 characters. */
  readonly id: string;
  /** At most 64 KiB as JSON. */
  readonly fields: JsonObject;
  /** Higher is better. Default 1. */
  readonly score?: number;
}

/** Answers one question: yields what it finds, best first. */
export type Responding = (question: Question) => AsyncIterable<Answer> | Iterable<Answer>;

/** Reasons of a withdrawal for which the answer is not to blame. */
const blameless: ReadonlySet<string> = new Set(['cancelled', 'late']);
const errorCharsMax = 256;
/** Questions that were ended and may still be refused, since that crosses their end. (guess) */
const endedMax = 64;

interface Begun {
  readonly id: bigint;
  readonly question: Question;
  readonly stop: AbortController;
}

export interface AnswerEvents {
  /** To the end. */
  answered(): void;
  failed(error: unknown, question: Question): void;
}

/** Answers the questions of one stream side by side, with the stream's back-pressure. */
export class AnswerStream {
  readonly #call: Pick<ClientDuplexStream<RespondRequest, RespondResponse>, 'write' | 'once'>;
  readonly #respond: Responding;
  readonly #events: AnswerEvents;
  /** As many as the peer puts at once. */
  readonly #begun = new Map<bigint, Begun>();
  readonly #ended = new Map<bigint, Question>();
  #drained: Promise<void> | null = null;
  #isOpen = true;

  constructor(
    call: Pick<ClientDuplexStream<RespondRequest, RespondResponse>, 'write' | 'once'>,
    respond: Responding,
    events: AnswerEvents,
  ) {
    this.#call = call;
    this.#respond = respond;
    this.#events = events;
  }

  begin({ id, text, topic, limit, timeout }: RespondQuestion): void {
    const stop = new AbortController();
    const timeoutMs = timeout === undefined ? 0 : durationMs(timeout);
    const begun = { id, stop, question: { text, topic, limit, timeoutMs, signal: stop.signal } };
    this.#begun.set(id, begun);
    void this.#answer(begun);
  }

  withdraw({ questionId, reason }: RespondWithdrawal): void {
    const begun = this.#begun.get(questionId);
    begun?.stop.abort();
    const question = begun?.question ?? this.#ended.get(questionId);
    if (question === undefined || blameless.has(reason)) return;
    this.#events.failed(new StarlingError(reason, { reason: 'INVALID_REQUEST' }), question);
  }

  /** The stream is over: nothing more is written, and the handlers are told to stop. */
  close(): void {
    this.#isOpen = false;
    for (const { stop } of this.#begun.values()) stop.abort();
    this.#begun.clear();
  }

  /** Runs the handler as fast as the peer takes what it yields, and ends the question whatever happens. */
  async #answer({ id, question, stop }: Begun): Promise<void> {
    let error = '';
    let given = 0;
    try {
      for await (const { id: documentId, fields, score = 1 } of this.#respond(question)) {
        if (stop.signal.aborted || given >= question.limit) break;
        given++;
        await this.#write(id, { hits: [{ document: { id: documentId, fields }, score }] });
        if (stop.signal.aborted) break;
      }
    } catch (thrown) {
      error = (thrown instanceof Error ? thrown.message : String(thrown)) || 'failed';
      if (!stop.signal.aborted) this.#events.failed(thrown, question);
    }
    this.#begun.delete(id);
    this.#ended.set(id, question);
    for (const oldest of this.#ended.keys()) if (this.#ended.size > endedMax) this.#ended.delete(oldest);
    if (!this.#isOpen) return;
    if (error === '' && !stop.signal.aborted) this.#events.answered();
    await this.#write(id, { done: true, error: stop.signal.aborted ? '' : error.slice(0, errorCharsMax) });
  }

  async #write(questionId: bigint, answer: Partial<Omit<RespondAnswer, 'hits'>> & { hits?: object[] }): Promise<void> {
    await this.#drained;
    if (!this.#isOpen) return;
    const value = { questionId, ...answer };
    if (this.#call.write(create(RespondRequestSchema, { event: { case: 'answer', value } as never }))) return;
    this.#drained ??= new Promise<void>((resolve) => {
      this.#call.once('drain', () => {
        this.#drained = null;
        resolve();
      });
    });
  }
}
