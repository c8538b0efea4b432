import type { Input, Millis, PeerId, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import type { MeshCommand, MeshEvent, MeshMessage, MeshOutbox } from '@starling/mesh';
import type { Clock, TimerHandle } from './clock.ts';
import { type Discovery, DiscoveryLoop, type DiscoveryLoopConfig, defaultDiscoveryLoopConfig } from './discovery.ts';
import type { LinkStats, Transport } from './transport.ts';

/** One peer's brain, as its host sees it. */
export interface HostedMesh<B> extends ProtocolCore<MeshMessage<B>, MeshCommand, MeshEvent> {
  /** Whether links with a peer are refused now. Without it nobody is. */
  isBanned?(peer: PeerId): boolean;
}

export interface HostConfig {
  /** A timer that fires later than this says that the process was starved. Default: well above a GC pause (guess). */
  readonly lateMs: Millis;
  /** The longest that one timer runs; a spurious tick after that is harmless. Default: far below what setTimeout takes. */
  readonly timerMaxMs: Millis;
  /** How long `leave` waits for the links to be flushed and closed. Default: guess. */
  readonly leaveTimeoutMs: Millis;
  readonly discovery: DiscoveryLoopConfig;
}

export const defaultHostConfig: HostConfig = {
  lateMs: 100,
  timerMaxMs: 60_000,
  leaveTimeoutMs: 3_000,
  discovery: defaultDiscoveryLoopConfig,
};

/** Sees everything that crosses the mesh's boundary: where metrics and traces are derived. Must not throw. */
export interface HostTap<B> {
  input?(now: Millis, input: Input<MeshMessage<B>, MeshCommand>): void;
  /** `queued` false: there was no link or no room. */
  sent?(to: PeerId, message: MeshMessage<B>, queued: boolean): void;
  event?(event: MeshEvent): void;
}

export interface HostDependencies<B> {
  readonly self: PeerInfo;
  readonly mesh: HostedMesh<B>;
  readonly transport: Transport<B>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly tap?: HostTap<B>;
}

/** Counters of a host since it started. */
export interface HostStats {
  inputs: number;
  /** Messages that a core sent without a link, or into a full queue. */
  sendsDropped: number;
  /** Times that the timer was late, and the worst of them in ms. */
  late: number;
  lateMaxMs: Millis;
}

export type HostListener = (event: MeshEvent) => void;

/**
 * Drives one mesh: the only writer. Links, commands and time come in one after the other; what arrives while one is being
 * handled waits its turn, so a core is never re-entered. `now` never goes back. One timer serves all deadlines.
 */
export class Host<B> {
  readonly stats: HostStats = { inputs: 0, sendsDropped: 0, late: 0, lateMaxMs: 0 };
  readonly #config: HostConfig;
  readonly #mesh: HostedMesh<B>;
  readonly #transport: Transport<B>;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #tap: HostTap<B>;
  readonly #outbox: MeshOutbox<B>;
  readonly #listeners = new Set<HostListener>();
  readonly #links = new Map<PeerId, PeerInfo>();
  #self: PeerInfo;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #discovery: DiscoveryLoop | undefined;
  readonly #waiting: Input<MeshMessage<B>, MeshCommand>[] = [];
  #events: MeshEvent[] = [];
  #handling = false;
  #isBatch = false;
  /** The mesh said `readable` during the batch. */
  #isReadable = false;
  #now: Millis = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle;
  #timerAt: Millis = Number.POSITIVE_INFINITY;
  #linksGone: (() => void) | undefined;

  constructor(config: HostConfig, dependencies: HostDependencies<B>) {
    this.#config = config;
    this.#self = dependencies.self;
    this.#mesh = dependencies.mesh;
    this.#transport = dependencies.transport;
    this.#clock = dependencies.clock;
    this.#rng = dependencies.rng;
    this.#tap = dependencies.tap ?? {};
    this.#outbox = {
      open: (peer) => this.#transport.open(peer),
      send: (to, message) => this.#send(to, message),
      close: (peer) => this.#transport.close(peer),
      emit: (event) => this.#events.push(event),
    };
  }

  /** This peer, as its next hello says it. */
  get self(): PeerInfo {
    return this.#self;
  }

  /** The peers that a link is up with: neighbours, and others for a moment. */
  get links(): ReadonlyMap<PeerId, PeerInfo> {
    return this.#links;
  }

  get discoveryStats(): Readonly<DiscoveryLoop['stats']> | undefined {
    return this.#discovery?.stats;
  }

  /** The time of the input that is being, or was last, handled. */
  get now(): Millis {
    return this.#now;
  }

  linkStats(peer: PeerId): LinkStats | undefined {
    return this.#transport.stats(peer);
  }

  /** Every event of the mesh goes to every listener, in order, after the `handle` that emitted it. Returns the way to unsubscribe. */
  on(listener: HostListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes links and looks for peers from now on. Rejects when the transport cannot listen; the host is then unusable. */
  async start(discovery: readonly Discovery[]): Promise<void> {
    await this.#transport.start(this.#self, {
      linkUp: (peer) => {
        this.#links.set(peer.id, peer);
        this.#handle({ kind: 'linkUp', peer });
      },
      message: (from, message) => this.#handle({ kind: 'message', from, message }),
      batch: (deliver) => this.#batch(deliver),
      isBanned: (peer) => this.#mesh.isBanned?.(peer) ?? false,
      linkDown: (peer, reason) => {
        this.#links.delete(peer);
        this.#handle({ kind: 'linkDown', peer, reason });
        if (this.#links.size === 0) this.#linksGone?.();
      },
    });
    this.#state = 'running';
    this.#discovery = new DiscoveryLoop(this.#config.discovery, discovery, {
      clock: this.#clock,
      rng: this.#rng.child(),
      self: () => this.#self,
      links: () => this.#links.values(),
      contact: (address) => this.#transport.contact(address),
      found: (peers) => this.command({ kind: 'contacts', peers }),
    });
    this.#handle({ kind: 'tick' });
    this.#discovery.start();
  }

  /**
   * Hands a command to the mesh. Its events have been heard when this returns, unless it is called by a listener: then
   * the command waits until the listeners are done. Ignored when the host is not running.
   */
  command(command: MeshCommand): void {
    this.#handle({ kind: 'command', command });
  }

  /** Leaves the mesh for good: no more discovery, every neighbour is told. Resolves with the number of links that were up, once they are closed or the deadline is over. */
  async leave(timeoutMs: Millis = this.#config.leaveTimeoutMs): Promise<number> {
    this.#discovery?.stop();
    const told = this.#links.size;
    this.command({ kind: 'leave' });
    if (this.#links.size > 0 && this.#state === 'running') {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(timeoutMs, resolve);
        this.#linksGone = () => {
          this.#clock.clearTimer(timer);
          resolve();
        };
      });
      this.#linksGone = undefined;
    }
    return told;
  }

  /** Stops at once, without a word to the neighbours (see `leave`). The transport has its own deadline. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#discovery?.stop();
    this.#disarm();
    await this.#transport.stop();
    this.#links.clear();
    this.#linksGone?.();
  }

  #send(to: PeerId, message: MeshMessage<B>): void {
    const queued = this.#transport.send(to, message);
    if (!queued) this.stats.sendsDropped++;
    this.#tap.sent?.(to, message, queued);
  }

  #handle(input: Input<MeshMessage<B>, MeshCommand>): void {
    if (this.#state !== 'running') return;
    this.#waiting.push(input);
    if (!this.#handling) this.#drain();
  }

  /** The clock is read once, subscribers are told once, and the timer is looked at once. */
  #batch(deliver: () => void): void {
    this.#isBatch = true;
    this.#readClock();
    try {
      deliver();
    } finally {
      this.#isBatch = false;
      this.#rearm();
      if (this.#isReadable) {
        this.#isReadable = false;
        this.#tell({ kind: 'readable' });
      }
    }
  }

  /** Handles what waits, and what comes to wait meanwhile; then sees when the mesh wants to be woken. */
  #drain(): void {
    const waiting = this.#waiting;
    let done = 0;
    this.#handling = true;
    try {
      for (; done < waiting.length; done++) this.#handleOne(waiting[done] as Input<MeshMessage<B>, MeshCommand>);
    } finally {
      this.#handling = false;
      // Whatever threw is not handled twice.
      if (done === 1 && waiting.length === 1) waiting.length = 0;
      else waiting.splice(0, done + 1);
    }
    if (!this.#isBatch) this.#rearm();
  }

  #handleOne(input: Input<MeshMessage<B>, MeshCommand>): void {
    if (!this.#isBatch) this.#readClock();
    this.stats.inputs++;
    this.#tap.input?.(this.#now, input);
    this.#mesh.handle(this.#now, input, this.#outbox);
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) this.#hear(event);
  }

  #readClock(): void {
    this.#now = Math.max(this.#now, this.#clock.now());
  }

  #hear(event: MeshEvent): void {
    if (event.kind === 'selfChanged') {
      this.#self = event.self;
      this.#transport.setSelf(event.self);
    } else if (event.kind === 'contactsNeeded') {
      this.#discovery?.wake();
    } else if (event.kind === 'readable' && this.#isBatch) {
      this.#isReadable = true;
      return;
    }
    this.#tell(event);
  }

  #tell(event: MeshEvent): void {
    this.#tap.event?.(event);
    for (const listener of this.#listeners) listener(event);
  }

  #rearm(): void {
    if (this.#state !== 'running') return;
    const deadline = this.#mesh.nextDeadline();
    // A timer that fires too early costs one harmless turn; clearing and setting one per message would cost more.
    if (deadline >= this.#timerAt) return;
    this.#disarm();
    const now = this.#clock.now();
    // Not before now: a mesh that asks for a past time does not make the timer late.
    const at = Math.max(now, Math.min(deadline, now + this.#config.timerMaxMs));
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(at - now, () => this.#onTimer(at));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #onTimer(at: Millis): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const lateMs = now - at;
    if (lateMs > this.#config.lateMs) {
      this.stats.late++;
      this.stats.lateMaxMs = Math.max(this.stats.lateMaxMs, lateMs);
      // Lifeguard §IV: one that was starved itself must not take the others' silence for death.
      this.#waiting.push({ kind: 'command', command: { kind: 'selfLate', lateMs } });
    }
    if (this.#mesh.nextDeadline() <= now) this.#waiting.push({ kind: 'tick' });
    this.#drain();
  }
}
