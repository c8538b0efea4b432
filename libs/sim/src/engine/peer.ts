import { type Millis, type PeerInfo, type ProtocolCore, SmallMap } from '@starling/kernel';
import type { Inboxes } from './inboxes.ts';
import type { Link } from './link.ts';

/** A tick that never comes. Not Infinity: V8 keeps a field that was ever a fraction or Infinity in an object of its own. */
export const noTick = -1;

/** One simulated peer: its core, its links, and what the faults do to it. Written by the `World` only. */
export class SimPeer<M, C, E> {
  // What every event reads comes first, so that it lies together in memory.
  core: ProtocolCore<M, C, E>;
  /** `crashed`: its process is gone and its host says so. `vanished`: its host is gone and says nothing. */
  state: 'up' | 'crashed' | 'vanished' = 'up';
  /** Until this tick the process neither reads nor acts (garbage collection, a stopped container). */
  pausedUntil = 0;
  /** Ticks that each message costs it; 0: none. */
  serviceTicks = 0;
  /** Added to the world's time to give what this peer's clock shows, in ms; see `World.skew`. */
  skewMs: Millis = 0;
  /** The tick of the deadline that its core wanted after its last input. */
  dueTick = noTick;
  /** The tick of its pending timer event. */
  timerTick = noTick;
  /** By the id of the other end. */
  readonly links = new SmallMap<Link<M, C, E>>();
  /** Its place in `World.peers`. */
  readonly index: number;
  info: PeerInfo;
  messagesOut = 0;
  bytesOut = 0;
  /** Ticks in a row that did not move its deadline past the present: more than a few is a core that spins. */
  spins = 0;
  busyUntil = 0;
  /** What waits for it while it is busy; null when it never was. */
  inboxes: Inboxes<Link<M, C, E>, M> | null = null;
  uplinkFreeAt = 0;
  /** Its failure domain as a number; `info.zone` names it. */
  readonly zone: number;

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
