import { randomUUID } from 'node:crypto';
import {
  MeshPicture,
  type PictureStep,
  type TopologyDelta,
  type TopologySnapshot,
  type Totals,
  totalsOf,
} from '@starling/topology';
import { type FeedEvent, historySecondsMax, type UpstreamStatus } from '../feed/feed-event.ts';
import type { PastPicture } from '../feed/past-picture.ts';
import { TopologyPast } from './topology-past.ts';

/** One message of a peer's topology stream, already plain. */
export interface UpstreamMessage {
  readonly at: number;
  readonly known: number;
  readonly servedBy: string;
  readonly snapshot: TopologySnapshot | null;
  readonly delta: TopologyDelta | null;
}

/** Tells the hub how its one upstream fares. */
export interface UpstreamListener {
  onMessage(message: UpstreamMessage): void;
  onStatus(status: UpstreamStatus): void;
}

/** Opens the one stream to the mesh, keeps it open by whatever peer answers, until it is told to stop. */
export type OpenUpstream = (listener: UpstreamListener) => { readonly stop: () => void };

/** Bounds of the hub. */
export interface TopologyHubConfig {
  /** How long the stream stays open after the last viewer: a reload must not close it. Guess. */
  readonly graceMs: number;
  /** Events that a viewer may be behind; further back it gets a snapshot. Guess: a minute of a lively mesh. */
  readonly eventsMax: number;
  /** The same in characters of JSON. Guess: 16 snapshots of a thousand peers. */
  readonly charactersMax: number;
  readonly totalsIntervalMs: number;
  /** Before so long after the first picture none is kept for the past. Design: every peer reports within 5 s. */
  readonly settleMs: number;
}

/** See each field for where its value comes from. */
export const defaultTopologyHubConfig: TopologyHubConfig = {
  graceMs: 15_000,
  eventsMax: 512,
  charactersMax: 16 * 1024 * 1024,
  totalsIntervalMs: 1_000,
  settleMs: 5_000,
};

/** Deltas that wait to be taken over at most; somebody looks once a second. */
const waitingMax = 16;

/** One event as it goes to browsers: its id resumes the feed after it. */
export interface NumberedEvent {
  readonly id: string;
  readonly json: string;
}

const noStatus: UpstreamStatus = { phase: 'connecting', servedBy: '', address: '', tries: [], addresses: 0 };

/**
 * One picture of the mesh for all viewers of this process, and one stream from the mesh, open only while somebody looks.
 *
 * Every event gets the next number and goes to one bounded ring; a viewer is nothing but a cursor on it, so that a slow
 * browser costs no memory. A cursor that fell off the ring, or is of another run, gets a snapshot.
 */
export class TopologyHub {
  readonly #open: OpenUpstream;
  readonly #config: TopologyHubConfig;
  readonly #epoch = randomUUID().slice(0, 8);
  /** Behind by what waits: `#picture` is not. */
  #held = new MeshPicture();
  #waiting: PictureStep[] = [];
  #known = 0;
  #status = noStatus;
  #history: Totals[] = [];
  #ring: NumberedEvent[] = [];
  #ringCharacters = 0;
  #version = 0;
  #viewers = 0;
  #stop: (() => void) | null = null;
  #graceTimer: NodeJS.Timeout | null = null;
  #wakeUps = new Set<() => void>();
  /** Outlives the last viewer: who is called comes a minute later. */
  readonly past: TopologyPast;

  constructor(
    open: OpenUpstream,
    config: TopologyHubConfig = defaultTopologyHubConfig,
    past: TopologyPast = new TopologyPast(),
  ) {
    this.#open = open;
    this.#config = config;
    this.past = past;
  }

  /** Browsers that look. */
  get viewers(): number {
    return this.#viewers;
  }

  /** Whether the mesh is being watched. */
  get isWatching(): boolean {
    return this.#stop !== null;
  }

  /** Whether the mesh has told of this peer. */
  knows(peer: string): boolean {
    return this.#picture.peers.has(peer);
  }

  /** Where a known peer takes clients; null when it is unknown or takes none. */
  apiAddressOf(peer: string): string | null {
    return this.#picture.peers.get(peer)?.peer.apiAddress || null;
  }

