import {
  admitAll,
  HyParView,
  type HyParViewCommand,
  type HyParViewConfig,
  type HyParViewEvent,
  type HyParViewMessage,
} from '@starling/core-hyparview';
import {
  Plumtree,
  type PlumtreeCommand,
  type PlumtreeConfig,
  type PlumtreeEvent,
  type PlumtreeMessage,
} from '@starling/core-plumtree';
import type { Input, Millis, Outbox, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import { type NeighborCommand, neighborCommandOf, streamOf } from '@starling/mesh';

/** A broadcast in these swarms is a number: which of the run's broadcasts it is. */
export type SwarmMessage = HyParViewMessage | PlumtreeMessage<number>;
export type SwarmCommand = HyParViewCommand | Extract<PlumtreeCommand<number>, { readonly kind: 'broadcast' }>;
export type SwarmEvent = HyParViewEvent | PlumtreeEvent<number>;

export interface SwarmConfig {
  readonly hyparview: HyParViewConfig;
  readonly plumtree: PlumtreeConfig;
}

/**
 * The product's membership and broadcast and nothing else: what the papers' tables are about, small enough that 100,000
 * fit in one process. The two cores' messages differ in `kind`, so nothing is wrapped. The mesh with all cores is the
 * `MeshNode`.
 */
export class SwarmNode
  implements ProtocolCore<SwarmMessage, SwarmCommand, SwarmEvent>, Outbox<SwarmMessage, SwarmEvent>
{
  readonly membership: HyParView;
  readonly broadcast: Plumtree<number>;
  // What each core wanted when it last returned. Most inputs concern one core; to ask the other as well would read
  // its scattered objects for nothing, a million times a second.
  #membershipAt: Millis;
  #broadcastAt: Millis;
  #out: Outbox<SwarmMessage, SwarmEvent> | null = null;
  /** The membership's events, handed to the broadcast once the membership has returned; null: there were none. */
  #handOvers: NeighborCommand[] | null = null;

  constructor(config: SwarmConfig, self: PeerInfo, rng: Rng) {
    this.membership = new HyParView(config.hyparview, self, rng.child(), admitAll);
    this.broadcast = new Plumtree<number>(
      config.plumtree,
      { id: self.id, stream: streamOf(self), zone: self.zone },
      rng.child(),
      () => 8,
    );
    this.#membershipAt = this.membership.nextDeadline();
    this.#broadcastAt = this.broadcast.nextDeadline();
  }

  handle(now: Millis, input: Input<SwarmMessage, SwarmCommand>, out: Outbox<SwarmMessage, SwarmEvent>): void {
    // It is always the same one, and a write costs more than a look.
    if (this.#out !== out) this.#out = out;
    switch (input.kind) {
      case 'message':
        if (isBroadcast(input.message)) this.#toBroadcast(now, input as Input<PlumtreeMessage<number>, never>);
        else this.#toMembership(now, input as Input<HyParViewMessage, never>);
        break;
      case 'command':
        if (input.command.kind === 'broadcast') this.#toBroadcast(now, input as Input<never, PlumtreeCommand<number>>);
        else this.#toMembership(now, input as Input<never, HyParViewCommand>);
        break;
      case 'tick':
        if (this.#membershipAt <= now) this.#toMembership(now, input);
        if (this.#broadcastAt <= now) this.#toBroadcast(now, input);
        break;
      default:
        this.#toMembership(now, input);
    }
    if (this.#handOvers !== null) this.#handOver(now, this.#handOvers);
    // One that was only retiring: to the membership it was no neighbour any more.
    if (input.kind === 'linkDown') {
      this.#toBroadcast(now, { kind: 'command', command: { kind: 'neighborDown', peer: input.peer } });
    }
  }

  nextDeadline(): Millis {
    return Math.min(this.#membershipAt, this.#broadcastAt);
  }

  open(peer: PeerInfo): void {
    this.#out?.open(peer);
  }

  send(to: PeerId, message: SwarmMessage): void {
    this.#out?.send(to, message);
  }

  close(peer: PeerId): void {
    this.#out?.close(peer);
  }

  emit(event: SwarmEvent): void {
    const command = neighborCommandOf(event);
    if (command !== null) {
      if (this.#handOvers === null) this.#handOvers = [command];
      else this.#handOvers.push(command);
    }
    this.#out?.emit(event);
  }

  #handOver(now: Millis, handOvers: readonly NeighborCommand[]): void {
    this.#handOvers = null;
    for (const command of handOvers) this.#toBroadcast(now, { kind: 'command', command });
  }

  #toMembership(now: Millis, input: Input<HyParViewMessage, HyParViewCommand>): void {
    this.membership.handle(now, input, this);
    this.#membershipAt = this.membership.nextDeadline();
  }

  #toBroadcast(now: Millis, input: Input<PlumtreeMessage<number>, PlumtreeCommand<number>>): void {
    this.broadcast.handle(now, input, this);
    this.#broadcastAt = this.broadcast.nextDeadline();
  }
}

/** Is this one of Plumtree's messages? */
export function isBroadcast(message: SwarmMessage): message is PlumtreeMessage<number> {
  switch (message.kind) {
    case 'gossip':
    case 'iHave':
    case 'graft':
    case 'prune':
    case 'digest':
    case 'pull':
    case 'held':
      return true;
    default:
      return false;
  }
}
