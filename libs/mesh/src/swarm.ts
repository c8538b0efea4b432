import {
  type AdmissionPolicy,
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
  type SignaturePrimitives,
} from '@starling/core-plumtree';
import {
  type Input,
  type Millis,
  type Outbox,
  type PeerId,
  type PeerInfo,
  type ProtocolCore,
  type Rng,
  unreachable,
} from '@starling/kernel';
import { CoreOutbox, type MeshSide } from './core-outbox.ts';
import { neighborCommandOf } from './hand-over.ts';
import { need } from './links.ts';
import type { MeshMessage, SwarmId } from './messages.ts';
import { streamOf } from './stream.ts';

/** What the peers of one swarm say to each other. */
export type SwarmMessage<B> = Extract<MeshMessage<B>, { readonly swarm: SwarmId }>;
export type SwarmCommand<B> =
  | HyParViewCommand
  | Extract<PlumtreeCommand<B>, { readonly kind: 'broadcast' | 'compare' }>;
export type SwarmEvent<B> = HyParViewEvent | PlumtreeEvent<B>;

export interface SwarmOptions<B> {
  readonly id: SwarmId;
  readonly hyparview: HyParViewConfig;
  readonly plumtree: PlumtreeConfig;
  readonly self: PeerInfo;
  readonly rng: Rng;
  readonly admission: AdmissionPolicy;
  /** Bytes that a body takes in the store. */
  readonly sizeOf: (body: B) => number;
  /** Needed unless `plumtree.signatures` is `links`. */
  readonly primitives?: SignaturePrimitives<B> | undefined;
}

/**
 * A membership and the broadcast over it, as one object. Every peer is in the root swarm; a topic may get a swarm of its
 * own over the same links. Neighbours of the membership are the links of the broadcast, at once.
 */
export class Swarm<B> implements ProtocolCore<SwarmMessage<B>, SwarmCommand<B>, SwarmEvent<B>> {
  readonly id: SwarmId;
  readonly membership: HyParView;
  readonly broadcast: Plumtree<B>;
  readonly #membershipOut: CoreOutbox<B, HyParViewMessage, HyParViewEvent>;
  readonly #broadcastOut: CoreOutbox<B, PlumtreeMessage<B>, PlumtreeEvent<B>>;
  /** The membership's events, handed to the broadcast once the membership has returned. */
  #neighborEvents: HyParViewEvent[] = [];
  #out!: Outbox<SwarmMessage<B>, SwarmEvent<B>>;

  constructor({ id, hyparview, plumtree, self, rng, admission, sizeOf, primitives }: SwarmOptions<B>) {
    this.id = id;
    this.membership = new HyParView(hyparview, self, rng.child(), admission);
    this.broadcast = new Plumtree<B>(
      plumtree,
      { id: self.id, stream: streamOf(self), zone: self.zone },
      rng.child(),
      sizeOf,
      primitives,
    );
    const side: MeshSide<B> = {
      openLink: (peer) => this.#out.open(peer),
      send: (to, message) => this.#out.send(to, message as SwarmMessage<B>),
      releaseLink: (peer) => this.#out.close(peer),
    };
    this.#membershipOut = new CoreOutbox(
      side,
      need.membership,
      (message) => ({ area: 'membership', swarm: id, message }),
      (event) => void this.#neighborEvents.push(event),
    );
    this.#broadcastOut = new CoreOutbox(
      side,
      0,
      (message) => ({ area: 'broadcast', swarm: id, message }),
      (event) => this.#out.emit(event),
    );
  }

  handle(
    now: Millis,
    input: Input<SwarmMessage<B>, SwarmCommand<B>>,
    out: Outbox<SwarmMessage<B>, SwarmEvent<B>>,
  ): void {
    this.#out = out;
    switch (input.kind) {
      case 'message':
        if (input.message.area === 'broadcast') {
          this.broadcast.handle(
            now,
            { kind: 'message', from: input.from, message: input.message.message },
            this.#broadcastOut,
          );
        } else {
          this.membership.handle(
            now,
            { kind: 'message', from: input.from, message: input.message.message },
            this.#membershipOut,
          );
        }
        break;
      case 'linkUp':
      case 'linkDown':
        this.membership.handle(now, input, this.#membershipOut);
        break;
      case 'command':
        if (input.command.kind === 'broadcast' || input.command.kind === 'compare') {
          this.broadcast.handle(now, { kind: 'command', command: input.command }, this.#broadcastOut);
        } else {
          this.membership.handle(now, { kind: 'command', command: input.command }, this.#membershipOut);
        }
        break;
      case 'tick':
        if (this.membership.nextDeadline() <= now) this.membership.handle(now, input, this.#membershipOut);
        if (this.broadcast.nextDeadline() <= now) this.broadcast.handle(now, input, this.#broadcastOut);
        break;
      default:
        unreachable(input);
    }
    if (this.#neighborEvents.length > 0) this.#handOver(now);
    // One that was only retiring: to the membership it was no neighbour any more.
    if (input.kind === 'linkDown') this.#drop(now, input.peer);
    else if (input.kind === 'command' && input.command.kind === 'expel') this.#drop(now, input.command.peer);
    this.#broadcastOut.forget();
  }

  /** Something is being sent to this peer anyway: announcements that wait for that go along. */
  piggyback(peer: PeerId, out: Outbox<SwarmMessage<B>, SwarmEvent<B>>): void {
    this.#out = out;
    this.broadcast.piggyback(peer, this.#broadcastOut);
    this.#broadcastOut.forget();
  }

  nextDeadline(): Millis {
    return Math.min(this.membership.nextDeadline(), this.broadcast.nextDeadline());
  }

  #drop(now: Millis, peer: PeerId): void {
    this.broadcast.handle(now, { kind: 'command', command: { kind: 'neighborDown', peer } }, this.#broadcastOut);
  }

  #handOver(now: Millis): void {
    const events = this.#neighborEvents;
    this.#neighborEvents = [];
    for (const event of events) {
      // The layer above hears of the neighbour first, so that what the broadcast then says about it makes sense there.
      this.#out.emit(event);
      const command = neighborCommandOf(event);
      if (command !== null) this.broadcast.handle(now, { kind: 'command', command }, this.#broadcastOut);
    }
  }
}
