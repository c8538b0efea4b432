import type { Millis, PeerId } from '@starling/kernel';
import { type Change, ChangeLog } from './change-log.ts';
import { components, hopsFrom } from './components.ts';
import { type Edge, edgeKey, otherEnd } from './edge.ts';
import type { LinkFacts, PeerFacts, RemovalReason, ReportFacts, TopologyDelta, TopologySnapshot } from './facts.ts';
import { defaultHealthLimits, type Health, type HealthLimits, type HealthVerdict, healthOf } from './health.ts';

/** One peer with what is known of it. */
export interface PeerView {
  readonly peer: PeerFacts;
  /** Null: known to be there, not heard from. */
  readonly report: ReportFacts | null;
  readonly degree: number;
  readonly verdict: HealthVerdict;
  /** Since when its health is what it is; null when it was so in the first picture already. */
  readonly healthSince: Millis | null;
}

/** Since when things are as they are: what one picture tells another of the same mesh that began later. */
export interface PictureSince {
  readonly openedAt: Millis;
  readonly splitSince: Millis | null;
  /** Peers whose health is no longer that of the first picture, and not good. */
  readonly health: readonly (readonly [PeerId, Health, Millis])[];
}

/** What changed, and when by the serving peer's clock. */
export interface PictureStep {
  readonly at: Millis;
  readonly delta: TopologyDelta;
}

/** A peer that went a moment ago, kept so that a viewer sees it go. */
export interface GonePeer {
  readonly peer: PeerFacts;
  readonly reason: RemovalReason;
  readonly at: Millis;
  /** Whom it was linked to. */
  readonly neighbors: readonly PeerId[];
}

/** Bounds of a picture. */
export interface MeshPictureConfig {
  /** Changes kept. Guess: more than anyone scrolls through. */
  readonly changesMax: number;
  /** How long a peer that went stays in the picture, in ms. Guess: long enough to look up and see it. */
  readonly goneMs: Millis;
  /** Peers that went and are still shown. Guess: half of the largest mesh that is drawn peer by peer. */
  readonly gonePeersMax: number;
  readonly health: HealthLimits;
}

/** See each field for where its value comes from. */
export const defaultMeshPictureConfig: MeshPictureConfig = {
  changesMax: 200,
  goneMs: 12_000,
  gonePeersMax: 1_000,
  health: defaultHealthLimits,
};

interface HalfEdges {
  readonly a: PeerId;
  readonly b: PeerId;
  fromA: LinkFacts | null;
  fromB: LinkFacts | null;
  halfSince: Millis | null;
}

/**
 * The mesh as the reports tell it: peers, merged links, parts, health, and what changed. Feed it one snapshot and then
 * deltas; a later snapshot is compared with what is held, so that a viewer who reconnects sees the difference and not a
 * new world. Times are the serving peer's, in ms since 1970, and never the caller's clock.
 */
export class MeshPicture {
  readonly #config: MeshPictureConfig;
  readonly #changes: ChangeLog;
  readonly #facts = new Map<PeerId, PeerFacts>();
  readonly #reports = new Map<PeerId, ReportFacts>();
  /** Since when a peer's event loop has been full. */
  readonly #busySince = new Map<PeerId, Millis>();
  readonly #halves = new Map<string, HalfEdges>();
  #gone: readonly GonePeer[] = [];
  #now: Millis = 0;
  #isEmpty = true;
  #peers: ReadonlyMap<PeerId, PeerView> = new Map();
  #edges: ReadonlyMap<string, Edge> = new Map();
  #edgesOf: ReadonlyMap<PeerId, readonly Edge[]> = new Map();
  #parts: readonly (readonly PeerId[])[] = [];
  #splitSince: Millis | null = null;
  #openedAt: Millis = 0;

  constructor(config: MeshPictureConfig = defaultMeshPictureConfig) {
    this.#config = config;
    this.#changes = new ChangeLog(config.changesMax);
  }

  /** All peers known, in the order in which they were first heard of. A new map after each update. */
  get peers(): ReadonlyMap<PeerId, PeerView> {
    return this.#peers;
  }

  /** All links between known peers. A new map after each update. */
  get edges(): ReadonlyMap<string, Edge> {
    return this.#edges;
  }

  /** Peers that went within the last `goneMs`. */
  get gone(): readonly GonePeer[] {
    return this.#gone;
  }

  /**
   * The parts that cannot reach each other, largest first. A peer that was never heard from and that nobody links to is
   * in none: nothing is known about where it is. Nor is one that is banned and that nobody links to: it is out on purpose.
   */
  get parts(): readonly (readonly PeerId[])[] {
    return this.#parts;
  }

  /** Since when there has been more than one part; null when there is one, or were several in the first picture already. */
  get splitSince(): Millis | null {
    return this.#splitSince;
  }

  /** What changed, newest first. The first snapshot is not a change. */
  get changes(): ChangeLog['entries'] {
    return this.#changes.entries;
  }

