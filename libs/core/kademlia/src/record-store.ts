import type { Millis, PeerId } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';
import type { StoreOutcome } from './messages.ts';
import { compareDistance, type Position } from './position.ts';
import {
  compareRecords,
  keyName,
  type LookupRecord,
  positionOfRecord,
  type RecordKind,
  recordBytes,
} from './record.ts';

/** A record as it is held. */
export interface Held {
  readonly record: LookupRecord;
  readonly position: Position;
  readonly bytes: number;
  /** When this peer hands it to the nearest peers again. */
  republishAt: Millis;
}

/** The records that this peer holds for the mesh. In memory: what a process takes along when it goes, the other holders have. */
export class RecordStore {
  readonly #config: KademliaConfig;
  readonly #self: Position;
  /** By key, then by publisher. */
  readonly #keys = new Map<string, Map<PeerId, Held>>();
  readonly #bytesOf = new Map<PeerId, number>();
  #count = 0;
  #bytes = 0;
  #keywords = 0;
  /** Records that had to go for nearer ones. */
  evicted = 0;

  constructor(config: KademliaConfig, self: Position) {
    this.#config = config;
    this.#self = self;
  }

  get count(): number {
    return this.#count;
  }

  /** Of them, keyword records. */
  get keywordCount(): number {
    return this.#keywords;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a record that was found to be valid. */
  put(
    now: Millis,
    record: LookupRecord,
    republishAt: Millis,
  ): Extract<StoreOutcome, 'stored' | 'held' | 'newer' | 'full'> {
    const name = keyName(record.kind, record.key);
    const known = this.#keys.get(name)?.get(record.publisher);
    if (known !== undefined && compareRecords(known.record, record) >= 0) {
      // Somebody has just handed it on: this peer need not do so too (Kademlia §2.5).
      known.republishAt = Math.max(known.republishAt, republishAt);
      return compareRecords(known.record, record) === 0 ? 'held' : 'newer';
    }
    const held = { record, position: positionOfRecord(record), bytes: recordBytes(record), republishAt };
    if (!this.#makeRoom(now, name, held, known)) return 'full';
    if (known !== undefined) this.#remove(known);
    const publishers = this.#keys.get(name) ?? new Map<PeerId, Held>();
    publishers.set(record.publisher, held);
    this.#keys.set(name, publishers);
    this.#account(held, 1);
    return 'stored';
  }

  /** Up to `limit` records of a key that have not expired, newest first; of one publisher unless it is ''. */
  get(now: Millis, kind: RecordKind, key: Uint8Array, publisher: PeerId, limit: number): LookupRecord[] {
    const publishers = this.#keys.get(keyName(kind, key));
    if (publishers === undefined) return [];
    const records: LookupRecord[] = [];
    for (const { record } of publishers.values()) {
      if (record.expiresAt > now && (publisher === '' || record.publisher === publisher)) records.push(record);
    }
    return records.sort((a, b) => compareRecords(b, a)).slice(0, limit);
  }

  /** Forgets what has expired; returns how many. */
  expire(now: Millis): number {
    let expired = 0;
    for (const held of this.all()) {
      if (held.record.expiresAt > now) continue;
      this.#remove(held);
      expired++;
    }
    return expired;
  }

  *all(): IterableIterator<Held> {
    for (const publishers of this.#keys.values()) yield* publishers.values();
  }

  /** Still held, and not replaced by a newer one. */
  has({ record }: Held): boolean {
    return this.#keys.get(keyName(record.kind, record.key))?.get(record.publisher)?.record === record;
  }

  #makeRoom(now: Millis, name: string, wanted: Held, replaced: Held | undefined): boolean {
    const { keywordShareMax, recordBytesMax, publisherShareMax, recordsMax } = this.#config;
    const { kind, publisher } = wanted.record;
    if (kind === 'keyword' && replaced === undefined && this.#keywords >= recordsMax * keywordShareMax) return false;
    const more = wanted.bytes - (replaced?.bytes ?? 0);
    if ((this.#bytesOf.get(publisher) ?? 0) + more > recordBytesMax * publisherShareMax) return false;
    if (replaced === undefined && (this.#keys.get(name)?.size ?? 0) >= this.#publishersMax(wanted.record.kind)) {
      return false;
    }
    while (this.#bytes + more > recordBytesMax || (replaced === undefined && this.#count >= recordsMax)) {
      const farthest = this.#farthest(now);
      if (farthest === undefined || compareDistance(this.#self, farthest.position, wanted.position) <= 0) return false;
      this.#remove(farthest);
      this.evicted++;
      if (farthest === replaced) return false;
    }
    return true;
  }

  #publishersMax(kind: RecordKind): number {
    const { holdersPerKeywordMax, providersPerKeyMax, publishersPerValueMax } = this.#config;
    return { value: publishersPerValueMax, provider: providersPerKeyMax, keyword: holdersPerKeywordMax }[kind];
  }

  /** What has expired counts as farthest. */
  #farthest(now: Millis): Held | undefined {
    let farthest: Held | undefined;
    for (const held of this.all()) {
      if (held.record.expiresAt <= now) return held;
      if (farthest === undefined || compareDistance(this.#self, farthest.position, held.position) < 0) farthest = held;
    }
    return farthest;
  }

  #remove(held: Held): void {
    const name = keyName(held.record.kind, held.record.key);
    const publishers = this.#keys.get(name);
    publishers?.delete(held.record.publisher);
    if (publishers?.size === 0) this.#keys.delete(name);
    this.#account(held, -1);
  }

  #account({ record, bytes }: Held, sign: 1 | -1): void {
    this.#count += sign;
    this.#bytes += sign * bytes;
    if (record.kind === 'keyword') this.#keywords += sign;
    const left = (this.#bytesOf.get(record.publisher) ?? 0) + sign * bytes;
    if (left > 0) this.#bytesOf.set(record.publisher, left);
    else this.#bytesOf.delete(record.publisher);
  }
}