  /** Where all known peers that take clients do so, by their ids. */
  apiAddresses(): ReadonlyMap<string, string> {
    const taking = [...this.#picture.peers].filter(([, { peer }]) => peer.apiAddress !== '');
    return new Map(taking.map(([id, { peer }]) => [id, peer.apiAddress]));
  }

  /** Registers a viewer. `resumeAfter` is the id of the last event it saw; null, or one that is too old, begins anew. */
  view(resumeAfter: string | null): FeedViewer {
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
    this.#graceTimer = null;
    this.#viewers++;
    if (this.#stop === null) this.#start();
    let position = this.#positionOf(resumeAfter);
    let isOpen = true;
    return {
      read: () => {
        const behind = this.#version - (position ?? Number.NEGATIVE_INFINITY);
        if (behind === 0) return null;
        if (behind > this.#ring.length) {
          position = this.#version;
          return { id: this.#idOf(position), json: JSON.stringify(this.#snapshot()) };
        }
        position = (position as number) + 1;
        return this.#ring[this.#ring.length - behind] ?? null;
      },
      changed: (timeoutMs) => this.#changed(timeoutMs),
      close: () => {
        if (isOpen) this.#leave();
        isOpen = false;
      },
    };
  }

  #changed(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (hasChanged: boolean): void => {
        clearTimeout(timer);
        this.#wakeUps.delete(wake);
        resolve(hasChanged);
      };
      const wake = (): void => done(true);
      const timer = setTimeout(() => done(false), timeoutMs);
      this.#wakeUps.add(wake);
    });
  }

  #idOf(version: number): string {
    return `${this.#epoch}:${version}`;
  }

  #positionOf(id: string | null): number | null {
    const [epoch, version] = id?.split(':') ?? [];
    const position = Number(version);
    return epoch === this.#epoch && Number.isSafeInteger(position) && position <= this.#version ? position : null;
  }

  #start(): void {
    const upstream = this.#open({
      onMessage: (message) => this.#onMessage(message),
      onStatus: (status) => {
        this.#status = status;
        this.#publish({ kind: 'status', status });
      },
    });
    const timer = setInterval(() => this.#sample(), this.#config.totalsIntervalMs);
    this.#stop = () => {
      clearInterval(timer);
      upstream.stop();
    };
  }

  #leave(): void {
    this.#viewers--;
    if (this.#viewers > 0) return;
    this.#graceTimer = setTimeout(() => {
      this.#stop?.();
      this.#stop = null;
      // What is held ages unseen: the next viewer begins with a fresh picture, and no cursor of before is good for it.
      this.#held = new MeshPicture();
      this.#waiting = [];
      this.#known = 0;
      this.#status = noStatus;
      this.#history = [];
      this.#ring = [];
      this.#ringCharacters = 0;
      this.#version++;
    }, this.#config.graceMs);
    this.#graceTimer.unref();
  }

  #onMessage({ at, known, servedBy, snapshot, delta }: UpstreamMessage): void {
    this.#known = known;
    if (snapshot !== null) {
      const kept = new Set([
        ...snapshot.reports.map(({ peer }) => peer.id),
        ...snapshot.silentPeers.map(({ id }) => id),
      ]);
      const gone = [...this.#picture.peers.keys()].filter((id) => !kept.has(id) && id !== servedBy);
      const removedPeers = gone.map((id) => ({ id, reason: 'expired' as const }));
      this.#take(at, { ...snapshot, removedPeers });
    } else if (delta !== null) {
      this.#take(at, delta);
    }
  }

  #take(at: number, delta: TopologyDelta): void {
    const isFirst = this.#waiting.length === 0 && this.#held.peers.size === 0;
    this.#waiting.push({ at, delta });
    if (isFirst || this.#waiting.length >= waitingMax) this.#settle();
    // To a viewer the first picture is a snapshot, not a mesh that joins.
    this.#publish(isFirst ? this.#snapshot() : { kind: 'delta', at, known: this.#known, delta });
    const now = Math.max(at, this.#held.now);
    const { openedAt } = this.#held;
    // Reports come in one after another once the mesh is watched: a picture of before shows a silence that was none.
    if (now - openedAt >= this.#config.settleMs) void this.past.offer(now, () => JSON.stringify(this.#frame()));
  }

  get #picture(): MeshPicture {
    this.#settle();
    return this.#held;
  }

  /** Takes over what waits: of a mesh of thousands each delta by itself costs as much as all since the last look. */
  #settle(): void {
    if (this.#waiting.length === 0) return;
    this.#held.applyAll(this.#waiting);
    this.#waiting = [];
  }

  #frame(): PastPicture {
    return { at: this.#picture.now, known: this.#known, snapshot: this.#contents() };
  }

  #contents(): TopologySnapshot {
    const views = [...this.#picture.peers.values()];
    return {
      reports: views.flatMap(({ report }) => (report === null ? [] : [report])),
      silentPeers: views.flatMap(({ report, peer }) => (report === null ? [peer] : [])),
    };
  }

  #snapshot(): FeedEvent {
    return {
      kind: 'snapshot',
      at: this.#picture.now,
      known: this.#known,
      snapshot: this.#contents(),
      status: this.#status,
      history: this.#history,
      changes: this.#picture.changes,
      since: this.#picture.since,
    };
  }

  #sample(): void {
    if (this.#status.phase !== 'live') return;
    const totals = totalsOf(this.#picture);
    this.#history.push(totals);
    if (this.#history.length > historySecondsMax) this.#history.shift();
    this.#publish({ kind: 'totals', totals });
  }

  #publish(event: FeedEvent): void {
    const json = JSON.stringify(event);
    this.#version++;
    this.#ring.push({ id: this.#idOf(this.#version), json });
    this.#ringCharacters += json.length;
    while (this.#ring.length > this.#config.eventsMax || this.#ringCharacters > this.#config.charactersMax) {
      const oldest = this.#ring.shift();
      if (oldest === undefined) break;
      this.#ringCharacters -= oldest.json.length;
    }
    for (const wake of [...this.#wakeUps]) wake();
  }
}

/** One browser's cursor on the feed. */
export interface FeedViewer {
  /** The next event, or null when it has seen all. */
  read(): NumberedEvent | null;
  /** Waits for something new; false after `timeoutMs` without. */
  changed(timeoutMs: number): Promise<boolean>;
  /** Must be called once; later calls do nothing. */
  close(): void;
}
