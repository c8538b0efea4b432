import {
  assert,
  type Input,
  type LinkDownReason,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  Rng,
} from '@starling/kernel';
import { type Cut, Cuts } from './cuts.ts';
import { EventQueue, msFromTicks, ticksFromMs, ticksPerMs } from './event-queue.ts';
import { baseLatency, jitter, zonesOf } from './latency.ts';
import { goodbye, Link } from './link.ts';
import type { NetworkModel } from './network.ts';
import { noTick, SimPeer } from './peer.ts';
import { TraceHash } from './trace-hash.ts';
import type { WorldObserver, WorldOptions, WorldStats } from './world-port.ts';

/** What an event is: its number in the queue and in the trace hash. */
const kind = {
  toDialler: 1,
  toAcceptor: 2,
  serveDialler: 3,
  serveAcceptor: 4,
  dialArrives: 5,
  dialAnswered: 6,
  dialTimeout: 7,
  lostAtDialler: 8,
  lostAtAcceptor: 9,
  goodbyeToDialler: 10,
  goodbyeToAcceptor: 11,
  lingerDialler: 12,
  lingerAcceptor: 13,
  silence: 14,
  timer: 15,
  action: 16,
} as const;

/** Ticks in a row without progress after which a core is declared to spin. */
const spinsMax = 1_000;

/**
 * The event engine: peers, the links between them, and a queue of what happens next. It runs the product's own cores and
 * decides nothing for them. No closure is made per event, one timer event per peer is pending, and everything that
 * happens goes into the trace hash.
 */
export class World<M, C, E> implements Outbox<M, E> {
  readonly peers: SimPeer<M, C, E>[] = [];
  readonly stats: WorldStats = {
    events: 0,
    messages: 0,
    bytes: 0,
    dropped: 0,
    lost: 0,
    dials: 0,
    garbled: 0,
  };
  /** The network as it is now; see `changeNetwork`. */
  network: NetworkModel;
  /** For the scenario's own choices; independent of the network's. */
  readonly rng: Rng;
  lossProbability: number;
  resetProbability: number;
  garbleProbability = 0;

  readonly #options: WorldOptions<M, C, E>;
  readonly #observers: WorldObserver<M, C, E>[] = [];
  readonly #queue = new EventQueue<Link<M, C, E> | SimPeer<M, C, E> | (() => void), M>();
  readonly #hash = new TraceHash();
  readonly #byId = new Map<PeerId, SimPeer<M, C, E>>();
  readonly #cuts = new Cuts();
  /** In the order in which they stalled. */
  readonly #stalled = new Set<Link<M, C, E>>();
  readonly #networkRng: Rng;
  readonly #bootRng: Rng;
  readonly #garbleRng: Rng;
  /** Whose `handle` is running. */
  #current: SimPeer<M, C, E> | null = null;
  #emitted: { peer: SimPeer<M, C, E>; event: E }[] = [];

  constructor(options: WorldOptions<M, C, E>) {
    this.#options = options;
    this.network = options.network;
    this.lossProbability = options.network.lossProbability;
    this.resetProbability = options.network.resetProbability;
    const root = new Rng(options.seed);
    this.#networkRng = root.child();
    this.#bootRng = root.child();
    this.#garbleRng = root.child();
    this.rng = root.child();
  }

