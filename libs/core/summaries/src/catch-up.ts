import { IndexedMap, type Millis, type Outbox, type PeerId, type Rng } from '@starling/kernel';
import type { SummariesConfig } from './config.ts';
import type { SummariesEvent, SummariesMessage, SummaryRecord, VersionEntry } from './messages.ts';
import { bucketsMax, type SummaryTable } from './summary-table.ts';
import { Wanted } from './wanted.ts';

type Out = Outbox<SummariesMessage, SummariesEvent>;
type VersionsMessage = Extract<SummariesMessage, { kind: 'summaryVersions' }>;

interface Fetch {
  readonly ids: readonly PeerId[];
  readonly deadline: Millis;
}

/** What the catching up needs of the core around it. */
export interface CatchUpSide {
  readonly ownId: PeerId;
  readonly table: SummaryTable;
  /** Is it a member whose summary may be held here? */
  isWelcome(id: PeerId): boolean;
  /** What to serve; undefined when it is not held. */
  recordOf(id: PeerId): SummaryRecord | undefined;
  /** A neighbour holds a later version of this peer's own summary than this peer made. */
  ownVersionSeen(version: number): void;
}

/**
 * How neighbours come to hold the same versions: a hash for each bucket of peers, then the versions of the buckets that
 * differ, then the summaries themselves, a frame's worth at a time and no faster than a rate. Agreement costs a dozen
 * bytes; a joiner goes through all of it, from two neighbours at once.
 */
export class CatchUp {
  readonly wanted = new Wanted();
  readonly #config: SummariesConfig;
  readonly #side: CatchUpSide;
  readonly #neighbors = new IndexedMap<PeerId, PeerId>();
  readonly #fetches = new Map<PeerId, Fetch>();
  /** Neighbours with whom a comparison taught something: compare again when what it taught is here. */
  readonly #unfinished = new Set<PeerId>();
  #fetchFrom: Millis = 0;
  #serveFrom: Millis = 0;
  readonly stats = {
    digestsSent: 0,
    fetchesSent: 0,
    fetchesFailed: 0,
    recordsServed: 0,
    bytesServed: 0,
    recordsFetched: 0,
    bytesFetched: 0,
    servingsRefused: 0,
  };

  constructor(config: SummariesConfig, side: CatchUpSide) {
    this.#config = config;
    this.#side = side;
  }

  neighborUp(peer: PeerId): void {
    this.#neighbors.set(peer, peer);
  }

  neighborDown(peer: PeerId): void {
    this.#neighbors.delete(peer);
    this.#fetches.delete(peer);
    this.#unfinished.delete(peer);
    this.wanted.unsource(peer);
  }

  clear(): void {
    this.#fetches.clear();
    this.#unfinished.clear();
    this.wanted.clear();
  }

