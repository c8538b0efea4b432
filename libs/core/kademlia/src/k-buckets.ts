import type { PeerId } from '@starling/kernel';
import { type Contact, sortByDistance } from './contact.ts';
import { type Position, sharedBits } from './position.ts';

interface Bucket {
  /** Least recently heard first. */
  readonly entries: Map<PeerId, Contact>;
  /** Who would take a place that becomes free; the most recent last (Kademlia §4.1). */
  readonly replacements: Map<PeerId, Contact>;
}

/**
 * Kademlia §2.2 and §4.1: for each number of leading bits that a peer shares with this one, up to k peers; those known
 * longest stay, since they are the likeliest to stay on. A newcomer waits in a replacement cache until one fails.
 *
 * Deviation: nobody is pinged to find out whether it is still there. Links and the directory say so, for nothing.
 */
export class KBuckets {
  readonly #self: Position;
  readonly #k: number;
  readonly #replacementsMax: number;
  readonly #isNear: (contact: Contact) => boolean;
  readonly #buckets: (Bucket | undefined)[] = [];
  readonly #bucketOf = new Map<PeerId, number>();

  /** `isNear`: takes the place of one that is not, in half of a full bucket; the other half goes by age alone, wherever a peer says it is. */
  constructor(self: Position, k: number, replacementsMax: number, isNear: (contact: Contact) => boolean) {
    this.#self = self;
    this.#k = k;
    this.#replacementsMax = replacementsMax;
    this.#isNear = isNear;
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  has(id: PeerId): boolean {
    return this.#bucketOf.has(id);
  }

  get(id: PeerId): Contact | undefined {
    const at = this.#bucketOf.get(id);
    return at === undefined ? undefined : this.#buckets[at]?.entries.get(id);
  }

  /** The peer was heard of. `isTraffic`: by itself, just now, so it counts as the most recent. */
  add(contact: Contact, isTraffic: boolean): void {
    const { id } = contact.info;
    const at = sharedBits(this.#self, contact.position);
    const bucket = this.#bucket(at);
    if (bucket.entries.has(id)) {
      if (isTraffic) bucket.entries.delete(id);
      bucket.entries.set(id, contact);
      return;
    }
    if (bucket.entries.size >= this.#k) {
      const far = this.#isNear(contact) ? this.#latestFar(bucket) : undefined;
      if (far === undefined) {
        this.#remember(bucket, contact);
        return;
      }
      this.#remove(bucket, far.info.id);
      this.#remember(bucket, far);
    }
    bucket.replacements.delete(id);
    bucket.entries.set(id, contact);
    this.#bucketOf.set(id, at);
  }

  /** The peer is gone: the most recent of those in waiting takes its place. */
  delete(id: PeerId): void {
    const at = this.#bucketOf.get(id);
    if (at === undefined) {
      for (const bucket of this.#buckets) bucket?.replacements.delete(id);
      return;
    }
    const bucket = this.#bucket(at);
    this.#remove(bucket, id);
    const next = [...bucket.replacements.values()].at(-1);
    if (next === undefined) return;
    bucket.replacements.delete(next.info.id);
    bucket.entries.set(next.info.id, next);
    this.#bucketOf.set(next.info.id, at);
  }

  /** The peer did not answer: whoever waits for its place takes it. Kademlia §4.1: while nobody waits it stays. */
  replace(id: PeerId): void {
    const at = this.#bucketOf.get(id);
    if (at !== undefined && this.#bucket(at).replacements.size > 0) this.delete(id);
  }

  /** Up to `count` peers nearest to `target`, nearest first. */
  closest(target: Position, count: number): Contact[] {
    // Kademlia §2.3. Who shares a longer prefix with the target than this peer does is in the bucket of the target …
    const at = sharedBits(this.#self, target);
    const found = [...this.#entries(at)];
    // … who is nearer to this peer than the target is, is all at one distance from the target …
    if (found.length < count) for (let i = at + 1; i < this.#buckets.length; i++) found.push(...this.#entries(i));
    // … and then come the others, from near to far.
    for (let i = Math.min(at, this.#buckets.length) - 1; i >= 0 && found.length < count; i--) {
      found.push(...this.#entries(i));
    }
    sortByDistance(target, found);
    if (found.length > count) found.length = count;
    return found;
  }

  /** Everybody in a place. */
  *contacts(): IterableIterator<Contact> {
    for (let i = 0; i < this.#buckets.length; i++) yield* this.#entries(i);
  }

  #entries(at: number): Iterable<Contact> {
    return this.#buckets[at]?.entries.values() ?? [];
  }

  #bucket(at: number): Bucket {
    while (this.#buckets.length <= at) this.#buckets.push(undefined);
    const known = this.#buckets[at];
    if (known !== undefined) return known;
    const made: Bucket = { entries: new Map(), replacements: new Map() };
    this.#buckets[at] = made;
    return made;
  }

  #latestFar(bucket: Bucket): Contact | undefined {
    let latest: Contact | undefined;
    let near = 0;
    for (const contact of bucket.entries.values()) {
      if (this.#isNear(contact)) near++;
      else latest = contact;
    }
    return near * 2 < this.#k ? latest : undefined;
  }

  #remember(bucket: Bucket, contact: Contact): void {
    bucket.replacements.delete(contact.info.id);
    if (bucket.replacements.size >= this.#replacementsMax) {
      const [oldest] = bucket.replacements.keys();
      if (oldest !== undefined) bucket.replacements.delete(oldest);
    }
    bucket.replacements.set(contact.info.id, contact);
  }

  #remove(bucket: Bucket, id: PeerId): void {
    bucket.entries.delete(id);
    this.#bucketOf.delete(id);
  }
}
