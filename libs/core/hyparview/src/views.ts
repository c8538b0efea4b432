import { assert, IndexedMap, type Millis, type PeerId, type PeerInfo, type Rng } from '@starling/kernel';
import type { HyParViewConfig } from './config.ts';
import type { AdmissionPolicy } from './messages.ts';
import { PassiveView } from './passive-view.ts';
import { Places } from './places.ts';
import { Proximity } from './proximity.ts';
import { Tombstones } from './tombstones.ts';

/**
 * The two views and what keeps them sound: both are bounded, they never share a peer, the peer itself is in neither, nobody
 * who left comes back in the same life, and the admission policy has its say. Knows nothing of messages and links.
 */
export class Views {
  readonly #config: HyParViewConfig;
  readonly #rng: Rng;
  readonly #policy: AdmissionPolicy;
  readonly #active = new IndexedMap<PeerId, PeerInfo>();
  readonly #passive: PassiveView;
  readonly #tombstones: Tombstones;
  readonly #proximity: Proximity;
  /** Who deserves a place; null when whoever comes first has it, as in the paper. */
  readonly places: Places | null;
  #self: PeerInfo;

  constructor(config: HyParViewConfig, self: PeerInfo, rng: Rng, policy: AdmissionPolicy) {
    this.#config = config;
    this.#self = self;
    this.#rng = rng;
    this.#policy = policy;
    this.#passive = new PassiveView(config.passiveCapacity);
    this.#tombstones = new Tombstones(config.tombstonesMax, config.tombstoneExpiryMs);
    this.#proximity = new Proximity(config.farRttMs, config.rttsMax);
    const { rankedPlaces, activeCapacity, claimsInVainMax, claimsInVainMs } = config;
    this.places = rankedPlaces ? new Places(self, activeCapacity, claimsInVainMax, claimsInVainMs) : null;
  }

  get self(): PeerInfo {
    return this.#self;
  }

