import type { Millis, Outbox, PeerId, PeerInfo, Rng } from '@starling/kernel';
import type { DirectoryConfig } from './config.ts';
import { isBetterVersion, memberStates } from './member-hash.ts';
import { bucketsMax, type Member, type MemberTable } from './member-table.ts';
import type { DirectoryEvent, DirectoryMessage, MemberRecord } from './messages.ts';

type Out = Outbox<DirectoryMessage, DirectoryEvent>;
type DigestMessage = Extract<DirectoryMessage, { kind: 'directoryDigest' }>;
type RecordsMessage = Extract<DirectoryMessage, { kind: 'directoryRecords' }>;

/** A repair that this peer leads: the buckets still to be sent, one page after each reply. */
interface Session {
  readonly bucketCount: number;
  readonly buckets: number[];
  deadline: Millis;
}

/** What the directory does with a record that came by repair. True when it was news. */
export type Merge = (now: Millis, from: PeerId, record: MemberRecord, out: Out) => boolean;

/**
 * Anti-entropy between neighbours, as in Demers et al., PODC 1987, with hashes per bucket so that agreement costs a few
 * bytes and a difference costs a few records. What a repair taught is offered on at once (`spread`), so that two islands
 * that meet on one link become one directory hop by hop, without waiting for each peer's own round.
 */
export class Repair {
  readonly #config: DirectoryConfig;
  readonly #table: MemberTable;
  readonly #rng: Rng;
  readonly #merge: Merge;
  readonly #sessions = new Map<PeerId, Session>();
  /** Neighbours that differ, but there were as many repairs as there may be. As many as there are links. */
  readonly #waiting = new Set<PeerId>();
  /** Linked peers that know of versions. As many as there are links. */
  readonly #versioned = new Set<PeerId>();
  #spreadAt: Millis = Number.POSITIVE_INFINITY;
  readonly stats = { digestsSent: 0, digestsAgreed: 0, repairs: 0, timeouts: 0, recordsSent: 0, recordsLearned: 0 };

  constructor(config: DirectoryConfig, table: MemberTable, rng: Rng, merge: Merge) {
    this.#config = config;
    this.#table = table;
    this.#rng = rng;
    this.#merge = merge;
  }

  linkUp(peer: PeerInfo): void {
    if (peer.version === undefined) this.#versioned.delete(peer.id);
    else this.#versioned.add(peer.id);
  }

