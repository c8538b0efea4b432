import { assert, type PeerId } from '@starling/kernel';
import { noTick, type SimPeer } from './peer.ts';

/** How one end of a link stands. `waiting`: dialling, or (at the far end) not yet reached by the dial. */
export type LinkEnd = 'waiting' | 'up' | 'down';

/** What a link carries besides messages: the news that the far end closed it. */
export const goodbye = Symbol('goodbye');

/** What a cut holds back. */
export interface Stalled<M> {
  readonly toAcceptor: boolean;
  readonly message: M | typeof goodbye;
}

/** One TCP connection's life, from its dial on. Each end learns of its beginning and its end at a time of its own. */
export class Link<M, C, E> {
  readonly dialler: SimPeer<M, C, E>;
  readonly acceptor: SimPeer<M, C, E>;
  diallerEnd: LinkEnd = 'waiting';
  acceptorEnd: LinkEnd = 'waiting';
  // What a delivery wants to know of the far end is here as well: among 10,000 peers that one's memory is far away.
  readonly diallerId: PeerId;
  readonly acceptorId: PeerId;
  readonly diallerIndex: number;
  readonly acceptorIndex: number;
  /** One way, in ticks, before jitter. */
  latencyTicks: number;
  /** When the last message so far arrives at each end: the next may not overtake it. */
  lastAtDialler = 0;
  lastAtAcceptor = 0;
  /** What the dialler's core sent before the link was up; null: nothing. */
  queued: M[] | null = null;
  /** What a cut holds back, in order; TCP goes on trying. Null: nothing. */
  stalled: Stalled<M>[] | null = null;
  /** The tick at which an end's linger runs out; `noTick` while its core needs the link. */
  diallerLingers = noTick;
  acceptorLingers = noTick;

  constructor(dialler: SimPeer<M, C, E>, acceptor: SimPeer<M, C, E>, latencyTicks: number) {
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.diallerId = dialler.info.id;
    this.acceptorId = acceptor.info.id;
    this.diallerIndex = dialler.index;
    this.acceptorIndex = acceptor.index;
    this.latencyTicks = latencyTicks;
  }

  isDialler(peer: SimPeer<M, C, E>): boolean {
    assert(peer === this.dialler || peer === this.acceptor, 'a link is asked about one of its ends');
    return peer === this.dialler;
  }

  other(peer: SimPeer<M, C, E>): SimPeer<M, C, E> {
    return this.isDialler(peer) ? this.acceptor : this.dialler;
  }

  end(peer: SimPeer<M, C, E>): LinkEnd {
    return this.isDialler(peer) ? this.diallerEnd : this.acceptorEnd;
  }

  setEnd(peer: SimPeer<M, C, E>, end: LinkEnd): void {
    if (this.isDialler(peer)) this.diallerEnd = end;
    else this.acceptorEnd = end;
  }

  setLingers(peer: SimPeer<M, C, E>, tick: number): void {
    if (this.isDialler(peer)) this.diallerLingers = tick;
    else this.acceptorLingers = tick;
  }

  lingers(peer: SimPeer<M, C, E>): number {
    return this.isDialler(peer) ? this.diallerLingers : this.acceptorLingers;
  }
}
