import type { Input, LinkDownReason, PeerId, PeerInfo, Rng } from '@starling/kernel';
import { type Cut, Cuts } from './cuts.ts';
import { msFromTicks, ticksFromMs, ticksPerMs } from './event-queue.ts';
import { eventKind, type WorldQueue } from './events.ts';
import { Inboxes } from './inboxes.ts';
import { baseLatency, jitter } from './latency.ts';
import { goodbye, Link, type Stalled } from './link.ts';
import type { NetworkModel } from './network.ts';
import { noTick, type SimPeer } from './peer.ts';
import type { TraceHash } from './trace-hash.ts';
import type { SentObserver, WorldOptions, WorldStats } from './world-port.ts';

/** What links need of the world around them. */
export interface LinksPort<M, C, E> {
  readonly options: WorldOptions<M, C, E>;
  readonly queue: WorldQueue<M, C, E>;
  readonly hash: TraceHash;
  readonly stats: WorldStats;
  /** Who watches what is sent. */
  readonly senders: readonly SentObserver<M, C, E>[];
  readonly networkRng: Rng;
  readonly garbleRng: Rng;
  /** Gives an input to a peer's core, now. */
  handle(peer: SimPeer<M, C, E>, input: Input<M, C>): void;
}

/**
 * Everything between peers: dials, the links that come of them, what they carry and when it arrives, cuts, and how links end
 * at each of their ends. Cores hear of it through `port.handle`, always from an event of the queue and never from inside
 * another `handle`.
 */
export class Links<M, C, E> {
  /** The network as it is now; see `change`. */
  network: NetworkModel;
  lossProbability: number;
  resetProbability: number;
  garbleProbability = 0;
  readonly #port: LinksPort<M, C, E>;
  readonly #queue: WorldQueue<M, C, E>;
  readonly #options: WorldOptions<M, C, E>;
  readonly #hash: TraceHash;
  readonly #stats: WorldStats;
  readonly #senders: readonly SentObserver<M, C, E>[];
  readonly #cuts = new Cuts();
  /** In the order in which they stalled. */
  readonly #stalled = new Set<Link<M, C, E>>();

  constructor(port: LinksPort<M, C, E>) {
    this.#port = port;
    this.#queue = port.queue;
    this.#options = port.options;
    this.#hash = port.hash;
    this.#stats = port.stats;
    this.#senders = port.senders;
    this.network = port.options.network;
    this.lossProbability = this.network.lossProbability;
    this.resetProbability = this.network.resetProbability;
  }

  /** Does any cut stand between two peers, in either direction? */
  isCut(a: SimPeer<M, C, E>, b: SimPeer<M, C, E>): boolean {
    return this.#cuts.any && (this.#cuts.between(a.index, b.index) || this.#cuts.between(b.index, a.index));
  }

  /** Begins a cut. Data in its way waits for its end, or until its link breaks of silence. */
  cut(cut: Cut): void {
    this.#cuts.add(cut);
  }

