import type { Hit, ResponderTally } from '@starling/core-search';
import type { Millis } from '@starling/kernel';
import type { Attachment } from './attachment.ts';

/** What engines are asked. */
export interface Question {
  /** '' when it has none. */
  readonly topic: string;
  readonly text: string;
  readonly limit: number;
  readonly timeoutMs: Millis;
}

export interface AnswerListener {
  hits(hits: readonly Hit[]): void;
  /** The end, once, unless it was cancelled. */
  finished(tally: ResponderTally): void;
}

/** How one engine's part in a question ended. */
export type Outcome = 'answered' | 'late' | 'failed' | 'gone' | 'shed';

/** One question on its way to the engines that answer it: over when all of them are, or its time is. */
export class Asked {
  readonly question: Question;
  readonly deadline: Millis;
  readonly #listener: AnswerListener;
  readonly #count: (outcome: Outcome | 'withdrawn') => void;
  readonly #pending = new Set<Attachment>();
  readonly #timer: NodeJS.Timeout;
  #asked = 0;
  #answered = 0;
  #late = 0;
  #isOver = false;
  /** At most as many as the question wants of each engine. */
  readonly #given: Hit[] = [];
  #tally: ResponderTally | null = null;

  constructor(
    now: Millis,
    question: Question,
    listener: AnswerListener,
    count: (outcome: Outcome | 'withdrawn') => void,
  ) {
    this.question = question;
    this.deadline = now + question.timeoutMs;
    this.#listener = listener;
    this.#count = count;
    this.#timer = setTimeout(() => this.#expire(), question.timeoutMs);
  }

  /** Asks these, in turn. */
  put(engines: readonly Attachment[]): void {
    for (const engine of engines) {
      this.#asked++;
      this.#pending.add(engine);
      if (!engine.take(this)) this.ended(engine, 'shed');
    }
  }

  hits(hits: readonly Hit[]): void {
    if (this.#isOver) return;
    this.#given.push(...hits);
    this.#listener.hits(hits);
  }

  /** What came of it, once nobody is to be waited for; null: it was cut short, or is under way. */
  get answer(): { readonly hits: readonly Hit[]; readonly tally: ResponderTally } | null {
    return this.#tally === null || this.#tally.late > 0 ? null : { hits: this.#given, tally: this.#tally };
  }

  /** This engine has no more to say. */
  ended(engine: Attachment, outcome: Outcome): void {
    if (this.#isOver || !this.#pending.delete(engine)) return;
    this.#count(outcome);
    if (outcome === 'answered') this.#answered++;
    if (this.#pending.size > 0) return;
    // Never within `put`: whoever asks must know what it asked before it hears the end.
    queueMicrotask(() => {
      if (this.#pending.size === 0) this.#finish();
    });
  }

  /** Nobody waits any more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#close();
    this.#withdraw('cancelled', 'withdrawn');
  }

  #expire(): void {
    if (this.#isOver) return;
    this.#late = this.#pending.size;
    this.#finish();
    this.#withdraw('late', 'late');
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#close();
    this.#tally = { asked: this.#asked, answered: this.#answered, late: this.#late };
    this.#listener.finished(this.#tally);
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #withdraw(reason: string, outcome: 'late' | 'withdrawn'): void {
    for (const engine of this.#pending) {
      this.#count(outcome);
      engine.withdraw(this, reason);
    }
    this.#pending.clear();
  }
}
