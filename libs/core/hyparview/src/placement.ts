import { type Millis, type Outbox, type PeerInfo, type Rng, TokenBucket, unreachable } from '@starling/kernel';
import type { Attempt } from './attempts.ts';
import type { HyParViewConfig } from './config.ts';
import type { HyParViewEvent, HyParViewMessage, NeighborDownReason } from './messages.ts';
import type { HyParViewStats } from './stats.ts';
import type { Views } from './views.ts';

type Out = Outbox<HyParViewMessage, HyParViewEvent>;

type RemoveNeighbor = (now: Millis, peer: PeerInfo, reason: NeighborDownReason, out: Out) => void;

/**
 * Who gets a place in the active view, and who goes for it: by the paper anybody at random; with ranked places only who
 * holds none by right, and favours are rationed.
 */
export class Placement {
  readonly #views: Views;
  readonly #rng: Rng;
  readonly #stats: HyParViewStats;
  readonly #favours: TokenBucket;
  readonly #remove: RemoveNeighbor;
  /** Until then this peer's view is a newcomer's: nobody holds a place for good. */
  #youngUntil: Millis = 0;

  /** `remove`: takes a neighbour out of the view and says so. */
  constructor(config: HyParViewConfig, views: Views, rng: Rng, stats: HyParViewStats, remove: RemoveNeighbor) {
    this.#views = views;
    this.#rng = rng;
    this.#stats = stats;
    this.#favours = new TokenBucket(config.favoursMax, 1_000 / config.favourIntervalMs);
    this.#remove = remove;
  }

  /** The first neighbour is there; `until`: from then on places are for good. */
  joined(until: Millis): void {
    this.#youngUntil = until;
  }

  isYoung(now: Millis): boolean {
    return now < this.#youngUntil;
  }

  /** Sees to it that an accepted request finds a place. False: the place was taken meanwhile. */
  hasRoomFor(now: Millis, { peer, purpose, dropping }: Attempt, dropped: PeerInfo | null, out: Out): boolean {
    const views = this.#views;
    const least = views.hasRoom ? undefined : views.expendableFor(peer);
    if (least !== undefined) {
      this.evict(now, least, 'swapped', dropped, out);
      return true;
    }
    switch (purpose) {
      case 'join':
      case 'fill':
        return views.hasRoom;
      case 'forwardJoin':
        if (views.places !== null) return this.#favour(now, peer, out) !== undefined;
        if (!views.hasRoom) this.#evictFor(now, peer, out);
        return true;
      case 'near':
        if (views.hasRoom) return true;
        if (views.places !== null || dropping === null || !views.isNeighbor(dropping.id)) return false;
        this.evict(now, dropping, 'swapped', dropped, out);
        return true;
      case 'bridge':
        // Not a favour: it was this peer's own idea, and those are few.
        if (views.hasRoomForHigh) return true;
        if (views.places !== null) return this.#favour(now, dropped ?? peer, out) !== undefined;
        if (dropping !== null && views.isNeighbor(dropping.id)) this.evict(now, dropping, 'swapped', dropped, out);
        else this.#evictFor(now, dropped ?? peer, out);
        return true;
      default:
        return unreachable(purpose);
    }
  }

  /** Would `peer` be given a place now, were it asked for? */
  wouldPlace(now: Millis, peer: PeerInfo): boolean {
    const { places, hasRoom } = this.#views;
    return places === null || hasRoom || places.deserves(peer) || this.#favours.waitMs(now) === 0;
  }

  /**
   * Makes a place for somebody who must not be refused lightly. Gives whom it took it from, null when there was room, and
   * undefined when there is none to be had. The evicted is told of `alternative`, who has room.
   */
  placeFor(now: Millis, peer: PeerInfo, alternative: PeerInfo, out: Out): PeerInfo | null | undefined {
    const views = this.#views;
    if (views.places === null) return views.hasRoomForHigh ? null : this.#evictFor(now, alternative, out);
    const least = views.hasRoom ? undefined : views.expendableFor(peer);
    if (least === undefined) return this.#favour(now, alternative, out);
    this.evict(now, least, 'evicted', alternative, out);
    return least;
  }

  /**
   * A place for somebody whom no rank favours: a free one, or now and then one above the capacity or of another who holds
   * none by right. Nobody who deserves its place has to go for it, except while the mesh forms and all places are provisional:
   * there a newcomer goes between two neighbours, as in the paper.
   */
  #favour(now: Millis, alternative: PeerInfo, out: Out): PeerInfo | null | undefined {
    const views = this.#views;
    if (views.hasRoom) return null;
    const victim = views.hasRoomForHigh
      ? null
      : (views.places?.expendable(this.#rng) ?? (this.isYoung(now) ? views.randomNeighbor(alternative.id) : undefined));
    if (victim === undefined || !this.#favours.take(now)) {
      this.#stats.undeserved++;
      return undefined;
    }
    this.#stats.favours++;
    if (victim !== null) this.evict(now, victim, 'evicted', alternative, out);
    return victim;
  }

  /** Algorithm 1, dropRandomElementFromActiveView. The victim is shown to `newcomer`, who has room. */
  #evictFor(now: Millis, newcomer: PeerInfo, out: Out): PeerInfo | null {
    const victim = this.#views.randomNeighbor(newcomer.id) ?? this.#views.neighbor(newcomer.id);
    if (victim === undefined) return null;
    this.evict(now, victim, 'evicted', newcomer, out);
    return victim;
  }

  /** Takes a neighbour's place; it is told who else may have room, and stays a spare. */
  evict(now: Millis, peer: PeerInfo, reason: 'evicted' | 'swapped', alternative: PeerInfo | null, out: Out): void {
    if (reason === 'swapped') this.#stats.swapped++;
    else this.#stats.evicted++;
    out.send(peer.id, { kind: 'disconnect', reason, alternative });
    this.#remove(now, peer, reason, out);
    out.close(peer.id);
    this.#views.remember(now, peer);
  }
}