  /** Ends a cut that was begun with this very object. TCP sends again what waited. */
  heal(cut: Cut): void {
    this.#cuts.remove(cut);
    for (const link of [...this.#stalled]) {
      const waiting = link.stalled ?? [];
      link.stalled = null;
      this.#stalled.delete(link);
      const delay = ticksFromMs(this.#port.networkRng.float() * this.network.resendMs);
      for (const { toAcceptor, message } of waiting) this.#transmit(link, toAcceptor, message, delay);
    }
  }

  /** Goes on with another network: links that are up get its delays, what is under way keeps the old ones. */
  change(network: NetworkModel, peers: readonly SimPeer<M, C, E>[]): void {
    this.network = network;
    this.lossProbability = network.lossProbability;
    this.resetProbability = network.resetProbability;
    for (const peer of peers) {
      for (const link of peer.links.values()) {
        if (link.dialler === peer) link.latencyTicks = this.#latencyTicks(peer, link.acceptor);
      }
    }
  }

  /** Breaks a link that is up; both ends hear of it. */
  break(link: Link<M, C, E>): void {
    this.tellLost(link, link.dialler);
    this.tellLost(link, link.acceptor);
  }

  /** A core needs a link. `target`: who has that id, if anybody. */
  open(peer: SimPeer<M, C, E>, to: PeerInfo, target: SimPeer<M, C, E> | undefined): void {
    const known = peer.links.get(to.id);
    if (known !== undefined) {
      known.setLingers(peer, noTick);
      return;
    }
    if (target === undefined || target === peer) {
      // After this input, as every answer: an outbox never calls back into a core.
      const refuse = () => this.#port.handle(peer, { kind: 'linkDown', peer: to.id, reason: 'refused' });
      this.#queue.add(this.#queue.now, eventKind.action, refuse, null);
      return;
    }
    this.#stats.dials++;
    const link = new Link<M, C, E>(peer, target, this.#latencyTicks(peer, target));
    peer.links.set(to.id, link);
    const trips = Math.max(0, 2 * this.network.dialRoundTrips - 1);
    this.#queue.add(this.#queue.now + trips * link.latencyTicks, eventKind.dialArrives, link, null);
    this.#queue.add(this.#queue.now + ticksFromMs(this.network.dialTimeoutMs), eventKind.dialTimeout, link, null);
  }

  /** Waits at the dialler until the link is up. */
  send(peer: SimPeer<M, C, E>, to: PeerId, message: M): void {
    const link = peer.links.get(to);
    if (link === undefined) {
      this.#stats.dropped++;
      return;
    }
    const toAcceptor = link.dialler === peer;
    if (!toAcceptor || link.diallerEnd !== 'waiting') this.#transmit(link, toAcceptor, message, 0);
    // Mostly it is one: an empty list that is pushed to makes room for seventeen.
    else if (link.queued === null) link.queued = [message];
    else link.queued.push(message);
  }

  /** A core needs a link no longer: it lingers, and ends when it is idle. */
  close(peer: SimPeer<M, C, E>, to: PeerId): void {
    const link = peer.links.get(to);
    if (link === undefined) return;
    const tick = this.#queue.now + ticksFromMs(this.network.lingerMs);
    link.setLingers(peer, tick);
    this.#queue.add(tick, link.dialler === peer ? eventKind.lingerDialler : eventKind.lingerAcceptor, link, null);
  }

  /** The other end is gone: `peer` is told when the reset arrives. */
  tellLost(link: Link<M, C, E>, peer: SimPeer<M, C, E>): void {
    const what = link.dialler === peer ? eventKind.lostAtDialler : eventKind.lostAtAcceptor;
    this.#queue.add(this.#queue.now + link.latencyTicks, what, link, null);
  }

  /** The event that the queue has just given is about this link. */
  onEvent(link: Link<M, C, E>): void {
    const queue = this.#queue;
    this.#hash.add((link.diallerIndex << 5) | queue.kind);
    this.#hash.add(link.acceptorIndex);
    switch (queue.kind) {
      case eventKind.toDialler:
        this.#arrive(link, link.dialler, eventKind.serveDialler, queue.payload as M);
        break;
      case eventKind.toAcceptor:
        this.#arrive(link, link.acceptor, eventKind.serveAcceptor, queue.payload as M);
        break;
      case eventKind.serveDialler:
        this.#serve(link.dialler);
        break;
      case eventKind.serveAcceptor:
        this.#serve(link.acceptor);
        break;
      case eventKind.dialArrives:
        this.#onDial(link);
        break;
      case eventKind.dialAnswered:
        this.#onAnswer(link);
        break;
      case eventKind.dialTimeout:
        if (link.diallerEnd === 'waiting') this.#end(link, link.dialler, 'unanswered');
        break;
      case eventKind.lostAtDialler:
        this.#end(link, link.dialler, link.diallerEnd === 'waiting' ? 'refused' : 'lost');
        break;
      case eventKind.lostAtAcceptor:
        this.#end(link, link.acceptor, 'lost');
        break;
      case eventKind.goodbyeToDialler:
        this.#onGoodbye(link, link.dialler);
        break;
      case eventKind.goodbyeToAcceptor:
        this.#onGoodbye(link, link.acceptor);
        break;
      case eventKind.lingerDialler:
        this.#onLinger(link, link.dialler);
        break;
      case eventKind.lingerAcceptor:
        this.#onLinger(link, link.acceptor);
        break;
      case eventKind.silence:
        if (link.stalled !== null) this.break(link);
        break;
    }
  }

  /** A message reaches a peer's host: a process that is stopped, paused or busy takes it later or never. */
  #arrive(link: Link<M, C, E>, peer: SimPeer<M, C, E>, serve: number, message: M): void {
    const now = this.#queue.now;
    if (peer.pausedUntil > now) {
      this.#queue.add(peer.pausedUntil, this.#queue.kind, link, message);
      return;
    }
    if (peer.serviceTicks > 0) {
      peer.busyUntil = Math.max(peer.busyUntil, now) + peer.serviceTicks;
      peer.inboxes ??= new Inboxes();
      peer.inboxes.add(link, message);
      this.#queue.add(peer.busyUntil, serve, link, null);
      return;
    }
    this.#deliver(link, peer, message);
  }

  /** A busy peer is done with one message and takes the next, from whichever link has its turn. */
  #serve(peer: SimPeer<M, C, E>): void {
    const next = peer.inboxes?.next((link) => link.end(peer) === 'up');
    if (next !== undefined) this.#deliver(next.link, peer, next.message);
  }

  #deliver(link: Link<M, C, E>, peer: SimPeer<M, C, E>, message: M): void {
    this.#hash.add(this.#options.tagOf(message));
    const isDialler = link.dialler === peer;
    if ((isDialler ? link.diallerEnd : link.acceptorEnd) !== 'up') {
      this.#stats.lost++;
      return;
    }
    this.#port.handle(peer, { kind: 'message', from: isDialler ? link.acceptorId : link.diallerId, message });
  }