  /** Opens a comparison with a neighbour. */
  sendDigest(now: Millis, to: PeerId, out: Out, length = 1): void {
    // A full table holds a sample of the mesh, and two samples always differ: comparing them would never end.
    if (this.#table.isFull) return;
    this.stats.digestsSent++;
    const versions = this.#versioned.has(to);
    out.send(to, { kind: 'directoryDigest', hashes: this.#digest(now, length, versions), versions });
  }

  /** Returns the rule that the message broke, or null. */
  onDigest(now: Millis, from: PeerId, { hashes, versions }: DigestMessage, out: Out): string | null {
    if (!isBucketCount(hashes.length)) return 'digest length';
    if (this.#table.isFull) return null;
    const own = this.#digest(now, hashes.length, versions);
    const buckets = own.flatMap((hash, bucket) => (hash === hashes[bucket] ? [] : [bucket]));
    if (buckets.length === 0) {
      this.stats.digestsAgreed++;
      return null;
    }
    const finest = this.#preferredLength();
    if (finest > hashes.length) this.sendDigest(now, from, out, finest);
    else this.#begin(now, from, { bucketCount: hashes.length, buckets, deadline: 0 }, out);
    return null;
  }

  /** Returns the rule that the message broke, or null. */
  onRecords(now: Millis, from: PeerId, message: RecordsMessage, out: Out): string | null {
    const { bucketCount, buckets, records } = message;
    if (!isBucketCount(bucketCount) || buckets.length > bucketCount) return 'bucket count';
    if (!buckets.every((bucket) => Number.isInteger(bucket) && bucket >= 0 && bucket < bucketCount)) return 'bucket';
    if (records.length > this.#config.pageRecordsMax) return 'page size';
    let learned = 0;
    for (const record of records) if (this.#merge(now, from, record, out)) learned++;
    this.stats.recordsLearned += learned;
    if (learned > 0) this.#armSpread(now);
    if (message.reply) this.#reply(now, from, message, out);
    else this.#continue(now, from, out);
    return null;
  }

  /** Offers what was learned to every neighbour, when it is time. */
  spread(now: Millis, neighbors: readonly PeerId[], out: Out): void {
    if (now < this.#spreadAt) return;
    this.#spreadAt = Number.POSITIVE_INFINITY;
    for (const neighbor of neighbors) this.sendDigest(now, neighbor, out);
  }

  /** Gives up repairs whose neighbour fell silent. */
  expire(now: Millis, out: Out): void {
    for (const [peer, session] of this.#sessions) {
      if (session.deadline > now) continue;
      this.stats.timeouts++;
      this.#end(now, peer, out);
    }
  }

  forget(now: Millis, peer: PeerId, out: Out): void {
    this.#waiting.delete(peer);
    this.#end(now, peer, out);
  }

  linkDown(now: Millis, peer: PeerId, out: Out): void {
    this.forget(now, peer, out);
    this.#versioned.delete(peer);
  }

  next(): Millis {
    let next = this.#spreadAt;
    for (const session of this.#sessions.values()) next = Math.min(next, session.deadline);
    return next;
  }

  /**
   * What is about to expire is left out, here and in what is sent, so that a neighbour that has heard of it since says so: refreshes are not repaired, and
   * lives that a newcomer lent to its first neighbours are too short.
   */
  #digest(now: Millis, length: number, versions: boolean): number[] {
    return this.#table.digest(length, versions, this.#table.endingBy(now + this.#config.askBeforeMs));
  }

  #begin(now: Millis, with_: PeerId, session: Session, out: Out): void {
    if (this.#sessions.has(with_)) return;
    if (this.#sessions.size >= this.#config.repairsMax) {
      this.#waiting.add(with_);
      return;
    }
    this.stats.repairs++;
    this.#waiting.delete(with_);
    this.#sessions.set(with_, session);
    this.#continue(now, with_, out);
  }

  /** One that waited is compared with again: the repair that is over may have taught the same. */
  #end(now: Millis, with_: PeerId, out: Out): void {
    if (!this.#sessions.delete(with_)) return;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.sendDigest(now, next, out);
      return;
    }
  }

  /** Sends the next page: whole buckets, so that the receiver can tell what we lack. */
  #continue(now: Millis, to: PeerId, out: Out): void {
    const session = this.#sessions.get(to);
    if (session === undefined) return;
    if (session.buckets.length === 0) {
      this.#end(now, to, out);
      return;
    }
    session.deadline = now + this.#config.repairTimeoutMs;
    const lists = this.#table.inBuckets(session.bucketCount, session.buckets);
    const page: Member[] = [];
    const buckets: number[] = [];
    for (const bucket of session.buckets) {
      const list = lists.get(bucket) as Member[];
      if (buckets.length > 0 && page.length + list.length > this.#config.pageRecordsMax) break;
      buckets.push(bucket);
      page.push(...list);
    }
    session.buckets.splice(0, buckets.length);
    this.#sendRecords(now, to, session.bucketCount, buckets, page, true, out);
  }

  #reply(now: Millis, to: PeerId, message: RecordsMessage, out: Out): void {
    const theirs = new Map(message.records.map((record) => [record.info.id, record]));
    const mine = [...this.#table.inBuckets(message.bucketCount, message.buckets).values()].flat();
    const news = mine.filter((member) => isNewer(member, theirs.get(member.info.id)));
    this.#sendRecords(now, to, message.bucketCount, message.buckets, news, false, out);
  }

  #sendRecords(
    now: Millis,
    to: PeerId,
    bucketCount: number,
    buckets: readonly number[],
    members: readonly Member[],
    reply: boolean,
    out: Out,
  ): void {
    const { pageRecordsMax, recordTtlMinMs, askBeforeMs, refreshMaxMs, missedRefreshes } = this.#config;
    // This peer's own record never expires here; to others it is worth what the longest promise is worth.
    const lifeMax = refreshMaxMs * missedRefreshes;
    const lasting = members.filter(
      ({ state, expiresAt }) => expiresAt - now > (state === 'up' ? askBeforeMs : recordTtlMinMs),
    );
    // More than fit only when ids crowd in one bucket: a random part, so that rounds make progress all the same.
    const chosen = lasting.length > pageRecordsMax ? this.#rng.sample(lasting, pageRecordsMax) : lasting;
    const records = chosen.map(({ info, state, expiresAt }) => ({
      info,
      state,
      ttlMs: Math.min(expiresAt - now, lifeMax),
    }));
    this.stats.recordsSent += records.length;
    out.send(to, { kind: 'directoryRecords', bucketCount, buckets, records, reply });
  }

  #armSpread(now: Millis): void {
    const delay = this.#config.repairSpreadMs * (0.5 + 0.5 * this.#rng.float());
    this.#spreadAt = Math.min(this.#spreadAt, now + delay);
  }

  #preferredLength(): number {
    let length = 1;
    while (length < bucketsMax && length * this.#config.recordsPerBucket < this.#table.count) length *= 2;
    return length;
  }
}

/** Of two records about one peer: is `mine` the one to keep? */
function isNewer(mine: Member, theirs: MemberRecord | undefined): boolean {
  if (theirs === undefined) return true;
  if (mine.info.incarnation !== theirs.info.incarnation) return mine.info.incarnation > theirs.info.incarnation;
  const rank = memberStates.indexOf(mine.state) - memberStates.indexOf(theirs.state);
  return rank > 0 || (rank === 0 && mine.state === 'up' && isBetterVersion(mine.info.version, theirs.info.version));
}

/** A power of two from 1 to 256. */
function isBucketCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= bucketsMax && (count & (count - 1)) === 0;
}
