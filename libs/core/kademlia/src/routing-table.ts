import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { KademliaConfig } from './config.ts';
import type { Contact } from './contact.ts';
import { FullTable } from './full-table.ts';
import { KBuckets } from './k-buckets.ts';
import { type Position, positionOfPeer } from './position.ts';

/**
 * Whom this peer knows in the key space: everybody while the mesh is small, k per bucket always; and who of them did not
 * answer of late.
 */
export class RoutingTable {
  readonly self: Contact;
  readonly #config: KademliaConfig;
  readonly #positionOf: (id: PeerId) => Position;
  readonly #buckets: KBuckets;
  #full: FullTable | null = new FullTable();
  /** Members that are up, whether held or not. */
  readonly #members = new Set<PeerId>();
  /** Members that came (null: went) since a lookup last needed them: a peer that does none hashes no ids. */
  readonly #changed = new Map<PeerId, PeerInfo | null>();
  /** Until when a peer comes last. The oldest first. */
  readonly #suspects = new Map<PeerId, Millis>();

  constructor(config: KademliaConfig, self: PeerInfo, positionOf: (id: PeerId) => Position = positionOfPeer) {
    this.#config = config;
    this.#positionOf = positionOf;
    this.self = { info: self, position: positionOf(self.id) };
    const isNear = ({ info }: Contact): boolean => this.isNear(info);
    this.#buckets = new KBuckets(this.self.position, config.k, config.replacementsMax, isNear);
  }

  /** Whether all members are held. */
  get isFull(): boolean {
    return this.#full !== null;
  }

  /** Other peers held. */
  get size(): number {
    this.#settle();
    return this.#full?.size ?? this.#buckets.size;
  }

  get suspectCount(): number {
    return this.#suspects.size;
  }

  /** In the same failure domain. Nobody is when this peer does not know its own. */
  isNear(info: PeerInfo): boolean {
    return info.zone !== '' && info.zone === this.self.info.zone;
  }

  get(id: PeerId): Contact | undefined {
    this.#settle();
    return this.#full?.get(id) ?? this.#buckets.get(id);
  }

  /** The peer as a contact: as it is held, for its own word reaches this peer by the directory, else as somebody else says. */
  contactOf(info: PeerInfo): Contact {
    return this.get(info.id) ?? { info, position: this.#positionOf(info.id) };
  }

  memberUp(info: PeerInfo): void {
    if (info.id === this.self.info.id) return;
    this.#members.add(info.id);
    this.#suspects.delete(info.id);
    this.#changed.set(info.id, info);
    if (this.#members.size > this.#config.fullTableMax) this.#full = null;
  }

  memberDown(id: PeerId): void {
    this.#members.delete(id);
    this.#suspects.delete(id);
    this.#changed.set(id, null);
    if (this.#changed.size > this.#members.size + this.#config.suspectsMax) this.#settle();
  }

  /** The mesh has shrunk so far that all could be held again. */
  get isFullWanted(): boolean {
    return this.#full === null && this.#members.size < this.#config.fullTableMax * this.#config.fullTableShare;
  }

  /** Begins a table of all; the members have to be told again. */
  beginFull(): void {
    this.#full = new FullTable();
  }

  /** The peer itself spoke of lookups. */
  heard(info: PeerInfo): void {
    this.alive(info.id);
    this.#buckets.add(this.contactOf(info), true);
  }

  /** A link to the peer is up. */
  alive(id: PeerId): void {
    this.#suspects.delete(id);
  }

  /** The peer did not answer, or its link broke. */
  failed(now: Millis, id: PeerId): void {
    this.#suspects.delete(id);
    if (this.#suspects.size >= this.#config.suspectsMax) {
      const [oldest] = this.#suspects.keys();
      if (oldest !== undefined) this.#suspects.delete(oldest);
    }
    this.#suspects.set(id, now + this.#config.suspectMs);
    this.#buckets.replace(id);
  }

  /** Up to `count` other peers nearest to `target`, nearest first; who did not answer of late only when there are too few. */
  closest(now: Millis, target: Position, count: number): Contact[] {
    for (const [id, until] of this.#suspects) {
      if (until > now) break;
      this.#suspects.delete(id);
    }
    this.#settle();
    const table = this.#full ?? this.#buckets;
    const doubtful = Math.min(this.#suspects.size, count);
    const found = table.closest(target, count + doubtful);
    if (doubtful === 0) return found;
    const trusted = found.filter(({ info }) => !this.#suspects.has(info.id));
    const others = trusted.length < count ? found.filter(({ info }) => this.#suspects.has(info.id)) : [];
    return [...trusted, ...others].slice(0, count);
  }

  #settle(): void {
    if (this.#changed.size === 0) return;
    for (const [id, info] of this.#changed) {
      if (info === null) {
        this.#full?.delete(id);
        this.#buckets.delete(id);
      } else {
        const contact = { info, position: this.#positionOf(id) };
        this.#full?.set(contact);
        this.#buckets.add(contact, false);
      }
    }
    this.#changed.clear();
  }
}
