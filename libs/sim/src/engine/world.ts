import { assert, type Input, type Millis, type Outbox, type PeerId, type PeerInfo, Rng } from '@starling/kernel';
import type { Cut } from './cuts.ts';
import { EventQueue, msFromTicks, ticksFromMs } from './event-queue.ts';
import { eventKind, type WorldQueue } from './events.ts';
import { zoneName, zonesOf } from './latency.ts';
import type { Link } from './link.ts';
import { Links } from './links.ts';
import type { NetworkModel } from './network.ts';
import { noTick, SimPeer } from './peer.ts';
import { TraceHash } from './trace-hash.ts';
import type { HandledObserver, SentObserver, WorldObserver, WorldOptions, WorldStats } from './world-port.ts';

/** Ticks in a row without progress after which a core is declared to spin. */
const spinsMax = 1_000;

/**
 * The event engine: peers, the links between them (`Links`), and a queue of what happens next. It runs the product's own
 * cores and decides nothing for them. No closure is made per event, one timer event per peer is pending, and everything that
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
  /** For the scenario's own choices; independent of the network's. */
  readonly rng: Rng;

  readonly #options: WorldOptions<M, C, E>;
  readonly #observers: WorldObserver<M, C, E>[] = [];
  // The same by what they watch: most watch little, and asking each about each input costs as much as a short input.
  readonly #senders: SentObserver<M, C, E>[] = [];
  readonly #handlers: HandledObserver<M, C, E>[] = [];
  readonly #queue: WorldQueue<M, C, E> = new EventQueue();
  readonly #hash = new TraceHash();
  readonly #byId = new Map<PeerId, SimPeer<M, C, E>>();
  readonly #links: Links<M, C, E>;
  readonly #bootRng: Rng;
  /** The index of the peer whose `handle` is running; −1: nobody's. */
  #current = -1;
  /** What cores stated and observers are still to be told, a stack of `#emittedCount`: the rest is left over from earlier. */
  readonly #emitted: E[] = [];
  #emittedCount = 0;

  constructor(options: WorldOptions<M, C, E>) {
    this.#options = options;
    const root = new Rng(options.seed);
    const networkRng = root.child();
    this.#bootRng = root.child();
    const garbleRng = root.child();
    this.rng = root.child();
    this.#links = new Links({
      options,
      queue: this.#queue,
      hash: this.#hash,
      stats: this.stats,
      senders: this.#senders,
      networkRng,
      garbleRng,
      handle: (peer, input) => this.#handle(peer, input),
    });
  }

  /** Virtual time in ms; begins at 0. */
  get now(): Millis {
    return msFromTicks(this.#queue.now);
  }

  /** The fingerprint of all that has happened so far. */
  get traceHash(): string {
    return this.#hash.digest();
  }

  /** The network as it is now; see `changeNetwork`. */
  get network(): NetworkModel {
    return this.#links.network;
  }

  /** From now on: the chance that a packet is lost, and that its loss breaks the link. */
  setLoss(probability: number, resetProbability: number): void {
    this.#links.lossProbability = probability;
    this.#links.resetProbability = resetProbability;
  }

  /** From now on: the chance that a message arrives as garbage. */
  setGarble(probability: number): void {
    this.#links.garbleProbability = probability;
  }

  /** Would a dial from one peer to the other be answered now? */
  reaches(from: SimPeer<M, C, E>, to: SimPeer<M, C, E>): boolean {
    return to.isUp && to.pausedUntil <= this.#queue.now && !this.#links.isCut(from, to);
  }

  observe(observer: WorldObserver<M, C, E>): void {
    this.#observers.push(observer);
    if (observer.sent !== undefined) this.#senders.push(observer as SentObserver<M, C, E>);
    if (observer.handled !== undefined) this.#handlers.push(observer as HandledObserver<M, C, E>);
  }

  find(id: PeerId): SimPeer<M, C, E> | undefined {
    return this.#byId.get(id);
  }

  /** Starts a new peer. Its zone is its number modulo the network's zones unless said otherwise. */
  start(zone?: number): SimPeer<M, C, E> {
    const index = this.peers.length;
    const inZone = zone ?? index % zonesOf(this.network.latency);
    const info: PeerInfo = {
      id: interned(`p${index}`),
      address: `10.0.0.0:${index}`,
      apiAddress: '',
      incarnation: 1 + Math.floor(this.now),
      zone: zoneName(this.network.latency, inZone),
      name: `peer-${index}`,
      version: '1.10.0',
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
      if (!silently) this.#links.tellLost(link, link.other(peer));
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
        if (link !== undefined) this.#links.tellLost(link, other);
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
    this.#links.cut(cut);
  }

  /** Ends a cut that was begun with this very object. TCP sends again what waited. */
  heal(cut: Cut): void {
    this.#links.heal(cut);
  }

  /** Goes on with another network from now on: links that are up get its delays, what is under way keeps the old ones. */
  changeNetwork(network: NetworkModel): void {
    this.#links.change(network, this.peers);
  }

  /** Breaks a link that is up; both ends hear of it. */
  breakLink(link: Link<M, C, E>): void {
    this.#links.break(link);
  }

  /** Gives a command to a peer's core now. A stopped peer hears nothing. */
  command(peer: SimPeer<M, C, E>, command: C): void {
    this.#handle(peer, { kind: 'command', command });
  }

  /** Does something at a time to come, between two events. */
  at(ms: Millis, action: () => void): void {
    this.#queue.add(ticksFromMs(ms), eventKind.action, action, null);
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
    this.#links.open(this.#running(), to, this.#byId.get(to.id));
  }

  send(to: PeerId, message: M): void {
    this.#links.send(this.#running(), to, message);
  }

  close(to: PeerId): void {
    this.#links.close(this.#running(), to);
  }

  emit(event: E): void {
    assert(this.#current >= 0, 'an outbox is used inside handle only');
    this.#emitted[this.#emittedCount++] = event;
  }

  #running(): SimPeer<M, C, E> {
    assert(this.#current >= 0, 'an outbox is used inside handle only');
    return this.peers[this.#current] as SimPeer<M, C, E>;
  }

  #step(): void {
    const queue = this.#queue;
    const what = queue.kind;
    this.stats.events++;
    this.#hash.add(queue.now);
    if (what === eventKind.timer) {
      const peer = queue.subject as SimPeer<M, C, E>;
      this.#hash.add((peer.index << 5) | what);
      this.#onTimer(peer);
      return;
    }
    if (what === eventKind.action) {
      this.#hash.add(what);
      (queue.subject as () => void)();
      return;
    }
    this.#links.onEvent(queue.subject as Link<M, C, E>);
  }

  #onTimer(peer: SimPeer<M, C, E>): void {
    const now = this.#queue.now;
    // Another event was armed since, for an earlier tick; or the peer stopped.
    if (peer.timerTick !== now || !peer.isUp) return;
    peer.timerTick = noTick;
    if (peer.pausedUntil > now) {
      peer.timerTick = peer.pausedUntil;
      this.#queue.add(peer.pausedUntil, eventKind.timer, peer, null);
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
    assert(this.#current < 0, 'one handle at a time');
    const told = this.#emittedCount;
    this.#current = peer.index;
    peer.core.handle(this.now + peer.skewMs, input, this);
    this.#current = -1;
    this.#arm(peer);
    if (this.#emittedCount > told) this.#tellEvents(peer, told);
    if (this.#handlers.length === 0) return;
    const now = this.now;
    for (const observer of this.#handlers) observer.handled(peer, now, input);
  }

  /** Tells what a peer's core stated: all in the stack from `first` on. */
  #tellEvents(peer: SimPeer<M, C, E>, first: number): void {
    const now = this.now;
    const end = this.#emittedCount;
    for (let at = first; at < end; at++) {
      const event = this.#emitted[at] as E;
      // An observer may give a command, whose events go on top of the stack and are told first.
      for (const observer of this.#observers) observer.event?.(peer, event, now);
    }
    this.#emittedCount = first;
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
    this.#queue.add(tick, eventKind.timer, peer, null);
  }
}

/** The text as V8 keeps the names of fields, once: two of these are the same text only if they are the same object, so none is ever compared by letters. */
function interned(text: string): string {
  return Object.keys({ [text]: 0 })[0] as string;
}

/** The first tick at which the peer's clock shows its core's deadline or more. */
function dueTick<M, C, E>({ core, skewMs }: SimPeer<M, C, E>): number {
  const deadline = core.nextDeadline();
  return deadline === Number.POSITIVE_INFINITY ? noTick : Math.max(0, ticksFromMs(deadline - skewMs));
}

function isDue<M, C, E>({ dueTick }: SimPeer<M, C, E>, now: number): boolean {
  return dueTick !== noTick && dueTick <= now;
}