  #transmit(link: Link<M, C, E>, toAcceptor: boolean, message: M | typeof goodbye, delay: number): void {
    const from = toAcceptor ? link.dialler : link.acceptor;
    const to = toAcceptor ? link.acceptor : link.dialler;
    if (message !== goodbye && delay === 0) this.#count(from, to, message);
    if (to.state === 'vanished' || (this.#cuts.any && this.#cuts.between(from.index, to.index))) {
      if (link.stalled === null) {
        link.stalled = [];
        this.#stalled.add(link);
        this.#queue.add(this.#queue.now + ticksFromMs(this.network.silenceMs), eventKind.silence, link, null);
      }
      link.stalled.push({ toAcceptor, message });
      return;
    }
    let carried = message;
    if (this.garbleProbability > 0 && message !== goodbye && this.#options.garble !== undefined) {
      if (this.#port.garbleRng.float() < this.garbleProbability) {
        this.#stats.garbled++;
        const garbled = this.#options.garble(message, this.#port.garbleRng);
        if (garbled === null) return;
        carried = garbled;
      }
    }
    const at = this.#arrival(link, from, toAcceptor, carried, delay);
    if (at < 0) {
      this.break(link);
      return;
    }
    if (carried === goodbye) {
      this.#queue.add(at, toAcceptor ? eventKind.goodbyeToAcceptor : eventKind.goodbyeToDialler, link, null);
    } else this.#queue.add(at, toAcceptor ? eventKind.toAcceptor : eventKind.toDialler, link, carried);
  }

