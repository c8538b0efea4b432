import { type Effect, type Millis, type PeerId, RecordingOutbox, Rng } from '@starling/kernel';
import { defaultPlumtreeConfig, type PlumtreeConfig } from './config.ts';
import type { Gossip, PlumtreeEvent, PlumtreeMessage } from './messages.ts';
import { Plumtree } from './plumtree.ts';

type Message = PlumtreeMessage<string>;
type Recorded = Effect<Message, PlumtreeEvent<string>>;

/** One peer of a test network and what came out of it. */
export class TestPeer {
  readonly id: PeerId;
  readonly zone: string;
  readonly core: Plumtree<string>;
  readonly out = new RecordingOutbox<Message, PlumtreeEvent<string>>();
  readonly delivered: Gossip<string>[] = [];
  readonly events: PlumtreeEvent<string>[] = [];

  constructor(id: PeerId, config: PlumtreeConfig, rng: Rng, stream: string, zone: string) {
    this.id = id;
    this.zone = zone;
    this.core = new Plumtree(config, { id, stream, zone }, rng, (body) => body.length);
  }
}

interface Flight {
  readonly at: Millis;
  readonly order: number;
  readonly from: PeerId;
  readonly to: PeerId;
  readonly message: Message;
}

/**
 * A small network for specs: virtual time, links that keep order, a latency per link. Not the simulator: only what these
 * specs need. A link that is cut loses what is on its way.
 */
export class TestNetwork {
  now: Millis = 0;
  readonly peers = new Map<PeerId, TestPeer>();
  readonly trace: string[] = [];
  readonly sent = new Map<string, number>();
  /** Drops what it says true to. */
  drop: (from: PeerId, to: PeerId, message: Message) => boolean = () => false;
  /** Changes what is sent, as a peer of another version would read it. */
  translate: (from: PeerId, to: PeerId, message: Message) => Message = (_from, _to, message) => message;
  readonly #config: PlumtreeConfig;
  readonly #rng: Rng;
  readonly #latency = new Map<string, Millis>();
  #flights: Flight[] = [];
  #order = 0;

  constructor(seed: number, config: Partial<PlumtreeConfig> = {}) {
    this.#rng = new Rng(seed);
    this.#config = { ...defaultPlumtreeConfig, ...config };
  }

  add(id: PeerId, zone = ''): TestPeer {
    const peer = new TestPeer(id, this.#config, this.#rng.child(), `${id}~1`, zone);
    this.peers.set(id, peer);
    return peer;
  }

  peer(id: PeerId): TestPeer {
    return this.peers.get(id) as TestPeer;
  }

  link(a: PeerId, b: PeerId, latencyMs: Millis = 10 + this.#rng.below(40)): void {
    this.#latency.set(key(a, b), latencyMs);
    this.#command(a, { kind: 'neighborUp', peer: b, zone: this.peer(b).zone });
    this.#command(b, { kind: 'neighborUp', peer: a, zone: this.peer(a).zone });
  }

  isLinked(a: PeerId, b: PeerId): boolean {
    return this.#latency.has(key(a, b));
  }

  cut(a: PeerId, b: PeerId): void {
    if (!this.#latency.delete(key(a, b))) return;
    this.#flights = this.#flights.filter((flight) => key(flight.from, flight.to) !== key(a, b));
    this.#command(a, { kind: 'neighborDown', peer: b });
    this.#command(b, { kind: 'neighborDown', peer: a });
  }

  /** Removes a peer as a crash does. */
  crash(id: PeerId): void {
    for (const other of this.peers.keys()) this.cut(id, other);
    this.peers.delete(id);
  }

  /** A ring plus random links, so that it is connected. */
  linkRandomly(ids: readonly PeerId[], degree: number): void {
    for (let i = 0; i < ids.length; i++) this.link(ids[i] as PeerId, ids[(i + 1) % ids.length] as PeerId);
    for (let i = 0; i < (ids.length * (degree - 2)) / 2; i++) {
      const [a, b] = this.#rng.sample(ids, 2) as [PeerId, PeerId];
      if (!this.isLinked(a, b)) this.link(a, b);
    }
  }

  publish(id: PeerId, body: string, options: { wantHeld?: boolean; ephemeral?: boolean } = {}): void {
    const { wantHeld = false, ephemeral = false } = options;
    this.#command(id, { kind: 'broadcast', body, wantHeld, ephemeral });
  }

  /** Runs until nothing is left to do before `until`. */
  run(forMs: Millis): void {
    const until = this.now + forMs;
    for (;;) {
      let first: Flight | undefined;
      for (const flight of this.#flights) {
        if (first === undefined || flight.at < first.at || (flight.at === first.at && flight.order < first.order)) {
          first = flight;
        }
      }
      let at = first?.at ?? Number.POSITIVE_INFINITY;
      let due: TestPeer | undefined;
      for (const peer of this.peers.values()) {
        const deadline = Math.max(peer.core.nextDeadline(), this.now);
        if (deadline < at) {
          at = deadline;
          due = peer;
        }
      }
      if (at > until) break;
      this.now = at;
      if (due !== undefined) this.#tick(due);
      else if (first !== undefined) this.#arrive(first);
    }
    this.now = until;
  }

  #tick(peer: TestPeer): void {
    peer.core.handle(this.now, { kind: 'tick' }, peer.out);
    this.#takeFrom(peer);
  }

  #arrive(flight: Flight): void {
    this.#flights.splice(this.#flights.indexOf(flight), 1);
    const peer = this.peers.get(flight.to);
    if (peer === undefined) return;
    this.trace.push(`${Math.floor(this.now)} ${flight.from} -> ${flight.to} ${describe(flight.message)}`);
    peer.core.handle(this.now, { kind: 'message', from: flight.from, message: flight.message }, peer.out);
    this.#takeFrom(peer);
  }

