import type { Millis, PeerId } from '@starling/kernel';

/** What became of a question at one holder, as its asker saw it. `stopped`: nobody waited for it any more. */
export type HolderState = 'done' | 'missing' | 'broken' | 'shed' | 'stopped';

/** One holder that was asked. Times are differences by one clock. */
export interface HolderSpan {
  readonly peer: PeerId;
  readonly state: HolderState;
  /** By the asker's clock: from the question's start until this holder was asked, and from then to the end of its answer. */
  readonly askedAfterMs: Millis;
  readonly roundTripMs: Millis;
  /** By the holder's own: what its index took. −1: it did not say. The rest of the round trip is the link's, and its opening. */
  readonly elapsedMs: Millis;
  readonly hits: number;
  readonly messages: number;
}

/** Whom a question asked straight, and how long each took, in the order of their ends. */
export interface HolderWay {
  readonly spans: readonly HolderSpan[];
  /** Holders that are left out, because there were too many. */
  readonly cut: number;
  readonly elapsedMs: Millis;
}

interface Asked {
  readonly at: Millis;
  hits: number;
  messages: number;
}

/** What the asker of a question to holders notes while a trace is asked for. */
export class HolderTrace {
  readonly #since: Millis;
  readonly #spansMax: number;
  readonly #asked = new Map<PeerId, Asked>();
  readonly #spans: HolderSpan[] = [];
  #cut = 0;

  constructor(now: Millis, spansMax: number) {
    this.#since = now;
    this.#spansMax = spansMax;
  }

  asked(now: Millis, peer: PeerId, messages: number): void {
    this.#asked.set(peer, { at: now, hits: 0, messages });
  }

  /** A part of its answer. */
  heard(peer: PeerId, hits: number, messages: number): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return;
    asked.hits += hits;
    asked.messages += messages;
  }

  /** The holder is through, one way or another. */
  ended(now: Millis, peer: PeerId, state: HolderState, elapsedMs: Millis = -1): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return;
    this.#asked.delete(peer);
    if (this.#spans.length >= this.#spansMax) {
      this.#cut++;
      return;
    }
    const { at, hits, messages } = asked;
    const askedAfterMs = at - this.#since;
    this.#spans.push({ peer, state, askedAfterMs, roundTripMs: now - at, elapsedMs, hits, messages });
  }

  list(now: Millis): HolderWay {
    return { spans: this.#spans, cut: this.#cut, elapsedMs: now - this.#since };
  }
}
