import { holds, type PeerRow } from '@starling/query';
import { Cell, type CellData } from './cell.ts';
import type { Plan } from './plan.ts';

/** The values of the fields that are grouped by; null: the peers do not know. */
export type GroupKey = readonly (string | number | null)[];

/** One group as it travels. */
export interface GroupData {
  readonly key: GroupKey;
  /** Peers in it. */
  readonly peers: number;
  /** One for each measure of the plan. */
  readonly cells: readonly CellData[];
}

/** What a part of the mesh answered. */
export interface PartialData {
  /** By ascending key. */
  readonly groups: readonly GroupData[];
  /** The first group that found no room; it and all after it are in `other`. Null: all are in `groups`. */
  readonly cut: GroupKey | null;
  /** All groups from `cut` on as one; its key is empty. Null when `cut` is. */
  readonly other: GroupData | null;
}

export interface PartialLimits {
  readonly groupsMax: number;
  /** Of all groups but `other`, estimated. */
  readonly partialBytesMax: number;
  /** Of one sketch. */
  readonly binsMax: number;
}

const groupBytes = 12;

interface Group {
  readonly key: GroupKey;
  peers: number;
  readonly cells: readonly Cell[];
}

/**
 * Aggregates of some peers. Merging is associative and commutative, cuts included: what is kept is the groups that come first by
 * their keys, and a group that is kept anywhere below is kept here or counted in `other` as a whole. So the figures of every group
 * that is shown are those of all its peers, however the mesh was cut into branches; only which groups are shown is bounded.
 */
export class Partial {
  readonly #plan: Plan;
  readonly #limits: PartialLimits;
  readonly #groups = new Map<string, Group>();
  #cut: GroupKey | null = null;
  #other: Group | null = null;

  constructor(plan: Plan, limits: PartialLimits) {
    this.#plan = plan;
    this.#limits = limits;
  }

  /** One peer, if the condition holds for it. */
  add(row: PeerRow): void {
    const { groupBy, where } = this.#plan.query;
    if (where !== null && !holds(where, row)) return;
    const key = groupBy.map((field) => {
      const value = row[field];
      return typeof value === 'string' || typeof value === 'number' ? value : null;
    });
    const group = this.#group(key);
    group.peers++;
    for (const [at, { field }] of this.#plan.measures.entries()) group.cells[at]?.add(row[field]);
    this.#trim();
  }

  /** Of another part of the mesh; must be sound. */
  merge({ groups, cut, other }: PartialData): void {
    if (cut !== null && (this.#cut === null || compareKeys(cut, this.#cut) < 0)) this.#cut = cut;
    if (other !== null) mergeInto(this.#others(), other);
    for (const group of groups) mergeInto(this.#group(group.key), group);
    this.#trim();
  }

  data(): PartialData {
    const groups = this.#sorted().map(dataOf);
    return { groups, cut: this.#cut, other: this.#other === null ? null : dataOf(this.#other) };
  }

  /** By ascending key, with what was cut as the last. */
  results<T>(read: (cells: readonly Cell[], peers: number, key: GroupKey | null) => T): T[] {
    const rows = this.#sorted().map(({ cells, peers, key }) => read(cells, peers, key));
    if (this.#other !== null) rows.push(read(this.#other.cells, this.#other.peers, null));
    return rows;
  }

  #group(key: GroupKey): Group {
    if (this.#cut !== null && compareKeys(key, this.#cut) >= 0) return this.#others();
    const name = JSON.stringify(key);
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = this.#newGroup(key);
    this.#groups.set(name, group);
    return group;
  }

  #others(): Group {
    this.#other ??= this.#newGroup([]);
    return this.#other;
  }

  #newGroup(key: GroupKey): Group {
    return { key, peers: 0, cells: this.#plan.measures.map((measure) => new Cell(measure, this.#limits.binsMax)) };
  }

  #sorted(): Group[] {
    return [...this.#groups.values()].sort((a, b) => compareKeys(a.key, b.key));
  }

  #trim(): void {
    const sorted = this.#sorted();
    let bytes = 0;
    for (const [at, group] of sorted.entries()) {
      bytes += bytesOf(group);
      const hasRoom = at < this.#limits.groupsMax && bytes <= this.#limits.partialBytesMax;
      const isBeforeCut = this.#cut === null || compareKeys(group.key, this.#cut) < 0;
      if (hasRoom && isBeforeCut) continue;
      if (isBeforeCut) this.#cut = group.key;
      for (const left of sorted.slice(at)) {
        mergeInto(this.#others(), dataOf(left));
        this.#groups.delete(JSON.stringify(left.key));
      }
      return;
    }
  }
}

function bytesOf({ key, cells }: Group): number {
  let bytes = groupBytes;
  for (const value of key) bytes += typeof value === 'string' ? 4 + value.length : 12;
  for (const cell of cells) bytes += cell.bytes;
  return bytes;
}

function mergeInto(group: Group, { peers, cells }: GroupData): void {
  group.peers += peers;
  for (const [at, cell] of cells.entries()) group.cells[at]?.merge(cell);
}

function dataOf({ key, peers, cells }: Group): GroupData {
  return { key, peers, cells: cells.map((cell) => cell.data()) };
}

/** Unknown first, then numbers, then texts by UTF-16 units; the first field that differs decides. */
export function compareKeys(a: GroupKey, b: GroupKey): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? null;
    if (left === right) continue;
    if (typeof left === typeof right && left !== null && right !== null) return left < right ? -1 : 1;
    return rankOf(left) - rankOf(right);
  }
  return 0;
}

function rankOf(value: GroupKey[number]): number {
  return value === null ? 0 : typeof value === 'number' ? 1 : 2;
}
