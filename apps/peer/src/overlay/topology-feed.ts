import type { PeerReport } from '@starling/core-observe';
import type { Millis, PeerId, PeerInfo } from '@starling/kernel';
import type { MeshPort } from './mesh-port.ts';

export interface TopologyFeedConfig {
  /** Changes of so long are told together. 250 ms: people see it as at once (product decision). */
  readonly coalesceMs: Millis;
  /** A delta, perhaps empty, comes at least so often: a watcher knows that its feed is alive. */
  readonly heartbeatMs: Millis;
  /** Deltas kept for watchers that come back; one that missed more gets a snapshot. 240: a minute of changes. */
  readonly historyMax: number;
  /** Peers that may have changed while nobody watched; at the bound the history is broken off and watchers get a snapshot. */
  readonly changesMax: number;
}

export const defaultTopologyFeedConfig: TopologyFeedConfig = {
  coalesceMs: 250,
  heartbeatMs: 5_000,
  historyMax: 240,
  changesMax: 10_000,
};

export interface HeardReport {
  readonly report: PeerReport;
  /** When this peer heard it. */
  readonly heardAt: Millis;
}

export interface TopologyChange {
  readonly version: number;
  readonly at: Millis;
  readonly reports: readonly HeardReport[];
  /** Known to be there, but not heard from. */
  readonly silent: readonly PeerInfo[];
  /** Only in a delta. */
  readonly removed: readonly { readonly id: PeerId; readonly reason: string }[];
  readonly heard: number;
  readonly known: number;
}

/** Who is in the mesh, this peer included, as the directory believes. */
export type Members = () => Iterable<PeerInfo>;

/**
 * The topology of the mesh as numbered changes, made once for all who watch. Nothing is queued for a watcher: it has a
 * version and asks for what comes after it, so a slow one costs nothing and skips ahead by a snapshot.
 */
export class TopologyFeed {
  readonly #config: TopologyFeedConfig;
  readonly #mesh: MeshPort;
  readonly #members: Members;
  readonly #heard = new Map<PeerId, HeardReport>();
  readonly #changed = new Set<PeerId>();
  readonly #removed = new Map<PeerId, string>();
  readonly #watchers = new Set<() => void>();
  #history: TopologyChange[] = [];
  #version = 1;
  #flushedAt: Millis = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: TopologyFeedConfig, mesh: MeshPort, members: Members) {
    this.#config = config;
    this.#mesh = mesh;
    this.#members = members;
    mesh.on((event) => {
      switch (event.kind) {
        case 'reportChanged':
          if (event.report === null) this.#heard.delete(event.id);
          else this.#heard.set(event.id, { report: event.report, heardAt: mesh.now() });
          this.#touch(event.id);
          break;
        case 'memberUp':
          this.#removed.delete(event.info.id);
          this.#touch(event.info.id);
          break;
        case 'memberChanged':
          this.#touch(event.info.id);
          break;
        case 'memberDown':
          this.#heard.delete(event.info.id);
          this.#removed.set(event.info.id, event.state);
          this.#touch(event.info.id);
          break;
        case 'banned':
          // What it says of its links is what they were; that it is banned is news.
          this.#heard.delete(event.ban.subject);
          this.#touch(event.ban.subject);
          break;
        case 'banLifted':
          this.#touch(event.peer);
          break;
        default:
      }
    });
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  get version(): number {
    return this.#version;
  }

  /** The newest report heard of a peer. */
  report(id: PeerId): HeardReport | undefined {
    return this.#heard.get(id);
  }

  /** `changed` is called whenever there is something newer. Returns the way to stop. The mesh reports while anybody watches. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    if (this.#watchers.size === 1) {
      this.#mesh.command({ kind: 'watchTopology', active: true });
      this.#schedule();
    }
    return () => {
      if (!this.#watchers.delete(changed) || this.#watchers.size > 0) return;
      this.#mesh.command({ kind: 'watchTopology', active: false });
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  /** The changes after `version`, oldest first; null when they are not kept (any more): take the snapshot. */
  after(version: number): readonly TopologyChange[] | null {
    if (version > this.#version) return null;
    const kept = this.#history.filter((change) => change.version > version);
    return kept.length === this.#version - version ? kept : null;
  }

  /** Everything, as of the version that it names. */
  snapshot(): TopologyChange {
    const silent: PeerInfo[] = [];
    let known = 0;
    for (const info of this.#members()) {
      known++;
      if (!this.#heard.has(info.id)) silent.push(info);
    }
    return {
      version: this.#version,
      at: this.#mesh.now(),
      reports: [...this.#heard.values()],
      silent,
      removed: [],
      heard: this.#heard.size,
      known,
    };
  }

  #touch(id: PeerId): void {
    this.#changed.add(id);
    if (this.#watchers.size > 0) {
      this.#schedule();
    } else if (this.#changed.size > this.#config.changesMax) {
      this.#changed.clear();
      this.#removed.clear();
      this.#history = [];
      this.#version++;
    }
  }

  #schedule(): void {
    const isPending = this.#changed.size > 0;
    const dueIn = this.#flushedAt + (isPending ? this.#config.coalesceMs : this.#config.heartbeatMs) - this.#mesh.now();
    clearTimeout(this.#timer);
    // A lone change goes out soon; the floor gathers what comes with it.
    this.#timer = setTimeout(() => this.#flush(), Math.max(isPending ? 20 : 0, dueIn));
  }

  #flush(): void {
    this.#flushedAt = this.#mesh.now();
    const reports: HeardReport[] = [];
    const silent: PeerInfo[] = [];
    let known = 0;
    for (const info of this.#members()) {
      known++;
      if (!this.#changed.has(info.id) || this.#heard.has(info.id)) continue;
      silent.push(info);
    }
    for (const id of this.#changed) {
      const heard = this.#heard.get(id);
      if (heard !== undefined) reports.push(heard);
    }
    const removed = [...this.#removed].map(([id, reason]) => ({ id, reason }));
    this.#changed.clear();
    this.#removed.clear();
    this.#version++;
    this.#history.push({
      version: this.#version,
      at: this.#flushedAt,
      reports,
      silent,
      removed,
      heard: this.#heard.size,
      known,
    });
    if (this.#history.length > this.#config.historyMax) this.#history.shift();
    for (const changed of [...this.#watchers]) changed();
    if (this.#watchers.size > 0) this.#schedule();
  }
}
