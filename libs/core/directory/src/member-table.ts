import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import { type Flaps, noFlaps } from './flaps.ts';
import { idHash, type MemberState, recordHash, versionedHash } from './member-hash.ts';
import { SortedIds } from './sorted-ids.ts';

/** The finest digest. A power of two; smaller ones are folded from it. */
export const bucketsMax = 256;

const never = Number.NEGATIVE_INFINITY;

/** One peer as it is held. */
export interface Member {
  readonly info: PeerInfo;
  readonly state: MemberState;
  readonly idBits: number;
  /** Forgotten then, unless there is news. */
  expiresAt: Millis;
  /** When a dial of ours to it was last refused and we said so; −Infinity when never. */
  refusedAt: Millis;
  /** When it last spoke up, as the same or in a new life, although it was held to be up; −Infinity when never. */
  refutedAt: Millis;
  /** When it last said something that all hear; −Infinity when never. */
  spokeAt: Millis;
  flaps: Flaps;
}

/** The records: who is up, tombstones of who is gone, and a hash per bucket that is kept current by every change. */
export class MemberTable {
  readonly #membersMax: number;
  readonly #tombstonesMax: number;
  readonly #up = new Map<PeerId, Member>();
  /** In the order of their making, oldest first. */
  readonly #gone = new Map<PeerId, Member>();
  readonly #buckets = new Int32Array(bucketsMax);
  /** The same with the versions counted. */
  readonly #versionedBuckets = new Int32Array(bucketsMax);
  readonly #order = new SortedIds();
  /** Tombstones that had to go before their time. */
  tombstonesEvicted = 0;

  constructor(membersMax: number, tombstonesMax: number) {
    this.#membersMax = membersMax;
    this.#tombstonesMax = tombstonesMax;
  }

  /** Peers that are up. */
  get upCount(): number {
    return this.#up.size;
  }

  /** Records, tombstones included. */
  get count(): number {
    return this.#up.size + this.#gone.size;
  }

  get isFull(): boolean {
    return this.#up.size >= this.#membersMax;
  }

  up(id: PeerId): Member | undefined {
    return this.#up.get(id);
  }

  get(id: PeerId): Member | undefined {
    return this.#up.get(id) ?? this.#gone.get(id);
  }

  upMembers(): IterableIterator<Member> {
    return this.#up.values();
  }

  /** Every id that is up, ascending. Valid until the next change. */
  upIds(): readonly PeerId[] {
    return this.#order.ids(this.#up);
  }

  /** Up to `size` peers that are up, with ids after `after`, ascending. */
  page(after: PeerId, size: number): PeerInfo[] {
    const ids = this.upIds();
    const from = this.#order.firstAfter(after);
    return ids.slice(from, from + size).map((id) => (this.#up.get(id) as Member).info);
  }

  /** Adds or replaces the record of a peer. False, and nothing changed: the table is full and the peer is not in it. */
  put(info: PeerInfo, state: MemberState, expiresAt: Millis): boolean {
    const before = this.get(info.id);
    if (state === 'up' && this.isFull && before?.state !== 'up') return false;
    if (before !== undefined) this.#remove(before);
    const idBits = before?.idBits ?? idHash(info.id);
    const { refusedAt = never, refutedAt = never, spokeAt = never, flaps = noFlaps } = before ?? {};
    const member: Member = { info, state, idBits, expiresAt, refusedAt, refutedAt, spokeAt, flaps };
    this.#toggle(member);
    if (state === 'up') {
      this.#up.set(info.id, member);
      this.#order.add(info.id);
    } else {
      this.#gone.set(info.id, member);
      if (this.#gone.size > this.#tombstonesMax) this.#evictTombstone();
    }
    return true;
  }

  /** Forgets a peer without a tombstone. */
  delete(id: PeerId): void {
    const member = this.get(id);
    if (member !== undefined) this.#remove(member);
  }

  /** Removes what has expired and returns the peers that were up, `keep` never. */
  expire(now: Millis, keep: PeerId): PeerInfo[] {
    const expired: PeerInfo[] = [];
    for (const member of this.#up.values()) {
      if (member.expiresAt > now || member.info.id === keep) continue;
      this.#remove(member);
      expired.push(member.info);
    }
    for (const tombstone of this.#gone.values()) if (tombstone.expiresAt <= now) this.#remove(tombstone);
    return expired;
  }

  /** Those that are up and will have expired at `end`. */
  endingBy(end: Millis): Member[] {
    const ending: Member[] = [];
    for (const member of this.#up.values()) if (member.expiresAt <= end) ending.push(member);
    return ending;
  }

  /** `length` hashes, a power of two up to `bucketsMax`, as if `without` were not there: a record counts in the one that its id's low bits name. */
  digest(length: number, versions: boolean, without: readonly Member[] = []): number[] {
    const buckets = versions ? this.#versionedBuckets : this.#buckets;
    const folded = new Array<number>(length).fill(0);
    for (let bucket = 0; bucket < bucketsMax; bucket++) {
      const at = bucket & (length - 1);
      folded[at] = ((folded[at] as number) ^ (buckets[bucket] as number)) >>> 0;
    }
    for (const member of without) {
      const at = member.idBits & (length - 1);
      const bits = bitsOf(member);
      folded[at] = ((folded[at] as number) ^ (versions ? versionedBitsOf(member, bits) : bits)) >>> 0;
    }
    return folded;
  }

  /** The records of some buckets of `bucketCount`, in a list per bucket. One pass over the table. */
  inBuckets(bucketCount: number, buckets: readonly number[]): Map<number, Member[]> {
    const lists = new Map<number, Member[]>(buckets.map((bucket) => [bucket, []]));
    for (const records of [this.#up, this.#gone]) {
      for (const member of records.values()) lists.get(member.idBits & (bucketCount - 1))?.push(member);
    }
    return lists;
  }

  #remove(member: Member): void {
    this.#toggle(member);
    const id = member.info.id;
    if (member.state === 'up') {
      this.#up.delete(id);
      this.#order.delete(id);
    } else this.#gone.delete(id);
  }

  /** Exclusive or is its own inverse: the same call adds a record to its bucket and takes it out. */
  #toggle(member: Member): void {
    const bucket = member.idBits & (bucketsMax - 1);
    const bits = bitsOf(member);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) ^ bits;
    this.#versionedBuckets[bucket] = (this.#versionedBuckets[bucket] as number) ^ versionedBitsOf(member, bits);
  }

  #evictTombstone(): void {
    for (const oldest of this.#gone.values()) {
      this.#remove(oldest);
      this.tombstonesEvicted++;
      return;
    }
  }
}

/** What a record adds to its bucket. */
function bitsOf({ idBits, info, state }: Member): number {
  return recordHash(idBits, info.incarnation, state);
}

/** The same where versions count, from the bits without. */
function versionedBitsOf({ info, state }: Member, bits: number): number {
  return versionedHash(bits, info.version, state);
}
