import type { Millis, PeerId } from '@starling/kernel';
import type { Ban, ListedBan, SignedBan } from './messages.ts';

/** One record, read and checked. */
export interface HeldBan {
  readonly ban: Ban;
  readonly record: SignedBan;
  readonly hash: number;
  /** Since when it is held here. */
  readonly heldSince: Millis;
}

/**
 * The newest record about each peer. What it holds depends on the records that were put and not on their order: of one subject
 * the newest, and of all the ones that expire last.
 */
export class BanTable {
  readonly #max: number;
  readonly #held = new Map<PeerId, HeldBan>();
  /** All hashes by exclusive or: the order does not matter. */
  #digest = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#held.size;
  }

  get digest(): number {
    return this.#digest >>> 0;
  }

  get(subject: PeerId): HeldBan | undefined {
    return this.#held.get(subject);
  }

  values(): IterableIterator<HeldBan> {
    return this.#held.values();
  }

  list(): ListedBan[] {
    return [...this.#held.values()].map(({ ban, hash }) => ({ subject: ban.subject, number: ban.number, hash }));
  }

  /** Who has to go when one more is put: the new one itself, another, or nobody. */
  victimOf(news: HeldBan): HeldBan | null {
    if (this.#held.has(news.ban.subject) || this.#held.size < this.#max) return null;
    let victim = news;
    for (const held of this.#held.values()) if (expiresBefore(held.ban, victim.ban)) victim = held;
    return victim;
  }

  put(held: HeldBan): void {
    this.delete(held.ban.subject);
    this.#held.set(held.ban.subject, held);
    this.#digest ^= held.hash;
  }

  delete(subject: PeerId): void {
    const held = this.#held.get(subject);
    if (held === undefined) return;
    this.#held.delete(subject);
    this.#digest ^= held.hash;
  }
}

/** Of two records about one peer: is `a` the one to keep? */
export function isNewer(a: { number: number; hash: number }, b: { number: number; hash: number }): boolean {
  return a.number === b.number ? a.hash > b.hash : a.number > b.number;
}

/** 32 bits of a statement: FNV-1a, mixed by Murmur3's finaliser. Against accidents; forgery is the signature's business. */
export function statementHash(statement: Uint8Array): number {
  let hash = 0x811c9dc5 | 0;
  for (const byte of statement) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function expiresBefore(a: Ban, b: Ban): boolean {
  return a.expiresAt === b.expiresAt ? a.subject < b.subject : a.expiresAt < b.expiresAt;
}
