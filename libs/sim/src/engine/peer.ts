import type { Millis, PeerId, PeerInfo, ProtocolCore } from '@starling/kernel';
import type { Link } from './link.ts';

/** One simulated peer: its core, its links, and what the faults do to it. Written by the `World` only. */
export class SimPeer<M, C, E> {
  /** Its place in `World.peers`. */
  readonly index: number;
  /** Its failure domain as a number; `info.zone` names it. */
  readonly zone: number;
  info: PeerInfo;
  core: ProtocolCore<M, C, E>;
  /** `crashed`: its process is gone and its host says so. `vanished`: its host is gone and says nothing. */
  state: 'up' | 'crashed' | 'vanished' = 'up';
  readonly links = new Map<PeerId, Link<M, C, E>>();
  /** Added to the world's time to give what this peer's clock shows, in ms. */
  skewMs = 0;
  /** Until this tick the process neither reads nor acts (garbage collection, a stopped container). */
  pausedUntil = 0;
  /** Ticks that each message costs it; 0: none. */
  serviceTicks = 0;
  busyUntil = 0;
  uplinkFreeAt = 0;
  /** What its core answered when it was last asked for its deadline: after its last input. On its own clock, in ms. */
  deadline: Millis = Number.POSITIVE_INFINITY;
  /** The tick of its pending timer event; Infinity: none is pending. */
  timerTick = Number.POSITIVE_INFINITY;
  /** Ticks in a row that did not move its deadline past the present: more than a few is a core that spins. */
  spins = 0;
  messagesOut = 0;
  bytesOut = 0;

  constructor(index: number, zone: number, info: PeerInfo, core: ProtocolCore<M, C, E>) {
    this.index = index;
    this.zone = zone;
    this.info = info;
    this.core = core;
  }

  get isUp(): boolean {
    return this.state === 'up';
  }
}
