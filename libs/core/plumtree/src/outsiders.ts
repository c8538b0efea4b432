import { type Millis, type Outbox, type PeerId, TokenBucket } from '@starling/kernel';
import type { PlumtreeConfig } from './config.ts';
import type { MessageStore } from './message-store.ts';
import type { Gossip, PlumtreeEvent, PlumtreeMessage, StreamId } from './messages.ts';
import { Neighbor } from './neighbor.ts';
import type { PlumtreeStats } from './stats.ts';
import type { StreamTable } from './stream-table.ts';

/**
 * A peer that is no neighbour, while it and this one compare what they hold: it is in no tree, and nothing is announced to it. What it
 * says to hold is pulled whoever else is asked for it, since it may lie and there are others.
 */
export class Outsider extends Neighbor {
  /** Nothing was heard of it until then: it is over. */
  endsAt: Millis;
  /** When it was last told what is held here. */
  toldAt: Millis = Number.NEGATIVE_INFINITY;
  /** It asked to be pushed what comes. */
  isFollower = false;
  /** It was asked to push what comes to it. */
  isFollowed = false;

  constructor(id: PeerId, endsAt: Millis) {
    // In no tree.
    super(id, false, 0);
    this.endsAt = endsAt;
  }

  override nextDeadline(): Millis {
    return Math.min(super.nextDeadline(), this.endsAt);
  }
}

/**
 * Peers that are no neighbours and that this one compares with: a few, each for a few seconds. Who follows another gets what comes there
 * pushed, and pushes what comes to it: a way around neighbours that keep messages to themselves.
 */
export class Outsiders<B> {
  readonly #config: PlumtreeConfig;
  readonly #streams: StreamTable;
  readonly #store: MessageStore<B>;
  readonly #stats: PlumtreeStats;
  /** In the order in which they came. */
  readonly #all: Outsider[] = [];
  #latestStreams: readonly StreamId[] = [];
  #latestAt: Millis = Number.NEGATIVE_INFINITY;
  /** Bytes that outsiders may be given. */
  readonly #credit: TokenBucket;

  constructor(config: PlumtreeConfig, streams: StreamTable, store: MessageStore<B>, stats: PlumtreeStats) {
    this.#config = config;
    this.#streams = streams;
    this.#store = store;
    this.#stats = stats;
    this.#credit = new TokenBucket(config.outsiderBytesPerSecond, config.outsiderBytesPerSecond);
  }

  /** In the order in which they came; the live list. */
  get all(): readonly Outsider[] {
    return this.#all;
  }

  /** Somebody is to be pushed what comes. */
  get hasFollowers(): boolean {
    return this.#all.some(({ isFollower, isFollowed }) => isFollower || isFollowed);
  }

  find(peer: PeerId): Outsider | undefined {
    return this.#all.find(({ id }) => id === peer);
  }

  /** At the bound the owner lets go of the first one before. */
  add(now: Millis, peer: PeerId): Outsider {
    const outsider = new Outsider(peer, now + this.#config.comparisonMs);
    this.#all.push(outsider);
    return outsider;
  }

  remove(outsider: Outsider): void {
    this.#all.splice(this.#all.indexOf(outsider), 1);
  }

  /** Streams with a message of late, the latest first; as many as a page may name. Looked up once in a moment, since all that is held is looked at. */
  latest(now: Millis): readonly StreamId[] {
    const { digestStreamsMax, digestRunsMax, comparisonMs, comparisonSpanMs } = this.#config;
    if (now - this.#latestAt < comparisonMs / 8) return this.#latestStreams;
    const held: { readonly stream: StreamId; readonly at: Millis }[] = [];
    for (const stream of this.#store.streams()) {
      const at = this.#streams.get(stream)?.lastAt ?? 0;
      if (at >= now - comparisonSpanMs) held.push({ stream, at });
    }
    const most = digestStreamsMax - digestRunsMax;
    if (held.length > most) held.sort((a, b) => b.at - a.at);
    this.#latestStreams = held.slice(0, most).map(({ stream }) => stream);
    this.#latestAt = now;
    return this.#latestStreams;
  }

  /** It wants what comes here pushed. At the bound it pulls, as before. */
  follow(outsider: Outsider): void {
    const followers = this.#all.reduce((count, { isFollower }) => count + (isFollower ? 1 : 0), 0);
    if (followers < this.#config.followersMax) outsider.isFollower = true;
    else if (!outsider.isFollower) this.#stats.shed++;
  }

  /** A first copy, on its way to the tree as well: to whoever follows this peer or is followed by it. Beyond the allowance they pull. */
  push(now: Millis, message: Gossip<B>, from: PeerId | null, out: Outbox<PlumtreeMessage<B>, PlumtreeEvent<B>>): void {
    this.refill(now);
    for (const { id, isFollower, isFollowed } of this.#all) {
      if (id === from || !(isFollower || isFollowed)) continue;
      if (!this.spend(this.#store.bytesOf(message))) return;
      this.#stats.gossipsSent++;
      out.send(id, message);
    }
  }

  /** Before something is spent. */
  refill(now: Millis): void {
    this.#credit.refill(now);
  }

  /** A payload for an outsider. False: they had their share for now. */
  spend(bytes: number): boolean {
    if (this.#credit.isEmpty) {
      this.#stats.shed++;
      return false;
    }
    this.#credit.spend(bytes);
    return true;
  }
}
