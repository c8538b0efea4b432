import type { Millis } from '@starling/kernel';
import { type AnswerListener, Asked, type Outcome, type Question } from './asked.ts';
import { Attachment, type CutOff, type CutOffReason, type ResponderSpec } from './attachment.ts';

/** How often it is looked for engines that have stalled. */
const sweepMs = 1_000;

/** Questions whose answers are remembered, for as long as they might come again; at the bound the first is forgotten. (guess) */
const rememberedMax = 256;

const outcomes = ['answered', 'late', 'failed', 'gone', 'shed', 'withdrawn'] as const;

export interface RespondersOptions {
  readonly selfId: string;
  readonly respondersMax: number;
  /** How long an engine may be silent while it is asked. */
  readonly stallMs: Millis;
  now(): Millis;
}

/** The stream of an engine, as its attachment sees it. */
export interface EngineStream {
  wake(): void;
  cutOff(cut: CutOff): void;
}

/** The search engines that programs have attached to this peer. */
export class Responders {
  readonly #options: RespondersOptions;
  readonly #attached = new Map<Attachment, EngineStream>();
  readonly #outcomes = new Map<Outcome | 'withdrawn', number>();
  readonly #cutOffs = new Map<CutOffReason, number>();
  readonly #recent = new Map<string, Asked>();
  #timer: NodeJS.Timeout | undefined;
  /** Streams that were turned away. */
  refused = 0;

  constructor(options: RespondersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#attached.size;
  }

  get isFull(): boolean {
    return this.#attached.size >= this.#options.respondersMax;
  }

  /** Questions put to engines, by how that ended. */
  outcomes(): Record<string, number> {
    return Object.fromEntries(outcomes.map((outcome) => [outcome, this.#outcomes.get(outcome) ?? 0]));
  }

  cutOffs(): Record<string, number> {
    return Object.fromEntries(this.#cutOffs);
  }

  attach(spec: ResponderSpec, stream: EngineStream): Attachment {
    const { selfId, now } = this.#options;
    const attachment = new Attachment(spec, selfId, { now, wake: () => stream.wake() });
    this.#attached.set(attachment, stream);
    this.#timer ??= setInterval(() => this.sweep(), sweepMs).unref();
    return attachment;
  }

  detach(attachment: Attachment): void {
    this.#attached.delete(attachment);
    attachment.close();
    if (this.#attached.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Asks the engines of its topic. Returns the way to give up; null: there are none. When a question comes again (the mesh asks a
   * second time, over all links, when somebody is missing) its answers are remembered: engines are asked once.
   */
  ask(queryId: string, question: Question, listener: AnswerListener): (() => void) | null {
    const now = this.#options.now();
    this.#forget(now);
    const known = this.#recent.get(queryId)?.answer ?? null;
    if (known !== null) return answerAgain(known, listener);
    const engines = [...this.#attached.keys()].filter((engine) => engine.answers(question.topic));
    if (engines.length === 0) return null;
    const count = (outcome: Outcome | 'withdrawn'): void => {
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    };
    const asked = new Asked(now, question, listener, count);
    this.#recent.delete(queryId);
    this.#recent.set(queryId, asked);
    asked.put(engines);
    return () => asked.cancel();
  }

  #forget(now: Millis): void {
    for (const [queryId, asked] of this.#recent) {
      if (now < asked.deadline && this.#recent.size < rememberedMax) return;
      this.#recent.delete(queryId);
    }
  }

  /** An engine breaks the rules: its stream is to end. */
  cutOff(attachment: Attachment, cut: CutOff): void {
    const stream = this.#attached.get(attachment);
    if (stream === undefined) return;
    this.#cutOffs.set(cut.reason, (this.#cutOffs.get(cut.reason) ?? 0) + 1);
    this.detach(attachment);
    stream.cutOff(cut);
  }

  /** Cuts off the engines that have stalled. */
  sweep(): void {
    for (const attachment of [...this.#attached.keys()]) {
      const cut = attachment.stalled(this.#options.stallMs);
      if (cut !== null) this.cutOff(attachment, cut);
    }
  }
}

/** Later, as engines do. */
function answerAgain({ hits, tally }: NonNullable<Asked['answer']>, listener: AnswerListener): () => void {
  let isCancelled = false;
  queueMicrotask(() => {
    if (isCancelled) return;
    if (hits.length > 0) listener.hits(hits);
    listener.finished(tally);
  });
  return () => {
    isCancelled = true;
  };
}