  /** Virtual time in ms; begins at 0. */
  get now(): Millis {
    return msFromTicks(this.#queue.now);
  }

  /** The fingerprint of all that has happened so far. */
  get traceHash(): string {
    return this.#hash.digest();
  }

  /** Would a dial from one peer to the other be answered now? */
  reaches(from: SimPeer<M, C, E>, to: SimPeer<M, C, E>): boolean {
    const { index } = from;
    return (
      to.isUp &&
      to.pausedUntil <= this.#queue.now &&
      !this.#cuts.between(index, to.index) &&
      !this.#cuts.between(to.index, index)
    );
  }

  observe(observer: WorldObserver<M, C, E>): void {
    this.#observers.push(observer);
  }

  find(id: PeerId): SimPeer<M, C, E> | undefined {
    return this.#byId.get(id);
  }

  /** Starts a new peer. Its zone is its number modulo the network's zones unless said otherwise. */
  start(zone?: number): SimPeer<M, C, E> {
    const index = this.peers.length;
    const inZone = zone ?? index % zonesOf(this.network.latency);
    const info: PeerInfo = {
      id: `p${index}`,
      address: `10.0.0.0:${index}`,
      apiAddress: '',
      incarnation: 1 + Math.floor(this.now),
      zone: zonesOf(this.network.latency) === 1 ? '' : `zone-${inZone}`,
      name: `peer-${index}`,
    };
    const peer = new SimPeer<M, C, E>(
      index,
      inZone,
      info,
      this.#options.boot(info, new Rng(this.#bootRng.uint32()), this.now),
    );
    this.peers.push(peer);
    this.#byId.set(info.id, peer);
    this.#arm(peer);
    for (const observer of this.#observers) observer.started?.(peer, this.now);
    return peer;
  }

  /** Ends a peer's process at once. With `silently` its host goes too, and nobody is told. */
  crash(peer: SimPeer<M, C, E>, silently = false): void {
    if (!peer.isUp) return;
    peer.state = silently ? 'vanished' : 'crashed';
    peer.timerTick = noTick;
    for (const link of peer.links.values()) {
      link.setEnd(peer, 'down');
      if (!silently) this.#tellLost(link, link.other(peer));
    }
    peer.links.clear();
    for (const observer of this.#observers) observer.stopped?.(peer, this.now);
  }

  /** Starts a stopped peer again under its id, with a higher incarnation and nothing remembered. */
  restart(peer: SimPeer<M, C, E>): void {
    if (peer.isUp) return;
    // A host that comes back answers what still arrives for its former process with a reset.
    if (peer.state === 'vanished') {
      for (const other of this.peers) {
        const link = other.links.get(peer.info.id);
        if (link !== undefined) this.#tellLost(link, other);
      }
    }
    peer.state = 'up';
    peer.info = { ...peer.info, incarnation: Math.max(peer.info.incarnation + 1, 1 + Math.floor(this.now)) };
    peer.core = this.#options.boot(peer.info, new Rng(this.#bootRng.uint32()), this.now + peer.skewMs);
    peer.pausedUntil = 0;
    peer.serviceTicks = 0;
    this.#arm(peer);
    for (const observer of this.#observers) observer.started?.(peer, this.now);
  }

  /** Stops a peer's event loop for `ms`; its sockets stay open, and what arrives waits. */
  pause(peer: SimPeer<M, C, E>, ms: Millis): void {
    peer.pausedUntil = Math.max(peer.pausedUntil, this.#queue.now + ticksFromMs(ms));
  }

  /** Gives every message that the peer takes a cost from now on; 0 takes it back. */
  slow(peer: SimPeer<M, C, E>, serviceMs: Millis): void {
    peer.serviceTicks = ticksFromMs(serviceMs);
  }

  /** Sets a peer's clock forward. */
  skew(peer: SimPeer<M, C, E>, ms: Millis): void {
    peer.skewMs += ms;
    peer.dueTick = dueTick(peer);
  }

  /** Begins a cut. Data in its way waits for its end, or until its link breaks of silence. */
  cut(cut: Cut): void {
    this.#cuts.add(cut);
  }

  /** Ends a cut that was begun with this very object. TCP sends again what waited. */
  heal(cut: Cut): void {
    this.#cuts.remove(cut);
    for (const link of [...this.#stalled]) {
      const waiting = link.stalled;
      link.stalled = [];
      this.#stalled.delete(link);
      const delay = ticksFromMs(this.#networkRng.float() * this.network.resendMs);
      for (const { toAcceptor, message } of waiting) this.#transmit(link, toAcceptor, message, delay);
    }
  }

  /** Goes on with another network from now on: links that are up get its delays, what is under way keeps the old ones. */
  changeNetwork(network: NetworkModel): void {
    this.network = network;
    this.lossProbability = network.lossProbability;
    this.resetProbability = network.resetProbability;
    for (const peer of this.peers) {
      for (const link of peer.links.values()) {
        if (link.dialler === peer) link.latencyTicks = this.#latencyTicks(peer, link.acceptor);
      }
    }
  }

  /** Breaks a link that is up; both ends hear of it. */
  breakLink(link: Link<M, C, E>): void {
    this.#tellLost(link, link.dialler);
    this.#tellLost(link, link.acceptor);
  }

  /** Gives a command to a peer's core now. A stopped peer hears nothing. */
  command(peer: SimPeer<M, C, E>, command: C): void {
    this.#handle(peer, { kind: 'command', command });
  }

  /** Does something at a time to come, between two events. */
  at(ms: Millis, action: () => void): void {
    this.#queue.add(ticksFromMs(ms), kind.action, action, null);
  }

  /** Handles everything up to and including `ms`. */
  runUntil(ms: Millis): void {
    const until = ticksFromMs(ms);
    while (this.#queue.take(until)) this.#step();
  }

  /** Handles one event that is not after `ms`; false when there is none. */
  step(ms: Millis): boolean {
    if (!this.#queue.take(ticksFromMs(ms))) return false;
    this.#step();
    return true;
  }

  /** A core's outbox: valid inside its own `handle` only. */
  open(to: PeerInfo): void {
    const peer = this.#running();
    const known = peer.links.get(to.id);
    if (known !== undefined) {
      known.setLingers(peer, noTick);
      return;
    }
    const target = this.#byId.get(to.id);
    if (target === undefined || target === peer) {
      this.#refuse(peer, to.id);
      return;
    }
    this.stats.dials++;
    const link = new Link<M, C, E>(peer, target, this.#latencyTicks(peer, target));
    peer.links.set(to.id, link);
    const trips = Math.max(0, 2 * this.network.dialRoundTrips - 1);
    this.#queue.add(this.#queue.now + trips * link.latencyTicks, kind.dialArrives, link, null);
    this.#queue.add(this.#queue.now + ticksFromMs(this.network.dialTimeoutMs), kind.dialTimeout, link, null);
  }

  send(to: PeerId, message: M): void {
    const peer = this.#running();
    const link = peer.links.get(to);
    if (link === undefined) {
      this.stats.dropped++;
      return;
    }
    const toAcceptor = link.dialler === peer;
    if (toAcceptor && link.diallerEnd === 'waiting') link.queued.push(message);
    else this.#transmit(link, toAcceptor, message, 0);
  }

  close(to: PeerId): void {
    const peer = this.#running();
    const link = peer.links.get(to);
    if (link === undefined) return;
    const tick = this.#queue.now + ticksFromMs(this.network.lingerMs);
    link.setLingers(peer, tick);
    this.#queue.add(tick, link.dialler === peer ? kind.lingerDialler : kind.lingerAcceptor, link, null);
  }

  emit(event: E): void {
    this.#emitted.push({ peer: this.#running(), event });
  }

  #latencyTicks(a: SimPeer<M, C, E>, b: SimPeer<M, C, E>): number {
    const ms = baseLatency(this.network.latency, this.#options.seed, a.index, a.zone, b.index, b.zone);
    return Math.round(ms * ticksPerMs);
  }

  #running(): SimPeer<M, C, E> {
    assert(this.#current !== null, 'an outbox is used inside handle only');
    return this.#current;
  }

  #step(): void {
    const queue = this.#queue;
    const what = queue.kind;
    this.stats.events++;
    this.#hash.add(queue.now);
    if (what === kind.timer) {
      const peer = queue.subject as SimPeer<M, C, E>;
      this.#hash.add((peer.index << 5) | what);
      this.#onTimer(peer);
      return;
    }
    if (what === kind.action) {
      this.#hash.add(what);
      (queue.subject as () => void)();
      return;
    }
    const link = queue.subject as Link<M, C, E>;
    this.#hash.add((link.dialler.index << 5) | what);
    this.#hash.add(link.acceptor.index);
    switch (what) {
      case kind.toDialler:
        this.#arrive(link, link.dialler, kind.serveDialler, queue.payload as M);
        break;
      case kind.toAcceptor:
        this.#arrive(link, link.acceptor, kind.serveAcceptor, queue.payload as M);
        break;
      case kind.serveDialler:
        this.#deliver(link, link.dialler, queue.payload as M);
        break;
      case kind.serveAcceptor:
        this.#deliver(link, link.acceptor, queue.payload as M);
        break;
      case kind.dialArrives:
        this.#onDial(link);
        break;
      case kind.dialAnswered:
        this.#onAnswer(link);
        break;
      case kind.dialTimeout:
        if (link.diallerEnd === 'waiting') this.#end(link, link.dialler, 'refused');
        break;
      case kind.lostAtDialler:
        this.#end(link, link.dialler, link.diallerEnd === 'waiting' ? 'refused' : 'lost');
        break;
      case kind.lostAtAcceptor:
        this.#end(link, link.acceptor, 'lost');
        break;
      case kind.goodbyeToDialler:
        this.#onGoodbye(link, link.dialler);
        break;
      case kind.goodbyeToAcceptor:
        this.#onGoodbye(link, link.acceptor);
        break;
      case kind.lingerDialler:
        this.#onLinger(link, link.dialler);
        break;
      case kind.lingerAcceptor:
        this.#onLinger(link, link.acceptor);
        break;
      case kind.silence:
        if (link.stalled.length > 0) this.breakLink(link);
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
      this.#queue.add(peer.busyUntil, serve, link, message);
      return;
    }
    this.#deliver(link, peer, message);
  }

  #deliver(link: Link<M, C, E>, peer: SimPeer<M, C, E>, message: M): void {
    this.#hash.add(this.#options.tagOf(message));
    if (link.end(peer) !== 'up') {
      this.stats.lost++;
      return;
    }
    const from = link.dialler === peer ? link.acceptor.info.id : link.dialler.info.id;
    this.#handle(peer, { kind: 'message', from, message });
  }

  #transmit(link: Link<M, C, E>, toAcceptor: boolean, message: M | typeof goodbye, delay: number): void {
    const from = toAcceptor ? link.dialler : link.acceptor;
    const to = toAcceptor ? link.acceptor : link.dialler;
    if (message !== goodbye && delay === 0) this.#count(from, to, message);
    if (to.state === 'vanished' || (this.#cuts.any && this.#cuts.between(from.index, to.index))) {
      if (link.stalled.length === 0) {
        this.#stalled.add(link);
        this.#queue.add(this.#queue.now + ticksFromMs(this.network.silenceMs), kind.silence, link, null);
      }
      link.stalled.push({ toAcceptor, message });
      return;
    }
    let carried = message;
    if (this.garbleProbability > 0 && message !== goodbye && this.#options.garble !== undefined) {
      if (this.#garbleRng.float() < this.garbleProbability) {
        this.stats.garbled++;
        const garbled = this.#options.garble(message, this.#garbleRng);
        if (garbled === null) return;
        carried = garbled;
      }
    }
    const at = this.#arrival(link, from, toAcceptor, carried, delay);
    if (at < 0) {
      this.breakLink(link);
      return;
    }
    if (carried === goodbye) {
      this.#queue.add(at, toAcceptor ? kind.goodbyeToAcceptor : kind.goodbyeToDialler, link, null);
    } else this.#queue.add(at, toAcceptor ? kind.toAcceptor : kind.toDialler, link, carried);
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
    let at = leaves + Math.round(link.latencyTicks * jitter(latency, this.#networkRng));
    if (this.lossProbability > 0) {
      if (this.resetProbability > 0 && this.#networkRng.float() < this.lossProbability * this.resetProbability)
        return -1;
      for (let wait = resendMs; this.#networkRng.float() < this.lossProbability && wait < 10_000; wait *= 2) {
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
    this.stats.messages++;
    from.messagesOut++;
    if (this.#options.sizeOf !== undefined) {
      const bytes = this.#options.sizeOf(message);
      from.bytesOut += bytes;
      this.stats.bytes += bytes;
    }
    for (const observer of this.#observers) observer.sent?.(from, to, message, this.now);
  }

  #refuse(peer: SimPeer<M, C, E>, id: PeerId): void {
    // After this input, as every answer: an outbox never calls back into a core.
    this.at(this.now, () => this.#handle(peer, { kind: 'linkDown', peer: id, reason: 'refused' }));
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
      this.#queue.add(back, kind.lostAtDialler, link, null);
      return;
    }
    if (acceptor.pausedUntil > this.#queue.now) {
      this.#queue.add(acceptor.pausedUntil, kind.dialArrives, link, null);
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
    this.#accept(link, []);
  }

  #accept(link: Link<M, C, E>, queued: readonly M[]): void {
    const { dialler, acceptor } = link;
    link.acceptorEnd = 'up';
    acceptor.links.set(dialler.info.id, link);
    link.lastAtDialler = this.#queue.now + link.latencyTicks;
    this.#queue.add(link.lastAtDialler, kind.dialAnswered, link, null);
    for (const message of queued) this.#transmit(link, false, message, 0);
    this.#handle(acceptor, { kind: 'linkUp', peer: dialler.info });
  }

  #onAnswer(link: Link<M, C, E>): void {
    const { dialler, acceptor } = link;
    if (dialler.pausedUntil > this.#queue.now && dialler.isUp) {
      this.#queue.add(dialler.pausedUntil, kind.dialAnswered, link, null);
      return;
    }
    if (link.diallerEnd === 'down') {
      this.#tellLost(link, acceptor);
      return;
    }
    const known = dialler.links.get(acceptor.info.id);
    if (known !== link) {
      // The acceptor's own dial got here first.
      link.diallerEnd = 'down';
      return;
    }
    link.diallerEnd = 'up';
    for (const message of link.queued) this.#transmit(link, true, message, 0);
    link.queued.length = 0;
    this.#handle(dialler, { kind: 'linkUp', peer: acceptor.info });
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

  /** The other end is gone: `peer` is told when the reset arrives. */
  #tellLost(link: Link<M, C, E>, peer: SimPeer<M, C, E>): void {
    const what = link.dialler === peer ? kind.lostAtDialler : kind.lostAtAcceptor;
    this.#queue.add(this.#queue.now + link.latencyTicks, what, link, null);
  }

  /** Ends one end of a link and tells its core. */
  #end(link: Link<M, C, E>, peer: SimPeer<M, C, E>, reason: LinkDownReason): void {
    if (peer.pausedUntil > this.#queue.now && peer.isUp) {
      const what = link.dialler === peer ? kind.lostAtDialler : kind.lostAtAcceptor;
      this.#queue.add(peer.pausedUntil, what, link, null);
      return;
    }
    if (link.end(peer) === 'down') return;
    link.setEnd(peer, 'down');
    link.stalled = link.stalled.filter(({ toAcceptor }) => (toAcceptor ? link.acceptor : link.dialler) !== peer);
    if (link.stalled.length === 0) this.#stalled.delete(link);
    const id = link.other(peer).info.id;
    if (peer.links.get(id) !== link) return;
    peer.links.delete(id);
    this.#handle(peer, { kind: 'linkDown', peer: id, reason });
  }

  #onTimer(peer: SimPeer<M, C, E>): void {
    const now = this.#queue.now;
    // Another event was armed since, for an earlier tick; or the peer stopped.
    if (peer.timerTick !== now || !peer.isUp) return;
    peer.timerTick = noTick;
    if (peer.pausedUntil > now) {
      peer.timerTick = peer.pausedUntil;
      this.#queue.add(peer.pausedUntil, kind.timer, peer, null);
      return;
    }
    if (!isDue(peer, now)) {
      this.#armTimer(peer);
      return;
    }
    this.#handle(peer, { kind: 'tick' });
    if (!isDue(peer, now)) peer.spins = 0;
    else assert(++peer.spins < spinsMax, `the core of ${peer.info.id} asks for the same tick again and again`);
  }

  #handle(peer: SimPeer<M, C, E>, input: Input<M, C>): void {
    if (!peer.isUp) return;
    assert(this.#current === null, 'one handle at a time');
    this.#current = peer;
    peer.core.handle(this.now + peer.skewMs, input, this);
    this.#current = null;
    this.#arm(peer);
    if (this.#observers.length > 0) this.#tell(peer, input);
    else this.#emitted.length = 0;
  }

  #tell(peer: SimPeer<M, C, E>, input: Input<M, C>): void {
    const now = this.now;
    const emitted = this.#emitted;
    if (emitted.length > 0) {
      // An observer may give a command, whose events are told first.
      this.#emitted = [];
      for (const { peer: by, event } of emitted)
        for (const observer of this.#observers) observer.event?.(by, event, now);
    }
    for (const observer of this.#observers) observer.handled?.(peer, now, input);
  }

  /** Asks for the deadline, as a host does after each input. */
  #arm(peer: SimPeer<M, C, E>): void {
    peer.dueTick = dueTick(peer);
    this.#armTimer(peer);
  }

  /** Makes sure that an event is pending no later than the peer's deadline. An earlier one that is pending stays. */
  #armTimer(peer: SimPeer<M, C, E>): void {
    if (peer.dueTick === noTick) return;
    const tick = Math.max(peer.dueTick, this.#queue.now);
    if (peer.timerTick !== noTick && tick >= peer.timerTick) return;
    peer.timerTick = tick;
    this.#queue.add(tick, kind.timer, peer, null);
  }
}

/** The first tick at which the peer's clock shows its core's deadline or more. */
function dueTick<M, C, E>({ core, skewMs }: SimPeer<M, C, E>): number {
  const deadline = core.nextDeadline();
  return deadline === Number.POSITIVE_INFINITY ? noTick : Math.max(0, ticksFromMs(deadline - skewMs));
}

function isDue<M, C, E>({ dueTick }: SimPeer<M, C, E>, now: number): boolean {
  return dueTick !== noTick && dueTick <= now;
}
