import type { Millis } from '@starling/kernel';

export interface RepeatLimits {
  /** Lines of one kind in one period; the rest are counted. 20: a screenful (guess). */
  readonly linesMax: number;
  readonly periodMs: Millis;
  /** Kinds followed; at the bound all are forgotten, which lets a few lines more through. */
  readonly kindsMax: number;
}

export const defaultRepeatLimits: RepeatLimits = { linesMax: 20, periodMs: 10_000, kindsMax: 1_000 };

/** Keeps a fault that repeats a thousand times a second from filling the log. */
export class RepeatLimiter {
  readonly #limits: RepeatLimits;
  readonly #kinds = new Map<string, { since: Millis; lines: number; suppressed: number }>();

  constructor(limits: RepeatLimits = defaultRepeatLimits) {
    this.#limits = limits;
  }

  /** How many lines of this kind were suppressed before this one; null when this one is to be too. */
  admit(now: Millis, kind: string): number | null {
    const known = this.#kinds.get(kind);
    if (known === undefined || now - known.since >= this.#limits.periodMs) {
      if (this.#kinds.size >= this.#limits.kindsMax) this.#kinds.clear();
      this.#kinds.set(kind, { since: now, lines: 1, suppressed: 0 });
      return known?.suppressed ?? 0;
    }
    if (known.lines < this.#limits.linesMax) {
      known.lines++;
      return 0;
    }
    known.suppressed++;
    return null;
  }
}
