import {
  type Input,
  isFailedDial,
  type LinkDownReason,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { type Attempt, type AttemptPurpose, Attempts } from './attempts.ts';
import { assertHyParViewConfig, type HyParViewConfig } from './config.ts';
import { Islands } from './islands.ts';
import type {
  AdmissionPolicy,
  HyParViewCommand,
  HyParViewEvent,
  HyParViewMessage,
  NeighborDownReason,
  NeighborPriority,
} from './messages.ts';
import { jittered } from './pace.ts';
import { Placement } from './placement.ts';
import { sources } from './places.ts';
import { Rounds } from './rounds.ts';
import { Shuffles } from './shuffles.ts';
import { type HyParViewStats, newHyParViewStats } from './stats.ts';
import { Views } from './views.ts';

type Out = Outbox<HyParViewMessage, HyParViewEvent>;

const never = Number.POSITIVE_INFINITY;

/**
 * Membership: HyParView (Leitão, Pereira, Rodrigues, DSN 2007; TR-07-13) with links chosen in the spirit of X-BOT (SRDS
 * 2009). Keeps a small symmetric active view of peers that agreed to be neighbours and have a link, and a larger passive
 * view of spares. The two never share an entry, and the peer itself is in neither.
 *
 * Deviation: a neighbour relation is always asked for and answered, also after `join` and at the end of a forward join. The
 * paper adds the other side at once and lets TCP say later that it was wrong; with answers no view ever holds a peer that
 * cannot be reached, and a full view never refuses because of dead entries.
 *
 * Deviation: whoever is evicted is told of a peer that has room, so that a join splits a link and a leave closes a gap
 * without a search: nearly all views stay at capacity through any churn.
 */
export class HyParView implements ProtocolCore<HyParViewMessage, HyParViewCommand, HyParViewEvent> {
  /** Counters for the layer above. */
  readonly stats: HyParViewStats = newHyParViewStats();
  readonly #config: HyParViewConfig;
  readonly #rng: Rng;
  readonly #selfId: PeerId;
  readonly #views: Views;
  readonly #attempts: Attempts;
  readonly #rounds: Rounds;
  readonly #islands: Islands;
  readonly #placement: Placement;
  readonly #shuffles: Shuffles;
  /** Contacts not yet joined; only while isolated. */
  #contacts: PeerInfo[] = [];
  #optimizeAt: Millis = never;
  /** Names that were followed since the last hint of another island. */
  #bridgeHints = 0;
  #deadline: Millis = never;
  /** False: it is to be looked for in all that waits. Most inputs belong to shuffles, and change nothing. */
  #isDeadlineKnown = false;
  #hasLeft = false;

  constructor(config: HyParViewConfig, self: PeerInfo, rng: Rng, policy: AdmissionPolicy) {
    assertHyParViewConfig(config);
    this.#config = config;
    this.#rng = rng;
    this.#selfId = self.id;
    this.#views = new Views(config, self, rng, policy);
    this.#attempts = new Attempts(config.attemptsMax, config.attemptPatienceMs, config.attemptTimeoutMs);
    this.#rounds = new Rounds(config, rng);
    this.#islands = new Islands(config, rng);
    this.#shuffles = new Shuffles(config, this.#views, rng);
    this.#placement = new Placement(config, this.#views, rng, this.stats, (at, peer, reason, out) =>
      this.#removeNeighbor(at, peer, reason, out),
    );
  }

  /** What later messages say about this peer. The id stays. */
  setSelf(self: PeerInfo): void {
    this.#views.self = self;
  }

  /** How many neighbours this peer looks for. */
  get linksWanted(): number {
    return this.#views.wanted;
  }

  /** The neighbours, in no particular order; valid until the next `handle`. At most `linksWanted + highPrioritySlots`. */
  activeView(): readonly PeerInfo[] {
    return this.#views.active;
  }

  /** The spares, in no particular order; valid until the next `handle`. At most `passiveCapacity`. */
  passiveView(): readonly PeerInfo[] {
    return this.#views.passive;
  }

  /** How often either view was changed: the same number, the same views. */
  get viewChanges(): number {
    return this.#views.changes;
  }

  isNeighbor(peer: PeerId): boolean {
    return this.#views.isNeighbor(peer);
  }

  handle(now: Millis, input: Input<HyParViewMessage, HyParViewCommand>, out: Out): void {
    if (this.#hasLeft) {
      this.#onInputAfterLeaving(input, out);
      return;
    }
    if (mayMoveDeadline(input)) this.#isDeadlineKnown = false;
    switch (input.kind) {
      case 'message':
        this.#onMessage(now, input.from, input.message, out);
        return;
      case 'linkUp':
        // A link alone makes no neighbour: whoever dialled says what it wants.
        return;
      case 'linkDown':
        this.#onLinkDown(now, input.peer, input.reason, out);
        return;
      case 'command':
        this.#onCommand(now, input.command, out);
        return;
      case 'tick':
        this.#onTick(now, out);
        return;
      default:
        unreachable(input);
    }
  }

  nextDeadline(): Millis {
    if (this.#hasLeft) return never;
    if (this.#isDeadlineKnown) return this.#deadline;
    this.#isDeadlineKnown = true;
    this.#deadline = Math.min(
      this.#attempts.nextDeadline(),
      this.#rounds.nextAt,
      this.#shuffles.nextAt,
      this.#optimizeAt,
      this.#islands.nextDeadline(),
    );
    return this.#deadline;
  }

  #onMessage(now: Millis, from: PeerId, message: HyParViewMessage, out: Out): void {
    if (from === this.#selfId) {
      this.#violation(from, 'message-from-self', out);
      return;
    }
    switch (message.kind) {
      case 'join':
        this.#onJoin(now, from, message.sender, out);
        return;
      case 'forwardJoin':
        this.#onForwardJoin(now, from, message.joiner, message.ttl, out);
        return;
      case 'neighbor':
        this.#onNeighbor(now, from, message.sender, message.priority, message.dropping, out);
        return;
      case 'neighborReply':
        this.#onNeighborReply(now, from, message.accepted, message.dropped, out);
        return;
      case 'disconnect':
        this.#onDisconnect(now, from, message.reason, message.alternative, out);
        return;
      case 'shuffle':
        this.#onShuffle(now, from, message.origin, message.ttl, message.sample, out);
        return;
      case 'shuffleReply':
        this.#onShuffleReply(now, from, message.sample, out);
        return;
      default:
        unreachable(message);
    }
  }

  /** Algorithm 1, Join: a contact must take the newcomer, and tells all its neighbours. */
  #onJoin(now: Millis, from: PeerId, joiner: PeerInfo, out: Out): void {
    if (joiner.id !== from) {
      this.#violation(from, 'sender-mismatch', out);
      return;
    }
    if (!this.#welcomes(now, joiner)) {
      this.#refuse(from, out);
      return;
    }
    this.stats.joins++;
    // A second join on the same link: its answer was late or the joiner tried twice. One walk is enough.
    if (this.#reaffirms(now, joiner, out)) return;
    this.#views.places?.heard(now, joiner, sources.self);
    const dropped = this.#placement.placeFor(now, joiner, joiner, out);
    if (dropped === undefined) {
      this.#refuse(from, out, joiner);
      return;
    }
    this.#accept(now, joiner, dropped, out);
    const forward: HyParViewMessage = { kind: 'forwardJoin', joiner, ttl: this.#config.activeWalkLength };
    for (const neighbor of this.#views.active) {
      if (neighbor.id !== from) out.send(neighbor.id, forward);
    }
    this.#fill(now, out);
  }

  /** Algorithm 1, ForwardJoin. */
  #onForwardJoin(now: Millis, from: PeerId, joiner: PeerInfo, ttl: number, out: Out): void {
    if (!isHopCount(ttl)) {
      this.#violation(from, 'ttl', out);
      return;
    }
    this.#correctStranger(from, out);
    if (joiner.id === this.#views.self.id) return;
    this.#islands.settle(joiner.id);
    this.#views.places?.heard(now, joiner, from);
    // A neighbour cannot make walks longer than we would ourselves.
    const hops = Math.min(ttl, this.#config.activeWalkLength);
    const next = hops === 0 ? undefined : this.#views.randomNeighborId(from, joiner.id);
    if (next === undefined) {
      if (this.#placement.wouldPlace(now, joiner)) this.#ask(now, joiner, 'forwardJoin', null, out);
      else this.#remember(now, joiner);
      return;
    }
    if (hops === this.#config.passiveWalkLength) this.#remember(now, joiner);
    out.send(next, { kind: 'forwardJoin', joiner, ttl: hops - 1 });
  }

  /** TR-07-13 §4.3: high priority is always accepted, low only with a free place; near is ours, after X-BOT §III. */
  #onNeighbor(
    now: Millis,
    from: PeerId,
    sender: PeerInfo,
    priority: NeighborPriority,
    dropping: PeerInfo | null,
    out: Out,
  ): void {
    if (sender.id !== from) {
      this.#violation(from, 'sender-mismatch', out);
      return;
    }
    if (!this.#welcomes(now, sender)) {
      this.#refuse(from, out);
      return;
    }
    if (this.#reaffirms(now, sender, out)) return;
    this.#views.places?.heard(now, sender, sources.self);
    let dropped: PeerInfo | null = null;
    // Only peers with a link count as neighbours here (`linkDown` takes them out at once), so a place held by a dead peer
    // never refuses anybody: that decides whether a mesh survives the loss of 80 % of its peers.
    switch (priority) {
      case 'high': {
        const evicted = this.#placement.placeFor(now, sender, dropping ?? sender, out);
        if (evicted === undefined) {
          this.#refuse(from, out, sender);
          return;
        }
        dropped = evicted;
        break;
      }
      case 'low':
        if (!this.#views.hasRoom) {
          this.#refuse(from, out, sender);
          return;
        }
        break;
      case 'near':
        if (!this.#views.hasRoom) {
          const far =
            this.#views.places !== null
              ? this.#views.expendableFor(sender)
              : this.#views.isNear(sender)
                ? this.#views.farNeighbor(dropping?.id)
                : undefined;
          if (far === undefined) {
            this.#refuse(from, out, sender);
            return;
          }
          this.#placement.evict(now, far, 'swapped', dropping, out);
          dropped = far;
        }
        break;
      default:
        unreachable(priority);
    }
    this.#accept(now, sender, dropped, out);
    this.#fill(now, out);
  }

  #onNeighborReply(now: Millis, from: PeerId, accepted: boolean, dropped: PeerInfo | null, out: Out): void {
    const attempt = this.#attempts.take(from);
    if (attempt === undefined) {
      // Its request overtook its answer to ours: all is said. Else nobody waits for it any more, yet the sender believes in
      // a link: correct the asymmetry.
      if (this.#views.isNeighbor(from)) return;
      this.stats.stale++;
      if (accepted) this.#correctStranger(from, out);
      return;
    }
    if (!accepted) {
      this.stats.refused++;
      // TR-07-13 §4.3: a refusal is no reason to drop the candidate from the passive view.
      out.close(from);
      this.#onRefused(now, attempt.peer, dropped);
      if (attempt.purpose === 'bridge') {
        this.#islands.settle(from);
        this.#followBridge(now, dropped, out);
      }
    } else if (this.#views.admits(now, attempt.peer) && this.#placement.hasRoomFor(now, attempt, dropped, out)) {
      this.stats.accepted++;
      this.#addNeighbor(now, attempt.peer, out);
      if (attempt.purpose === 'bridge') this.#bridged(now, from);
    } else {
      out.send(from, { kind: 'disconnect', reason: 'evicted', alternative: null });
      out.close(from);
    }
    this.#fill(now, out);
  }

  /** A bridge may hold its place by nobody's rank, and goes with the next claim: both islands must hear of each other before. */
  #bridged(now: Millis, bridge: PeerId): void {
    this.stats.bridged++;
    if (this.#views.places !== null) this.#shuffles.cross(now, bridge);
  }

  /** Algorithm 1, Disconnect; with reasons. */
  #onDisconnect(
    now: Millis,
    from: PeerId,
    reason: 'leave' | 'evicted' | 'swapped',
    alternative: PeerInfo | null,
    out: Out,
  ): void {
    if (reason === 'leave') this.#bury(now, from, out);
    // While our own request is on its way this can only be about an earlier link: links keep order, an answer comes first.
    const peer = this.#views.neighbor(from);
    if (peer === undefined) return;
    this.#removeNeighbor(now, peer, reason === 'leave' ? 'left' : reason, out);
    out.close(from);
    if (reason !== 'leave') this.#remember(now, peer);
    // It has no room for us: not in this round.
    this.#rounds.avoid(from);
    if (alternative !== null) {
      this.#rounds.avoid(alternative.id);
      this.#views.places?.heard(now, alternative, from);
      this.#ask(now, alternative, 'fill', null, out);
      this.#remember(now, alternative);
    }
    this.#fill(now, out);
  }

  /** TR-07-13 §4.4: a random walk whose last peer takes the sample and answers the origin directly. */
  #onShuffle(now: Millis, from: PeerId, origin: PeerInfo, ttl: number, sample: readonly PeerInfo[], out: Out): void {
    if (!isHopCount(ttl)) {
      this.#violation(from, 'ttl', out);
      return;
    }
    if (sample.length > this.#config.shuffleSampleMax) {
      this.#violation(from, 'sample-size', out);
      return;
    }
    this.#correctStranger(from, out);
    // It came through the mesh, so its origin is on this island.
    if (this.#islands.settle(origin.id)) this.#isDeadlineKnown = false;
    this.#hear(now, origin, sample, from);
    const hops = Math.min(ttl, this.#config.shuffleWalkLength) - 1;
    const next = hops > 0 ? this.#views.randomNeighborId(from, origin.id) : undefined;
    if (next !== undefined) {
      out.send(next, { kind: 'shuffle', origin, ttl: hops, sample });
      return;
    }
    if (origin.id === this.#views.self.id) return;
    const isNeighbor = this.#views.isNeighbor(origin.id);
    const reply = this.#views.sampleSpares(sample.length + 1).filter((peer) => peer.id !== origin.id);
    const expendable = reply.slice();
    if (reply.length > 0 && (isNeighbor || this.#views.remembers(origin))) {
      if (!isNeighbor) out.open(origin);
      out.send(origin.id, { kind: 'shuffleReply', sample: reply });
      // A request of ours to the same peer still needs the link.
      if (!isNeighbor && !this.#attempts.has(origin.id)) out.close(origin.id);
    }
    this.#remember(now, origin, expendable);
    this.#integrate(now, sample, expendable, out);
  }

  #onShuffleReply(now: Millis, from: PeerId, sample: readonly PeerInfo[], out: Out): void {
    if (sample.length > this.#config.shuffleSampleMax) {
      this.#violation(from, 'sample-size', out);
      return;
    }
    // What nobody asked for does not get into the views.
    const sent = this.#shuffles.answered();
    if (sent === null) {
      this.stats.stale++;
      return;
    }
    this.#hear(now, null, sample, from);
    this.#integrate(now, sample, sent, out);
  }

  #onLinkDown(now: Millis, peer: PeerId, reason: LinkDownReason, out: Out): void {
    const attempt = this.#attempts.take(peer);
    if (attempt !== undefined) {
      this.#isDeadlineKnown = false;
      this.#onAttemptFailed(now, attempt, out);
      return;
    }
    const neighbor = this.#views.neighbor(peer);
    if (neighbor === undefined) {
      if (isFailedDial(reason)) this.#views.forgetUnreachable(peer);
      return;
    }
    this.#isDeadlineKnown = false;
    if (reason !== 'closed') this.#islands.lostNeighbor(now, neighbor);
    this.#lose(now, neighbor, 'failed', out);
    // Closed on purpose without a word: the other side takes us for a stranger, but it lives.
    if (reason === 'closed') this.#remember(now, neighbor);
  }

  #onCommand(now: Millis, command: HyParViewCommand, out: Out): void {
    switch (command.kind) {
      case 'contacts':
        this.#onContacts(now, command.peers, out);
        return;
      case 'heard':
        this.#views.places?.heardAll(now, command.peers, this.#views.self.id, sources.trusted);
        return;
      case 'rtt':
        this.#views.measured(command.peer, command.rttMs);
        return;
      case 'suspect':
        this.#onSuspect(now, command.peer, out);
        return;
      case 'expel':
        this.#onExpel(now, command.peer, out);
        return;
      case 'leave':
        this.#onLeave(now, out);
        return;
      default:
        unreachable(command);
    }
  }

  #onContacts(now: Millis, peers: readonly PeerInfo[], out: Out): void {
    const isIsolated = this.#views.isIsolated;
    const contacts = this.#rng
      .sample(peers, this.#config.contactsMax)
      .filter((peer) => peer.id !== this.#views.self.id && !this.#views.isBuried(now, peer));
    for (const peer of contacts) {
      if (!isIsolated && !this.#views.isNeighbor(peer.id) && !this.#attempts.has(peer.id)) {
        this.#islands.suggest(now, peer, !this.#views.isPassiveFull && !this.#views.isSpare(peer.id));
      }
      this.#views.places?.heard(now, peer, sources.trusted);
      this.#remember(now, peer);
    }
    if (isIsolated) this.#contacts = contacts;
    this.#fill(now, out);
  }

  #onSuspect(now: Millis, peer: PeerId, out: Out): void {
    const neighbor = this.#views.neighbor(peer);
    if (neighbor === undefined) return;
    // Should it wake up and read this, it knows where it stands.
    out.send(peer, { kind: 'disconnect', reason: 'evicted', alternative: null });
    out.close(peer);
    this.#islands.lostNeighbor(now, neighbor);
    this.#lose(now, neighbor, 'suspected', out);
  }

  #onExpel(now: Millis, peer: PeerId, out: Out): void {
    this.#islands.settle(peer);
    this.#views.forget(peer);
    if (this.#attempts.take(peer) !== undefined) out.close(peer);
    const neighbor = this.#views.neighbor(peer);
    if (neighbor === undefined) return;
    out.send(peer, { kind: 'disconnect', reason: 'evicted', alternative: null });
    this.#removeNeighbor(now, neighbor, 'evicted', out);
    out.close(peer);
    this.#views.places?.askedInVain(now, peer);
    this.#fill(now, out);
  }

  /** Tells every neighbour, and each of a pair of them of the other: the gap closes without a search. */
  #onLeave(now: Millis, out: Out): void {
    this.#hasLeft = true;
    const neighbors = this.#views.sampleNeighbors(this.#views.active.length);
    for (const [i, peer] of neighbors.entries()) {
      out.send(peer.id, { kind: 'disconnect', reason: 'leave', alternative: neighbors[i ^ 1] ?? null });
      this.#removeNeighbor(now, peer, 'left', out);
      out.close(peer.id);
    }
    for (const peer of this.#attempts.peers()) {
      this.#attempts.take(peer);
      out.close(peer);
    }
  }

  /** Whoever asks is told no; whoever said yes too late is told good-bye. */
  #onInputAfterLeaving(input: Input<HyParViewMessage, HyParViewCommand>, out: Out): void {
    if (input.kind !== 'message') return;
    const { from, message } = input;
    if (message.kind === 'join' || message.kind === 'neighbor') this.#refuse(from, out);
    else if (message.kind === 'neighborReply' && message.accepted) {
      out.send(from, { kind: 'disconnect', reason: 'leave', alternative: null });
      out.close(from);
    }
  }

  #onTick(now: Millis, out: Out): void {
    for (let late = this.#attempts.expire(now); late !== undefined; late = this.#attempts.expire(now)) {
      this.#onAttemptFailed(now, late, out);
    }
    if (this.#attempts.expirePatience(now)) this.#fill(now, out);
    if (now >= this.#rounds.nextAt) {
      this.#rounds.begin(now);
      this.#fill(now, out);
    }
    if (now >= this.#shuffles.nextAt) this.#shuffle(now, out);
    if (now >= this.#optimizeAt) this.#optimize(now, out);
    const islander = this.#islands.due(now);
    if (islander !== undefined) {
      this.#bridgeHints = 0;
      this.#bridge(now, islander, out);
    }
  }

  /** With a full view one link goes for the bridge. The asked peer gives up one as well, and the two losers pair up. */
  #bridge(now: Millis, islander: PeerInfo, out: Out): void {
    const dropping = this.#views.hasRoomForHigh
      ? undefined
      : (this.#views.places?.expendable(this.#rng, islander) ?? this.#views.randomNeighbor());
    this.#ask(now, islander, 'bridge', dropping ?? null, out);
  }

  /**
   * Whoever is refused on another island is told of somebody nearer to it on a circle; there, between two islanders, is one
   * who must take it by right. Without this an island whose peers have no favours to give would stay one.
   */
  #followBridge(now: Millis, hint: PeerInfo | null, out: Out): void {
    if (this.#views.places === null || hint === null || this.#bridgeHints >= this.#config.bridgeHintsMax) return;
    this.#bridgeHints++;
    this.#bridge(now, hint, out);
  }

  #onAttemptFailed(now: Millis, { peer }: Attempt, out: Out): void {
    this.stats.failed++;
    out.close(peer.id);
    this.#views.places?.askedInVain(now, peer.id);
    this.#views.forgetUnreachable(peer.id);
    this.#fill(now, out);
  }

  /** May `sender`, who speaks for itself, be a neighbour? */
  #welcomes(now: Millis, sender: PeerInfo): boolean {
    const known = this.#views.neighbor(sender.id);
    if ((known !== undefined && known.incarnation > sender.incarnation) || this.#views.isBuried(now, sender)) {
      this.stats.stale++;
      return false;
    }
    return known !== undefined || this.#views.admits(now, sender);
  }

  /**
   * A neighbour asks again: our answer and its request crossed, or it lost its view of us. The answer is still yes. A later
   * life of it ends the earlier one, and is judged as a newcomer.
   */
  #reaffirms(now: Millis, sender: PeerInfo, out: Out): boolean {
    const known = this.#views.neighbor(sender.id);
    if (known === undefined) return false;
    if (known.incarnation < sender.incarnation) {
      this.#removeNeighbor(now, known, 'failed', out);
      return false;
    }
    out.send(sender.id, { kind: 'neighborReply', accepted: true, dropped: null });
    return true;
  }

  /** With ranked places a refusal names somebody who suits the asker better, so that it need not search blindly. */
  #refuse(peer: PeerId, out: Out, asker: PeerInfo | null = null): void {
    const hint = asker === null ? null : this.#views.hintFor(asker);
    out.send(peer, { kind: 'neighborReply', accepted: false, dropped: hint });
    // A request of ours that crossed this one still needs the link.
    if (!this.#views.isNeighbor(peer) && !this.#attempts.has(peer)) out.close(peer);
  }

  #accept(now: Millis, peer: PeerInfo, dropped: PeerInfo | null, out: Out): void {
    // Both asked at the same time: their request answers ours.
    if (this.#attempts.take(peer.id) !== undefined) this.stats.accepted++;
    out.send(peer.id, { kind: 'neighborReply', accepted: true, dropped });
    this.#addNeighbor(now, peer, out);
  }

  #addNeighbor(now: Millis, peer: PeerInfo, out: Out): void {
    const wasIsolated = this.#views.isIsolated;
    this.#views.addNeighbor(peer);
    this.#islands.settle(peer.id);
    // Says that the link is needed, also when the other side dialled it.
    out.open(peer);
    out.emit({ kind: 'neighborUp', peer });
    if (!wasIsolated) return;
    this.#contacts = [];
    this.#rounds.restart();
    this.#islands.joined(now);
    this.#shuffles.joined(now);
    this.#placement.joined(this.#shuffles.fastUntil);
    this.#optimizeAt = now + this.#jittered(this.#config.optimizeIntervalMs);
  }

  #removeNeighbor(now: Millis, peer: PeerInfo, reason: NeighborDownReason, out: Out): void {
    this.#views.removeNeighbor(peer.id);
    // It may well deserve its place again.
    if (reason !== 'left') this.#views.places?.heard(now, peer, sources.self);
    out.emit({ kind: 'neighborDown', peer, reason });
    if (!this.#views.isIsolated) return;
    this.#shuffles.stop();
    this.#optimizeAt = never;
    this.#rounds.restart();
  }

  /** TR-07-13 §4.3: the loss of a neighbour is repaired from the passive view, at once unless there are others to yield to. */
  #lose(now: Millis, peer: PeerInfo, reason: NeighborDownReason, out: Out): void {
    this.stats.lost++;
    this.#removeNeighbor(now, peer, reason, out);
    this.#rounds.lost(now, this.#isUrgent());
    this.#fill(now, out);
  }

  /** Asks as many candidates as there are free places; after the last one there is a pause, and without neighbours a call for contacts. */
  #fill(now: Millis, out: Out): void {
    const { hasRoom, deficit, isIsolated } = this.#views;
    if (!hasRoom) {
      this.#rounds.finish();
      return;
    }
    const wanted = isIsolated ? this.#config.attemptsIsolated : deficit + this.#rounds.spareRequests;
    while (this.#attempts.filling < wanted && !this.#attempts.isFull) {
      const contact = isIsolated ? this.#contacts.pop() : undefined;
      const candidate = contact ?? this.#nextCandidate();
      if (candidate === undefined) break;
      this.#rounds.asked(candidate.id);
      this.#ask(now, candidate, contact === undefined ? 'fill' : 'join', null, out);
    }
    if (this.#attempts.filling > 0 || this.#rounds.isPausing) return;
    if (!isIsolated) {
      this.#rounds.pause(now, this.#shuffles.intervalMs(now));
      return;
    }
    this.#rounds.pauseIsolated(now);
    this.stats.contactsNeeded++;
    out.emit({ kind: 'contactsNeeded' });
  }

  /** TR-07-13 §4.3: a random one of the passive view, and so on until the view is full or all had their chance; those said to be dead come last. */
  #nextCandidate(): PeerInfo | undefined {
    if (!this.#isUrgent() && !this.#rounds.mayAsk) return undefined;
    const isFresh = ({ id }: PeerInfo) => !this.#rounds.wasTried(id) && !this.#attempts.has(id);
    let areDoubted = false;
    const isLikely = (peer: PeerInfo) => {
      if (!isFresh(peer)) return false;
      if (!this.#views.isDoubted(peer.id)) return true;
      areDoubted = true;
      return false;
    };
    return this.#candidate(isLikely) ?? (areDoubted ? this.#candidate(isFresh) : undefined);
  }

  /** With less than half of its links a peer asks all it knows, at once. */
  #isUrgent(): boolean {
    return this.#views.deficit * 2 > this.#views.wanted;
  }

  #candidate(isWanted: (peer: PeerInfo) => boolean): PeerInfo | undefined {
    return this.#views.places?.claimant(this.#rng, isWanted) ?? this.#views.findSpare(isWanted);
  }

  /** Sends a request, unless one is on its way or the peer is not admitted. */
  #ask(now: Millis, peer: PeerInfo, purpose: AttemptPurpose, dropping: PeerInfo | null, out: Out): void {
    if (this.#attempts.has(peer.id) || this.#attempts.isFull || !this.#views.admits(now, peer)) return;
    this.stats.attempts++;
    this.#attempts.start(now, { peer, purpose, dropping });
    out.open(peer);
    const sender = this.#views.self;
    if (purpose === 'join') out.send(peer.id, { kind: 'join', sender });
    else out.send(peer.id, { kind: 'neighbor', sender, priority: this.#priorityOf(purpose, peer), dropping });
  }

  #priorityOf(purpose: AttemptPurpose, peer: PeerInfo): NeighborPriority {
    if (purpose === 'near') return 'near';
    if (purpose === 'bridge' || this.#views.isIsolated) return 'high';
    // Who ranks for a place here is asked as a claim: it may make room for it, since it gains as well.
    return this.#views.places?.deserves(peer) ? 'near' : 'low';
  }

  #shuffle(now: Millis, out: Out): void {
    const shuffle = this.#shuffles.begin(now);
    if (shuffle === undefined) return;
    this.stats.shuffles++;
    const { self: origin } = this.#views;
    out.send(shuffle.first, { kind: 'shuffle', origin, ttl: this.#config.shuffleWalkLength, sample: shuffle.sample });
  }

  /** X-BOT §III: try one candidate that is cheaper than a link we have. With one failure domain there is none. */
  #optimize(now: Millis, out: Out): void {
    if (this.#views.places !== null) {
      this.#claim(now, out);
      return;
    }
    this.#optimizeAt = now + this.#jittered(this.#config.optimizeIntervalMs);
    // Free places come first, and need no swap.
    if (this.#views.hasRoom) return;
    const far = this.#views.farNeighbor();
    if (far === undefined) return;
    const near = this.#views.findSpare((peer) => this.#views.isNear(peer));
    if (near !== undefined) this.#ask(now, near, 'near', far, out);
  }

  /** Asks one peer that deserves a place better than who holds it, and takes back what was given as a favour. */
  #claim(now: Millis, out: Out): void {
    const { shuffleFastIntervalMs, optimizeIntervalMs } = this.#config;
    const intervalMs = this.#placement.isYoung(now) ? shuffleFastIntervalMs : optimizeIntervalMs;
    this.#optimizeAt = now + this.#jittered(intervalMs);
    const views = this.#views;
    const surplus = views.deficit < 0 ? views.places?.expendable(this.#rng) : undefined;
    if (surplus !== undefined) this.#placement.evict(now, surplus, 'evicted', null, out);
    const claimant = views.places?.claimant(this.#rng, ({ id }) => !this.#attempts.has(id) && !views.isDoubted(id));
    if (claimant === undefined) return;
    const dropping = views.hasRoom ? undefined : views.places?.expendable(this.#rng, claimant);
    this.#ask(now, claimant, 'near', dropping ?? null, out);
  }

  /** What was refused is not asked again soon; whom the refusal names may be asked instead. */
  #onRefused(now: Millis, peer: PeerInfo, hint: PeerInfo | null): void {
    const { places, isIsolated } = this.#views;
    if (places === null) return;
    places.askedInVain(now, peer.id);
    if (hint === null || hint.id === this.#views.self.id) return;
    places.heard(now, hint, peer.id);
    this.#remember(now, hint);
    if (isIsolated && !this.#rounds.wasTried(hint.id) && this.#contacts.length < this.#config.contactsMax) {
      this.#contacts.push(hint);
    }
  }

  #hear(now: Millis, origin: PeerInfo | null, sample: readonly PeerInfo[], from: PeerId): void {
    const { places, self } = this.#views;
    if (places === null) return;
    if (origin !== null && origin.id !== self.id) places.heard(now, origin, from);
    places.heardAll(now, sample, self.id, from);
  }

  #integrate(now: Millis, sample: readonly PeerInfo[], expendable: PeerInfo[], out: Out): void {
    const known = this.#views.passive.length;
    for (const peer of sample) this.#remember(now, peer, expendable);
    if (this.#views.passive.length > known && this.#shuffles.taught(now)) this.#isDeadlineKnown = false;
    // New candidates for free places need not wait for the next round.
    if (!this.#views.hasRoom) return;
    this.#isDeadlineKnown = false;
    this.#fill(now, out);
  }

  #remember(now: Millis, peer: PeerInfo, expendable: PeerInfo[] = []): void {
    if (!this.#views.remember(now, peer, expendable)) this.stats.stale++;
  }

  /** A peer said good-bye for good. */
  #bury(now: Millis, peer: PeerId, out: Out): void {
    const known = this.#views.neighbor(peer) ?? this.#attempts.get(peer)?.peer ?? this.#views.spare(peer);
    if (known === undefined) return;
    this.#views.bury(now, known);
    this.#islands.settle(peer);
    if (this.#attempts.take(peer) === undefined) return;
    this.stats.refused++;
    out.close(peer);
    this.#fill(now, out);
  }

  /** Only neighbours relay, so a stranger who does takes us for one. Tell it, unless our own request is still open. */
  #correctStranger(peer: PeerId, out: Out): void {
    if (this.#views.isNeighbor(peer) || this.#attempts.has(peer)) return;
    out.send(peer, { kind: 'disconnect', reason: 'evicted', alternative: null });
    out.close(peer);
  }

  #violation(peer: PeerId, rule: string, out: Out): void {
    this.stats.violations++;
    out.emit({ kind: 'protocolViolation', peer, rule });
  }

  #jittered(spanMs: Millis): Millis {
    return jittered(this.#rng, spanMs, this.#config.jitter);
  }
}

/** What belongs to a shuffle, links that come and go with its answer included, says so itself when it changes what waits. */
function mayMoveDeadline(input: Input<HyParViewMessage, HyParViewCommand>): boolean {
  switch (input.kind) {
    case 'message':
      return input.message.kind !== 'shuffle' && input.message.kind !== 'shuffleReply';
    case 'linkUp':
    case 'linkDown':
      return false;
    default:
      return true;
  }
}

function isHopCount(ttl: number): boolean {
  return Number.isInteger(ttl) && ttl >= 0;
}
