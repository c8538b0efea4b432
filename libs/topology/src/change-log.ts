import type { Millis, PeerId } from '@starling/kernel';
import type { RemovalReason } from './facts.ts';
import type { Health } from './health.ts';

/** Something that happened to the mesh, as a person would tell it. */
export type Change =
  | { readonly kind: 'joined'; readonly peer: PeerId; readonly name: string }
  | { readonly kind: 'removed'; readonly peer: PeerId; readonly name: string; readonly reason: RemovalReason }
  | {
      readonly kind: 'health';
      readonly peer: PeerId;
      readonly name: string;
      readonly from: Health;
      readonly to: Health;
      /** The first reason; empty when it became healthy. */
      readonly reason: string;
    }
  /** Links made and lost within one update. */
  | { readonly kind: 'links'; readonly made: number; readonly lost: number }
  | { readonly kind: 'split'; readonly parts: number }
  | { readonly kind: 'merged' };

/** A change with its place in the log. Numbers only go up, so that a list of them has stable keys. */
export type NumberedChange = Change & { readonly number: number; readonly at: Millis };

/** The latest changes, newest first; the oldest are forgotten beyond `capacity`. */
export class ChangeLog {
  readonly #capacity: number;
  #entries: readonly NumberedChange[] = [];
  #next = 1;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get entries(): readonly NumberedChange[] {
    return this.#entries;
  }

  /** Adds changes that happened at the same time, in order. */
  add(at: Millis, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const numbered = changes.map((change) => ({ ...change, number: this.#next++, at }));
    this.#entries = [...numbered.reverse(), ...this.#entries].slice(0, this.#capacity);
  }
}
