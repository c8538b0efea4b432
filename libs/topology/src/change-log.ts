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
  /** Too many of one kind within one update to name each. */
  | { readonly kind: 'crowd'; readonly what: 'joined' | RemovalReason | Health; readonly peers: number }
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

  /** Takes over what another log of the same mesh holds, when this one holds nothing yet. */
  restore(entries: readonly NumberedChange[]): void {
    if (this.#entries.length > 0) return;
    this.#entries = entries.slice(0, this.#capacity);
    this.#next = Math.max(0, ...entries.map(({ number }) => number)) + 1;
  }

  /** Adds changes that happened at the same time: the gravest first, crowds as one. */
  add(at: Millis, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const ordered = condensed(changes).sort((one, other) => ranks[one.kind] - ranks[other.kind]);
    const numbered = ordered.map((change) => ({ ...change, number: this.#next++, at }));
    this.#entries = [...numbered, ...this.#entries].slice(0, this.#capacity);
  }
}

/** What a reader must see first when much happens at once. */
const ranks: Readonly<Record<Change['kind'], number>> = {
  split: 0,
  merged: 1,
  crowd: 2,
  removed: 3,
  joined: 4,
  health: 5,
  links: 6,
};

/** Named one by one up to here. Guess: half a screen; peers that went are named longest, they are looked for. */
const crowdSizes: Readonly<Partial<Record<Change['kind'], number>>> = { removed: 32, joined: 12, health: 6 };

function condensed(changes: readonly Change[]): Change[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const what = crowdOf(change);
    const key = what === null ? change.kind : `${change.kind} ${what}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  return [...groups.values()].flatMap((group): Change[] => {
    const [first] = group;
    const what = first === undefined ? null : crowdOf(first);
    const isCrowd = first !== undefined && group.length > (crowdSizes[first.kind] ?? Number.POSITIVE_INFINITY);
    return isCrowd && what !== null ? [{ kind: 'crowd', what, peers: group.length }] : group;
  });
}

function crowdOf(change: Change): 'joined' | RemovalReason | Health | null {
  switch (change.kind) {
    case 'joined':
      return 'joined';
    case 'removed':
      return change.reason;
    case 'health':
      return change.to;
    default:
      return null;
  }
}