  set self(self: PeerInfo) {
    assert(self.id === this.#self.id, 'a peer keeps its id');
    this.#self = self;
  }

  /** The neighbours as they lie; valid until the next change. */
  get active(): readonly PeerInfo[] {
    return this.#active.values();
  }

  /** The spares as they lie; valid until the next change. */
  get passive(): readonly PeerInfo[] {
    return this.#passive.values();
  }

  /** How often either view was changed. */
  get changes(): number {
    return this.#active.changes + this.#passive.changes;
  }

  get isIsolated(): boolean {
    return this.#active.size === 0;
  }

  /** How many links this peer looks for: by rank as many as it has places, which may be one more or fewer than the others'. */
  get wanted(): number {
    return this.places?.count ?? this.#config.activeCapacity;
  }

  /** Links that are missing; 0 or below when there is no free place. */
  get deficit(): number {
    return this.wanted - this.#active.size;
  }

  get hasRoom(): boolean {
    return this.deficit > 0;
  }

  /** As `hasRoom`, for joins, high priority and bridges. */
  get hasRoomForHigh(): boolean {
    return this.deficit + this.#config.highPrioritySlots > 0;
  }

  get isPassiveFull(): boolean {
    return this.#passive.isFull;
  }

  isNeighbor(peer: PeerId): boolean {
    return this.#active.has(peer);
  }

  neighbor(peer: PeerId): PeerInfo | undefined {
    return this.#active.get(peer);
  }

  isSpare(peer: PeerId): boolean {
    return this.#passive.has(peer);
  }

  spare(peer: PeerId): PeerInfo | undefined {
    return this.#passive.get(peer);
  }

  addNeighbor(peer: PeerInfo): void {
    this.#active.set(peer.id, peer);
    this.#passive.delete(peer.id);
    this.places?.add(peer);
  }

  removeNeighbor(peer: PeerId): void {
    this.#active.delete(peer);
    this.places?.remove(peer);
  }

  /** May `peer` be asked, or taken, as a new neighbour? */
  admits(now: Millis, peer: PeerInfo): boolean {
    if (peer.id === this.#self.id || this.#active.has(peer.id)) return false;
    return !this.#tombstones.covers(now, peer) && this.#policy.admit(peer, this.#active.values());
  }

  /** May a message go to `peer`, whom we have only heard of? */
  remembers(peer: PeerInfo): boolean {
    return this.#policy.remember(peer);
  }

  /**
   * Algorithm 1, addNodePassiveView. Hearsay: never changes what a neighbour said of itself, never brings back a leaver.
   * False when the news is of a life that is over. To make room, `expendable` goes first and is used up.
   */
  remember(now: Millis, peer: PeerInfo, expendable: PeerInfo[] = []): boolean {
    if (peer.id === this.#self.id || this.#active.has(peer.id)) return true;
    if (this.#tombstones.covers(now, peer)) return false;
    if (this.#policy.remember(peer)) this.#passive.add(peer, this.#rng, expendable);
    return true;
  }

  /**
   * TR-07-13 §4.3: a candidate that cannot be reached leaves the passive view. Deviation: not while there is no neighbour
   * at all, because then it may be our own network that failed, and the passive view is all that would be left afterwards.
   */
  forgetUnreachable(peer: PeerId): void {
    if (this.#active.size > 0) this.#passive.delete(peer);
  }

  /** No spare any more. */
  forget(peer: PeerId): void {
    this.#passive.delete(peer);
  }

  /** This life of `peer` is over. */
  bury(now: Millis, peer: PeerInfo): void {
    this.#tombstones.add(now, peer);
    this.#passive.delete(peer.id);
  }

  isBuried(now: Millis, peer: PeerInfo): boolean {
    return this.#tombstones.covers(now, peer);
  }

  /** A random neighbour that is neither of the two. */
  randomNeighbor(except: PeerId | null = null, exceptToo: PeerId | null = null): PeerInfo | undefined {
    const id = this.randomNeighborId(except, exceptToo);
    return id === undefined ? undefined : this.#active.get(id);
  }

  /** As `randomNeighbor`, for who wants no more than to send it something. */
  randomNeighborId(except: PeerId | null = null, exceptToo: PeerId | null = null): PeerId | undefined {
    // The ids lie together; the peers they name may be anywhere.
    const ids = this.#active.keys();
    let eligible = 0;
    for (const id of ids) if (id !== except && id !== exceptToo) eligible++;
    if (eligible === 0) return undefined;
    let skip = this.#rng.below(eligible);
    for (const id of ids) {
      if (id === except || id === exceptToo) continue;
      if (skip-- === 0) return id;
    }
    return undefined;
  }

  /** Up to `count` neighbours other than `except`, in random order. */
  sampleNeighbors(count: number, except: PeerId | null = null): PeerInfo[] {
    const sample = this.#active.sample(this.#rng, count + 1).filter((peer) => peer.id !== except);
    sample.length = Math.min(sample.length, count);
    return sample;
  }

  /** Up to `count` spares, in random order. */
  sampleSpares(count: number): PeerInfo[] {
    return this.#passive.sample(this.#rng, count);
  }

  /** Is `peer` said to be dead? */
  isDoubted(peer: PeerId): boolean {
    return this.#policy.isDoubted?.(peer) === true;
  }

  /** A spare that `isWanted`, about at random. */
  findSpare(isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    return this.#passive.find(this.#rng, isWanted);
  }

  /** Whom a newcomer that deserves a place takes it from; undefined when it deserves none, or places are not ranked. */
  expendableFor(newcomer: PeerInfo): PeerInfo | undefined {
    return this.places?.deserves(newcomer) ? this.places.expendable(this.#rng, newcomer) : undefined;
  }

  /**
   * Whom `asker` may ask instead: of all known peers the one that ranks best for it at the place where this peer ranks best
   * itself, so that following such hints leads to its place in a few steps; else a random neighbour. No spare that is said to be
   * dead: the best would be named each time, and leads nowhere. Null when there is none, or places are not ranked.
   */
  hintFor(asker: PeerInfo): PeerInfo | null {
    if (this.places === null) return null;
    const rankOf = this.places.rankFor(asker, this.#self);
    let best: PeerInfo | null = null;
    let bestRank = rankOf(this.#self);
    for (const peer of this.#active.values()) {
      const rank = rankOf(peer);
      if (rank >= bestRank || peer.id === asker.id) continue;
      best = peer;
      bestRank = rank;
    }
    const spares = this.#passive.values();
    const hashes = this.#passive.hashes();
    for (let i = 0; i < spares.length; i++) {
      const peer = spares[i] as PeerInfo;
      const rank = rankOf(peer, hashes[i]);
      if (rank >= bestRank || peer.id === asker.id || this.isDoubted(peer.id)) continue;
      best = peer;
      bestRank = rank;
    }
    return best ?? this.randomNeighbor(asker.id) ?? null;
  }

  measured(peer: PeerId, rttMs: Millis): void {
    this.#proximity.measured(peer, rttMs);
  }

  isNear(peer: PeerInfo): boolean {
    return this.#proximity.isNear(this.#self, peer);
  }

  /** A far neighbour that may be swapped for a near one; not `except`, which is about to look for a link itself. */
  farNeighbor(except: PeerId | null = null): PeerInfo | undefined {
    return this.#proximity.expendable(this.#self, this.active, this.#config.randomLinks, except, this.#rng);
  }
}