  #command(
    id: PeerId,
    command: Parameters<Plumtree<string>['handle']>[1] extends infer I
      ? I extends { command: infer C }
        ? C
        : never
      : never,
  ): void {
    const peer = this.peers.get(id);
    if (peer === undefined) return;
    this.trace.push(
      `${Math.floor(this.now)} ${id} ${command.kind} ${command.kind === 'broadcast' ? command.body : command.peer}`,
    );
    peer.core.handle(this.now, { kind: 'command', command }, peer.out);
    this.#takeFrom(peer);
  }

  #takeFrom(peer: TestPeer): void {
    for (const effect of peer.out.take()) this.#apply(peer, effect);
  }

  #apply(peer: TestPeer, effect: Recorded): void {
    if (effect.kind === 'emit') {
      peer.events.push(effect.event);
      if (effect.event.kind === 'delivered') peer.delivered.push(effect.event.message);
      else this.trace.push(`${Math.floor(this.now)} ${peer.id} says ${JSON.stringify(effect.event)}`);
      return;
    }
    if (effect.kind !== 'send') return;
    const { to, message } = effect;
    this.sent.set(message.kind, (this.sent.get(message.kind) ?? 0) + 1);
    const latency = this.#latency.get(key(peer.id, to));
    if (latency === undefined) return;
    if (this.drop(peer.id, to, message)) {
      this.trace.push(`${Math.floor(this.now)} ${peer.id} -> ${to} ${describe(message)} LOST`);
      return;
    }
    this.#flights.push({
      at: this.now + latency,
      order: this.#order++,
      from: peer.id,
      to,
      message: this.translate(peer.id, to, message),
    });
  }
}

function key(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** One line for a message. */
export function describe(message: Message): string {
  switch (message.kind) {
    case 'gossip':
      return `gossip ${message.stream}#${message.seq} round ${message.round}${message.repair ? ' (repair)' : ''}`;
    case 'iHave':
      return `iHave ${message.items.map((item) => `${item.stream}#${item.from}-${item.to}`).join(' ')}`;
    case 'graft':
    case 'pull':
      return `${message.kind} ${message.ranges.map((range) => `${range.stream}#${range.from}-${range.to}`).join(' ')}`;
    case 'prune':
      return message.yieldTo === null ? 'prune' : 'prune, for another entry';
    case 'digest':
      return `digest ${message.streams.map((run) => `${run.stream}#${run.from}-${run.seen}`).join(' ')}${message.last ? ' (last)' : ''}`;
    case 'held':
      return `held ${message.stream}#${message.seq}`;
  }
}