  /** When what is sent now arrives, never before what was sent earlier; −1 when the link breaks over it. */
  #arrival(
    link: Link<M, C, E>,
    from: SimPeer<M, C, E>,
    toAcceptor: boolean,
    message: M | typeof goodbye,
    delay: number,
  ): number {
    let leaves = this.#queue.now + delay;
    const { latency, uplinkBytesPerMs, resendMs } = this.network;
    if (uplinkBytesPerMs < Number.POSITIVE_INFINITY && message !== goodbye && this.#options.sizeOf !== undefined) {
      leaves = Math.max(leaves, from.uplinkFreeAt) + ticksFromMs(this.#options.sizeOf(message) / uplinkBytesPerMs);
      from.uplinkFreeAt = leaves;
    }
    let at = leaves + Math.round(link.latencyTicks * jitter(latency, this.#port.networkRng));
    if (this.lossProbability > 0) {
      if (this.resetProbability > 0 && this.#port.networkRng.float() < this.lossProbability * this.resetProbability)
        return -1;
      for (let wait = resendMs; this.#port.networkRng.float() < this.lossProbability && wait < 10_000; wait *= 2) {
        at += ticksFromMs(wait);
      }
    }
    if (toAcceptor) {
      at = Math.max(at, link.lastAtAcceptor);
      link.lastAtAcceptor = at;
    } else {
      at = Math.max(at, link.lastAtDialler);
      link.lastAtDialler = at;
    }
    return at;
  }

  #count(from: SimPeer<M, C, E>, to: SimPeer<M, C, E>, message: M): void {
    this.#stats.messages++;
    from.messagesOut++;
    if (this.#options.sizeOf !== undefined) {
      const bytes = this.#options.sizeOf(message);
      from.bytesOut += bytes;
      this.#stats.bytes += bytes;
    }
    for (const observer of this.#senders) observer.sent(from, to, message, msFromTicks(this.#queue.now));
  }

  #onDial(link: Link<M, C, E>): void {
    const { dialler, acceptor } = link;
    if (link.diallerEnd === 'down') return;
    if (this.#cuts.any) {
      const { index } = dialler;
      if (this.#cuts.between(index, acceptor.index) || this.#cuts.between(acceptor.index, index)) return;
    }
    if (acceptor.state === 'vanished') return;
    const back = this.#queue.now + link.latencyTicks;
    if (acceptor.state === 'crashed') {
      this.#queue.add(back, eventKind.lostAtDialler, link, null);
      return;
    }
    if (acceptor.pausedUntil > this.#queue.now) {
      this.#queue.add(acceptor.pausedUntil, eventKind.dialArrives, link, null);
      return;
    }
    const known = acceptor.links.get(dialler.info.id);
    if (known !== undefined && known !== link) {
      if (known.dialler === acceptor && known.diallerEnd === 'waiting') {
        // Both dialled: the dial of the peer with the lower number stands, and loses nothing that was queued on the other.
        if (acceptor.index < dialler.index) return;
        known.diallerEnd = 'down';
        acceptor.links.delete(dialler.info.id);
        this.#accept(link, known.queued);
        return;
      }
      // The dialler knows this link no more: its news of that is overtaken by its new dial.
      this.#end(known, acceptor, 'lost');
    }
    this.#accept(link, null);
  }

  #accept(link: Link<M, C, E>, queued: readonly M[] | null): void {
    const { dialler, acceptor } = link;
    link.acceptorEnd = 'up';
    acceptor.links.set(dialler.info.id, link);
    link.lastAtDialler = this.#queue.now + link.latencyTicks;
    this.#queue.add(link.lastAtDialler, eventKind.dialAnswered, link, null);
    if (queued !== null) for (const message of queued) this.#transmit(link, false, message, 0);
    this.#port.handle(acceptor, { kind: 'linkUp', peer: dialler.info });
  }

  #onAnswer(link: Link<M, C, E>): void {
    const { dialler, acceptor } = link;
    if (dialler.pausedUntil > this.#queue.now && dialler.isUp) {
      this.#queue.add(dialler.pausedUntil, eventKind.dialAnswered, link, null);
      return;
    }
    if (link.diallerEnd === 'down') {
      this.tellLost(link, acceptor);
      return;
    }
    const known = dialler.links.get(acceptor.info.id);
    if (known !== link) {
      // The acceptor's own dial got here first.
      link.diallerEnd = 'down';
      return;
    }
    link.diallerEnd = 'up';
    const { queued } = link;
    link.queued = null;
    if (queued !== null) for (const message of queued) this.#transmit(link, true, message, 0);
    this.#port.handle(dialler, { kind: 'linkUp', peer: acceptor.info });
  }

  #onGoodbye(link: Link<M, C, E>, peer: SimPeer<M, C, E>): void {
    if (peer.pausedUntil > this.#queue.now && peer.isUp) {
      this.#queue.add(peer.pausedUntil, this.#queue.kind, link, null);
      return;
    }
    this.#end(link, peer, 'closed');
  }

  #onLinger(link: Link<M, C, E>, peer: SimPeer<M, C, E>): void {
    if (link.lingers(peer) !== this.#queue.now || link.end(peer) === 'down') return;
    const idleFrom = Math.max(link.lastAtAcceptor, link.lastAtDialler);
    const tick = idleFrom + ticksFromMs(this.network.lingerMs);
    if (link.end(peer) === 'waiting' || (tick > this.#queue.now && this.network.lingerMs > 0)) {
      const again = Math.max(tick, this.#queue.now + 1);
      link.setLingers(peer, again);
      this.#queue.add(again, this.#queue.kind, link, null);
      return;
    }
    this.#transmit(link, link.dialler === peer, goodbye, 0);
    this.#end(link, peer, 'closed');
  }

  /** Ends one end of a link and tells its core. */
  #end(link: Link<M, C, E>, peer: SimPeer<M, C, E>, reason: LinkDownReason): void {
    if (peer.pausedUntil > this.#queue.now && peer.isUp) {
      const what = link.dialler === peer ? eventKind.lostAtDialler : eventKind.lostAtAcceptor;
      this.#queue.add(peer.pausedUntil, what, link, null);
      return;
    }
    if (link.end(peer) === 'down') return;
    link.setEnd(peer, 'down');
    if (link.stalled !== null) this.#dropStalled(link, link.stalled, peer);
    const id = link.other(peer).info.id;
    if (peer.links.get(id) !== link) return;
    peer.links.delete(id);
    this.#port.handle(peer, { kind: 'linkDown', peer: id, reason });
  }

  /** What is held back for this end reaches nobody any more. */
  #dropStalled(link: Link<M, C, E>, stalled: readonly Stalled<M>[], peer: SimPeer<M, C, E>): void {
    const left = stalled.filter(({ toAcceptor }) => (toAcceptor ? link.acceptor : link.dialler) !== peer);
    link.stalled = left.length === 0 ? null : left;
    if (link.stalled === null) this.#stalled.delete(link);
  }

  #latencyTicks(a: SimPeer<M, C, E>, b: SimPeer<M, C, E>): number {
    const ms = baseLatency(this.network.latency, this.#options.seed, a.index, a.zone, b.index, b.zone);
    return Math.round(ms * ticksPerMs);
  }
}