  /** Time of the last update. */
  get now(): Millis {
    return this.#now;
  }

  /** Time of the first picture. */
  get openedAt(): Millis {
    return this.#openedAt;
  }

  /** The links of one peer. */
  edgesOf(peer: PeerId): readonly Edge[] {
    return this.#edgesOf.get(peer) ?? [];
  }

  /** Hops from one peer to all that it can reach. */
  hopsFrom(start: PeerId): Map<PeerId, number> {
    return hopsFrom(start, (peer) => this.edgesOf(peer).map((edge) => otherEnd(edge, peer)));
  }

  /** Since when what is wrong is so. */
  get since(): PictureSince {
    const health: [PeerId, Health, Millis][] = [];
    for (const [id, { verdict, healthSince }] of this.#peers) {
      if (verdict.health !== 'healthy' && healthSince !== null) health.push([id, verdict.health, healthSince]);
    }
    return { openedAt: this.#openedAt, splitSince: this.#splitSince, health };
  }

  /**
   * Takes over what another picture of the same mesh saw change before this one began, and since when what still holds does;
   * a picture that has seen changes itself knows better.
   */
  remember(changes: ChangeLog['entries'], since?: PictureSince): void {
    const isNew = this.#changes.entries.length === 0;
    this.#changes.restore(changes);
    if (!isNew || since === undefined) return;
    this.#openedAt = Math.min(this.#openedAt, since.openedAt);
    if (this.#parts.length > 1) this.#splitSince ??= since.splitSince;
    const peers = new Map(this.#peers);
    for (const [id, health, healthSince] of since.health) {
      const view = peers.get(id);
      if (view?.verdict.health === health && view.healthSince === null) peers.set(id, { ...view, healthSince });
    }
    this.#peers = peers;
  }

  /** Replaces everything held. Peers missing from the snapshot have gone, of unknown cause (`expired`). */
  reset(at: Millis, snapshot: TopologySnapshot): void {
    const kept = new Set<PeerId>();
    for (const report of snapshot.reports) kept.add(report.peer.id);
    for (const peer of snapshot.silentPeers) kept.add(peer.id);
    const removedPeers: TopologyDelta['removedPeers'][number][] = [];
    for (const id of this.#facts.keys()) if (!kept.has(id)) removedPeers.push({ id, reason: 'expired' });
    this.apply(at, { ...snapshot, removedPeers });
  }

  /** Takes over what changed. An empty delta moves the time on, and with it what depends on age. */
  apply(at: Millis, delta: TopologyDelta): void {
    this.applyAll([{ at, delta }]);
  }

  /**
   * The same of several deltas, in their order. What follows from them (links, parts, health) is worked out once: that is nearly
   * all of the work, and the same for one report as for a thousand.
   */
  applyAll(steps: readonly PictureStep[]): void {
    const changes: Change[] = [];
    for (const { at, delta } of steps) {
      this.#now = Math.max(this.#now, at);
      for (const { id, reason } of delta.removedPeers) this.#remove(id, reason, changes);
      for (const peer of delta.silentPeers) this.#know(peer, changes);
      for (const report of delta.reports) {
        this.#know(report.peer, changes);
        this.#report(report);
      }
    }
    this.#derive(changes);
    // What the first picture shows was there before: it did not change.
    if (!this.#isEmpty) this.#changes.add(this.#now, changes);
    if (this.#isEmpty) this.#openedAt = this.#now;
    if (this.#facts.size > 0) this.#isEmpty = false;
  }

  #know(peer: PeerFacts, changes: Change[]): void {
    const held = this.#facts.get(peer.id);
    if (held === undefined) {
      changes.push({ kind: 'joined', peer: peer.id, name: peer.name });
      this.#gone = this.#gone.filter((gone) => gone.peer.id !== peer.id);
    }
    // Another server may know an older life of the peer: the higher incarnation wins.
    if (held === undefined || peer.incarnation >= held.incarnation) this.#facts.set(peer.id, peer);
  }

  #report(report: ReportFacts): void {
    const { id } = report.peer;
    const before = this.#reports.get(id);
    this.#reports.set(id, report);
    if (report.loopUtilization <= this.#config.health.loopUtilizationMax) this.#busySince.delete(id);
    else if (!this.#busySince.has(id)) this.#busySince.set(id, this.#now);
    const listed = new Set<PeerId>();
    for (const link of report.links) {
      if (link.peerId === id) continue;
      listed.add(link.peerId);
      this.#setHalf(id, link.peerId, link);
    }
    for (const link of before?.links ?? []) if (!listed.has(link.peerId)) this.#setHalf(id, link.peerId, null);
  }

  #setHalf(owner: PeerId, other: PeerId, link: LinkFacts | null): void {
    const key = edgeKey(owner, other);
    let halves = this.#halves.get(key);
    if (halves === undefined) {
      if (link === null) return;
      const [a, b] = owner < other ? [owner, other] : [other, owner];
      halves = { a, b, fromA: null, fromB: null, halfSince: null };
      this.#halves.set(key, halves);
    }
    if (halves.a === owner) halves.fromA = link;
    else halves.fromB = link;
    if (halves.fromA === null && halves.fromB === null) this.#halves.delete(key);
    else if (halves.fromA !== null && halves.fromB !== null) halves.halfSince = null;
    else halves.halfSince ??= this.#now;
  }

  #remove(id: PeerId, reason: RemovalReason, changes: Change[]): void {
    const peer = this.#facts.get(id);
    if (peer === undefined) return;
    const neighbors = this.edgesOf(id).map((edge) => otherEnd(edge, id));
    this.#gone = [{ peer, reason, at: this.#now, neighbors }, ...this.#gone];
    changes.push({ kind: 'removed', peer: id, name: peer.name, reason });
    for (const link of this.#reports.get(id)?.links ?? []) this.#setHalf(id, link.peerId, null);
    this.#facts.delete(id);
    this.#reports.delete(id);
    this.#busySince.delete(id);
  }

  #derive(changes: Change[]): void {
    const { goneMs, gonePeersMax } = this.#config;
    this.#gone = this.#gone.filter((gone) => this.#now - gone.at < goneMs).slice(0, gonePeersMax);
    this.#deriveEdges(changes);
    this.#deriveParts(changes);
    this.#derivePeers(changes);
  }

  #deriveEdges(changes: Change[]): void {
    const edges = new Map<string, Edge>();
    const edgesOf = new Map<PeerId, Edge[]>();
    let made = 0;
    for (const [key, halves] of this.#halves) {
      const [a, b] = [this.#facts.get(halves.a), this.#facts.get(halves.b)];
      if (a === undefined || b === undefined) continue;
      // A banned peer is heard no more: the links of its last report are gone where the other end has none.
      if ((a.ban !== undefined && halves.fromB === null) || (b.ban !== undefined && halves.fromA === null)) continue;
      const before = this.#edges.get(key);
      if (before === undefined) made++;
      const isSame =
        before !== undefined &&
        before.fromA === halves.fromA &&
        before.fromB === halves.fromB &&
        before.halfSince === halves.halfSince;
      const edge = isSame ? before : { key, ...halves };
      edges.set(key, edge);
      listIn(edgesOf, edge.a).push(edge);
      listIn(edgesOf, edge.b).push(edge);
    }
    const lost = this.#edges.size + made - edges.size;
    if (made > 0 || lost > 0) changes.push({ kind: 'links', made, lost });
    this.#edges = edges;
    this.#edgesOf = edgesOf;
  }

  #deriveParts(changes: Change[]): void {
    const placed = [...this.#facts]
      .filter(([id, { ban }]) => (this.#reports.has(id) && ban === undefined) || this.#edgesOf.has(id))
      .map(([id]) => id);
    const before = this.#parts.length;
    this.#parts = components(placed, this.#edges.values());
    if (this.#parts.length <= 1) this.#splitSince = null;
    else if (before <= 1 && !this.#isEmpty) this.#splitSince = this.#now;
    if (this.#parts.length > 1 && this.#parts.length !== before) {
      changes.push({ kind: 'split', parts: this.#parts.length });
    } else if (this.#parts.length === 1 && before > 1) {
      changes.push({ kind: 'merged' });
    }
  }

  #derivePeers(changes: Change[]): void {
    const largest = new Set(this.#parts[0] ?? []);
    const peers = new Map<PeerId, PeerView>();
    for (const [id, peer] of this.#facts) {
      const report = this.#reports.get(id) ?? null;
      const edges = this.edgesOf(id);
      const verdict = healthOf(
        {
          peer,
          report,
          reportAgeMs: report === null ? 0 : this.#now - report.reportTime,
          loopBusyMs: this.#now - (this.#busySince.get(id) ?? this.#now),
          degree: edges.length,
          halfLinks: edges.filter((edge) => this.isHalf(edge)).length,
          meshSize: this.#facts.size,
          isInLargestPart: largest.has(id),
        },
        this.#config.health,
      );
      const before = this.#peers.get(id);
      if (before !== undefined && before.verdict.health !== verdict.health) {
        const [reason = ''] = verdict.reasons;
        const { health: from } = before.verdict;
        changes.push({ kind: 'health', peer: id, name: peer.name, from, to: verdict.health, reason });
      }
      const hasChanged = before === undefined ? !this.#isEmpty : before.verdict.health !== verdict.health;
      const healthSince = hasChanged ? this.#now : (before?.healthSince ?? null);
      peers.set(id, { peer, report, degree: edges.length, verdict, healthSince });
    }
    this.#peers = peers;
  }

  /** Whether one end alone has reported the link for longer than the ends may differ, though the other end reports. */
  isHalf(edge: Edge): boolean {
    if (edge.halfSince === null || this.#now - edge.halfSince <= this.#config.health.halfLinkMsMax) return false;
    return this.#reports.has(edge.fromA === null ? edge.a : edge.b);
  }
}

function listIn<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