  /** Opens a comparison with a neighbour. */
  sendDigest(to: PeerId, out: Out, length = 1): void {
    this.stats.digestsSent++;
    out.send(to, { kind: 'summaryDigest', hashes: this.#side.table.digest(length) });
  }

  compareWithAll(out: Out): void {
    for (const peer of this.#neighbors.keys()) this.sendDigest(peer, out);
  }

  compareWithOne(rng: Rng, out: Out): void {
    const peer = this.#neighbors.pick(rng);
    if (peer !== undefined) this.sendDigest(peer, out);
  }

  /** Returns the rule that the message broke, or null. */
  onDigest(from: PeerId, hashes: readonly number[], out: Out): string | null {
    if (!isBucketCount(hashes.length)) return 'digest length';
    const own = this.#side.table.digest(hashes.length);
    const differing = own.flatMap((hash, bucket) => (hash === hashes[bucket] ? [] : [bucket]));
    if (differing.length === 0) return null;
    const finest = this.#preferredLength();
    if (finest > hashes.length) this.sendDigest(from, out, finest);
    else this.#sendVersions(from, hashes.length, differing, true, () => true, out);
    return null;
  }

  /** Returns the rule that the message broke, or null. */
  onVersions(now: Millis, from: PeerId, message: VersionsMessage, out: Out): string | null {
    const { bucketCount, buckets, entries, reply } = message;
    if (!isBucketCount(bucketCount) || buckets.length > bucketCount) return 'bucket count';
    if (!buckets.every((bucket) => Number.isInteger(bucket) && bucket >= 0 && bucket < bucketCount)) return 'bucket';
    if (entries.length > this.#config.versionsMax) return 'versions';
    if (!entries.every(({ version }) => isVersion(version))) return 'version';
    const theirs = new Map(entries.map(({ id, version }) => [id, version]));
    for (const { id, version } of entries) this.#learn(now, from, id, version);
    if (reply) {
      const isNews = ({ id, version }: VersionEntry): boolean => version > (theirs.get(id) ?? 0);
      this.#sendVersions(from, bucketCount, buckets, false, isNews, out);
    }
    return null;
  }

  /** Returns the rule that the message broke, or null. */
  onFetch(now: Millis, from: PeerId, ids: readonly PeerId[], out: Out): string | null {
    const { fetchMax, serveBytesPerSecond, answerBytesMax } = this.#config;
    if (ids.length === 0 || ids.length > fetchMax) return 'fetch size';
    const records: SummaryRecord[] = [];
    let bytes = 0;
    if (now < this.#serveFrom) this.stats.servingsRefused++;
    else {
      for (const id of new Set(ids)) {
        const record = this.#side.recordOf(id);
        if (record === undefined) continue;
        records.push(record);
        bytes += sizeOf(record);
        if (bytes >= answerBytesMax) break;
      }
      this.#serveFrom = now + (bytes * 1_000) / serveBytesPerSecond;
    }
    this.stats.recordsServed += records.length;
    this.stats.bytesServed += bytes;
    out.send(from, { kind: 'summaryRecords', records });
    return null;
  }

  /**
   * An answer came. Returns the rule that it breaks, or null: then its records are to be looked at. What it brings is wanted no
   * more, whatever version the neighbour had promised: a promise that is not kept must not be asked for again and again.
   */
  onRecords(now: Millis, from: PeerId, records: readonly SummaryRecord[]): string | null {
    const fetch = this.#fetches.get(from);
    if (fetch === undefined) return records.length === 0 ? null : 'records not asked for';
    this.#fetches.delete(from);
    if (!records.every(({ id }) => fetch.ids.includes(id))) return 'records not asked for';
    for (const { id } of records) this.wanted.drop(id);
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
    this.stats.recordsFetched += records.length;
    this.stats.bytesFetched += bytes;
    this.#fetchFrom = Math.max(now, this.#fetchFrom) + (bytes * 1_000) / this.#config.fetchBytesPerSecond;
    if (records.length === 0) {
      this.stats.fetchesFailed++;
      this.wanted.failed(now, fetch.ids, this.#config.patienceMs);
    }
    return null;
  }

  /** Asks for what is wanted, as fast as it may. */
  pump(now: Millis, out: Out): void {
    for (const [peer, fetch] of this.#fetches) {
      if (fetch.deadline > now) continue;
      this.#fetches.delete(peer);
      this.stats.fetchesFailed++;
      this.wanted.failed(now, fetch.ids, 0);
    }
    if (this.wanted.size === 0) {
      for (const peer of this.#unfinished) this.sendDigest(peer, out, this.#preferredLength());
      this.#unfinished.clear();
      return;
    }
    if (now < this.#fetchFrom) return;
    const busy = new Set<PeerId>();
    for (const { ids } of this.#fetches.values()) for (const id of ids) busy.add(id);
    for (const peer of this.#neighbors.keys()) {
      if (this.#fetches.size >= this.#config.fetchesMax) break;
      if (this.#fetches.has(peer)) continue;
      const ids = this.wanted.of(now, peer, this.#config.fetchMax, busy);
      if (ids.length === 0) continue;
      for (const id of ids) busy.add(id);
      this.#fetches.set(peer, { ids, deadline: now + this.#config.fetchTimeoutMs });
      this.stats.fetchesSent++;
      out.send(peer, { kind: 'summaryFetch', ids });
    }
    this.wanted.looked(now);
  }

  next(now: Millis): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#fetches.values()) next = Math.min(next, deadline);
    if (this.#fetches.size >= this.#config.fetchesMax) return next;
    if (this.#fetchFrom > now && this.wanted.size > 0) return Math.min(next, this.#fetchFrom);
    return Math.min(next, this.wanted.next());
  }

  #learn(now: Millis, from: PeerId, id: PeerId, version: number): void {
    const held = this.#side.table.get(id)?.version ?? 0;
    if (version <= held) return;
    if (id === this.#side.ownId) {
      this.#side.ownVersionSeen(version);
      return;
    }
    if (!this.#side.isWelcome(id)) return;
    // A little older than the neighbour's: the broadcast is probably on its way.
    this.wanted.want(now, id, version, from, held === 0 ? now : now + this.#config.patienceMs);
    this.#unfinished.add(from);
  }

  /** Whole buckets, as many as fit. */
  #sendVersions(
    to: PeerId,
    bucketCount: number,
    wantedBuckets: readonly number[],
    reply: boolean,
    filter: (entry: VersionEntry) => boolean,
    out: Out,
  ): void {
    const lists = this.#side.table.inBuckets(bucketCount, wantedBuckets);
    const buckets: number[] = [];
    const entries: VersionEntry[] = [];
    for (const [bucket, all] of lists) {
      const list = all.filter(filter);
      if (entries.length > 0 && entries.length + list.length > this.#config.versionsMax) break;
      buckets.push(bucket);
      entries.push(...list.slice(0, this.#config.versionsMax));
    }
    if (reply || entries.length > 0) out.send(to, { kind: 'summaryVersions', bucketCount, buckets, entries, reply });
  }

  #preferredLength(): number {
    let length = 1;
    while (length < bucketsMax && length * this.#config.peersPerBucket < this.#side.table.size) length *= 2;
    return length;
  }
}

export function sizeOf(record: SummaryRecord): number {
  return record.id.length + record.terms.length + (record.exact?.length ?? 0) + 24;
}

export function isVersion(version: number): boolean {
  return Number.isSafeInteger(version) && version > 0;
}

/** A power of two from 1 to 256. */
function isBucketCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= bucketsMax && (count & (count - 1)) === 0;
}
