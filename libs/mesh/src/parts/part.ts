import type { HyParViewCommand } from '@starling/core-hyparview';
import type { TreeLabel } from '@starling/core-plumtree';
import type { Input, LinkDownReason, Millis, PeerId, PeerInfo, ProtocolCore } from '@starling/kernel';
import type { MeshCommand, MeshEvent } from '../api.ts';
import { CoreOutbox, type MeshSide } from '../core-outbox.ts';
import type { Body, MeshMessage } from '../messages.ts';
import type { Deadlines } from './deadlines.ts';

/** What happened at this peer that cores other than the one that said so may want to know. */
export type Fact =
  | { readonly kind: 'neighborUp'; readonly peer: PeerInfo }
  /** `isGone`: it broke or left, rather than was evicted or swapped. */
  | { readonly kind: 'neighborDown'; readonly peer: PeerInfo; readonly isGone: boolean }
  | { readonly kind: 'memberUp'; readonly info: PeerInfo }
  | { readonly kind: 'memberDown'; readonly info: PeerInfo }
  /** Peers that the directory knows to be up, this one included. */
  | { readonly kind: 'meshSize'; readonly peers: number }
  /** This peer leaves for good; it still has its neighbours. */
  | { readonly kind: 'leaving' };

/** What a part needs of the mesh around it. */
export interface Hub<B> {
  readonly side: MeshSide<B>;
  /** When the parts' cores want to be woken. */
  readonly deadlines: Deadlines;
  now(): Millis;
  /** A handler that runs when the core that said the event has returned, so that no core is ever re-entered. */
  later<E>(handle: (event: E) => void): (event: E) => void;
  /** To the layer above. */
  emit(event: MeshEvent): void;
  /** To every peer. `patient`: without news or haste. */
  broadcast(body: Body, patient?: boolean): void;
  /** To every part. */
  tell(fact: Fact): void;
  membership(command: HyParViewCommand): void;
  /** Out of both views, and the link ends once what is queued for it is flushed. */
  expel(peer: PeerId): void;
  /** The links of a broadcast tree, as they are now. */
  treeLinks(tree: TreeLabel): { readonly eager: readonly PeerId[]; readonly lazy: readonly PeerId[] };
  /** The tree that this peer's own questions go along. */
  ownTree(): TreeLabel;
  violation(violation: { readonly peer: PeerId; readonly rule: string }): void;
  /** This peer refuted an accusation. */
  renew(incarnation: number): void;
  /** Lets a canary, when this peer sends one, stand for a sign of life; false: it sends none. */
  canaryInstead(): boolean;
}

/** A part as the mesh drives it, whatever its core speaks. */
export interface AnyPart {
  linkUp(peer: PeerInfo): void;
  linkDown(peer: PeerId, reason: LinkDownReason): void;
  /** Lets time pass for the core, if it waits for that. */
  tick(): void;
  fact(fact: Fact): void;
  /** A broadcast of another peer; false: this part is not whom it is for. */
  body(origin: PeerId, body: Body): boolean;
  /** What the layer above wants; false: of somebody else. */
  order(command: MeshCommand): boolean;
}

/**
 * A core and what joins it to the others: which facts, broadcasts and orders are commands to it, and what its events mean
 * here. A further core is a subclass and a line in `Mesh`; it must be made after the others, because each takes its
 * randomness from the mesh's in turn.
 */
export abstract class Part<B, M, C, E> implements AnyPart {
  readonly core: ProtocolCore<M, C, E>;
  protected readonly hub: Hub<B>;
  readonly #out: CoreOutbox<B, M, E>;
  readonly #place: number;

  /** `bit`: one of `need`, for a core that wants links; `side`: the hub's unless the part looks at what is sent. */
  constructor(
    hub: Hub<B>,
    core: ProtocolCore<M, C, E>,
    bit: number,
    wrap: (message: M) => MeshMessage<B>,
    side = hub.side,
  ) {
    this.hub = hub;
    this.core = core;
    this.#place = hub.deadlines.add(core);
    this.#out = new CoreOutbox(
      side,
      bit,
      wrap,
      hub.later((event) => this.said(event)),
    );
  }

  message(from: PeerId, message: M): void {
    this.#handle({ kind: 'message', from, message });
  }

  command(command: C): void {
    this.#handle({ kind: 'command', command });
  }

  linkUp(peer: PeerInfo): void {
    this.#handle({ kind: 'linkUp', peer });
  }

  linkDown(peer: PeerId, reason: LinkDownReason): void {
    this.#handle({ kind: 'linkDown', peer, reason });
  }

  tick(): void {
    if (this.hub.deadlines.of(this.#place) <= this.hub.now()) this.#handle({ kind: 'tick' });
  }

  fact(fact: Fact): void {
    this.#commandIf(this.told(fact));
  }

  body(origin: PeerId, body: Body): boolean {
    return this.#commandIf(this.heard(origin, body));
  }

  order(command: MeshCommand): boolean {
    return this.#commandIf(this.ordered(command));
  }

  /** An event of the core, after the core has returned. */
  protected abstract said(event: E): void;

  /** The command that a fact is to the core. */
  protected told(_fact: Fact): C | undefined {
    return undefined;
  }

  /** The command that a broadcast is to the core. */
  protected heard(_origin: PeerId, _body: Body): C | undefined {
    return undefined;
  }

  /** The command that an order from above is to the core. */
  protected ordered(_command: MeshCommand): C | undefined {
    return undefined;
  }

  #commandIf(command: C | undefined): boolean {
    if (command === undefined) return false;
    this.command(command);
    return true;
  }

  #handle(input: Input<M, C>): void {
    this.hub.deadlines.changed(this.#place);
    this.core.handle(this.hub.now(), input, this.#out);
  }
}
