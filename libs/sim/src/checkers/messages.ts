import type { Millis } from '@starling/kernel';

/** A life of a peer: its index and how often it had started before. */
export type LifeId = `${number}.${number}`;

interface Published {
  readonly origin: number;
  readonly atMs: Millis;
}

/**
 * Follows every message to every subscriber. Safety, at once: only what was published is delivered, unaltered, once per
 * life of a subscriber, and not after it expired. Liveness, at the end: every survivor got everything that was published
 * through a survivor.
 */
export class MessageChecker {
  readonly violations: string[] = [];
  readonly #published: Published[] = [];
  readonly #delivered = new Map<LifeId, Set<number>>();
  readonly #expiryMs: Millis;

  constructor(expiryMs: Millis) {
    this.#expiryMs = expiryMs;
  }

  get count(): number {
    return this.#published.length;
  }

  /** The number of a message that is about to be published: its payload is `payloadOf` that number. */
  publish(origin: number, atMs: Millis): number {
    return this.#published.push({ origin, atMs }) - 1;
  }

  delivered(life: LifeId, payload: Uint8Array, now: Millis): void {
    const number = numberOf(payload);
    const message = this.#published[number];
    if (message === undefined) {
      this.#broken(`${life} was given a message that nobody published, or that was altered`);
      return;
    }
    let seen = this.#delivered.get(life);
    if (seen === undefined) {
      seen = new Set();
      this.#delivered.set(life, seen);
    }
    if (seen.has(number)) this.#broken(`${life} was given message ${number} twice`);
    seen.add(number);
    if (now - message.atMs > this.#expiryMs) this.#broken(`${life} was given message ${number} after it expired`);
  }

  /** What each life misses of the messages whose origin and time `counts` says yes to. */
  missing(lives: readonly LifeId[], counts: (message: Published, life: LifeId) => boolean): string[] {
    const sentences: string[] = [];
    for (const life of lives) {
      const seen = this.#delivered.get(life);
      const missed: number[] = [];
      for (const [number, message] of this.#published.entries()) {
        if (counts(message, life) && seen?.has(number) !== true) missed.push(number);
      }
      if (missed.length > 0) {
        const first = this.#published[missed[0] as number] as Published;
        sentences.push(
          `${life} misses ${missed.length} messages, first number ${missed[0]} of peer ${first.origin} at ${first.atMs} ms`,
        );
      }
    }
    return sentences;
  }

  #broken(violation: string): void {
    // One broken invariant may break a thousand times: the first few tell the story.
    if (this.violations.length < 100) this.violations.push(violation);
  }
}

/** A payload that tells its number and shows if it was altered. */
export function payloadOf(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number);
  view.setUint32(4, ~number >>> 0);
  return bytes;
}

/** The number of an unaltered payload; −1 of any other. */
export function numberOf(payload: Uint8Array): number {
  if (payload.length !== 8) return -1;
  const view = new DataView(payload.buffer, payload.byteOffset, 8);
  const number = view.getUint32(0);
  return view.getUint32(4) === ~number >>> 0 ? number : -1;
}
