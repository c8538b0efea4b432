import type { Millis } from '@starling/kernel';
import { edgeRole, edgeRttMs, flowFrom } from './edge.ts';
import type { Health } from './health.ts';
import type { MeshPicture } from './mesh-picture.ts';

/** The whole mesh in numbers at one moment. Rates are per second, over the peers' last reports. */
export interface Totals {
  readonly at: Millis;
  readonly peers: number;
  /** Peers whose report is held. */
  readonly heard: number;
  readonly parts: number;
  readonly links: number;
  readonly treeLinks: number;
  /** Links that one end alone counts to the tree: on their way in or out of it. */
  readonly halfLinks: number;
  readonly published: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly duplicates: number;
  readonly messages: number;
  readonly bytes: number;
  /** Median and 99th percentile of the links' round trips; null when none is measured. */
  readonly rttP50Ms: number | null;
  readonly rttP99Ms: number | null;
  readonly health: Readonly<Record<Health, number>>;
}

/** Each update makes a new map of peers: what was added up of it holds as long as it does. */
const added = new WeakMap<MeshPicture['peers'], Totals>();

/** Adds up a picture; once for each update of it, however many ask. */
export function totalsOf(picture: MeshPicture): Totals {
  const held = added.get(picture.peers);
  if (held !== undefined) return held;
  const totals = addedUp(picture);
  added.set(picture.peers, totals);
  return totals;
}

function addedUp(picture: MeshPicture): Totals {
  const health: Record<Health, number> = { healthy: 0, warning: 0, critical: 0, unknown: 0 };
  let [heard, published, delivered, dropped] = [0, 0, 0, 0];
  for (const { report, verdict } of picture.peers.values()) {
    health[verdict.health]++;
    if (report === null) continue;
    heard++;
    published += report.publishedPerSecond;
    delivered += report.deliveredPerSecond;
    dropped += report.droppedPerSecond;
  }
  let [treeLinks, halfLinks, duplicates, messages, bytes] = [0, 0, 0, 0, 0];
  const roundTrips: number[] = [];
  for (const edge of picture.edges.values()) {
    const role = edgeRole(edge);
    if (role === 'tree') treeLinks++;
    if (role === 'half') halfLinks++;
    for (const end of [edge.a, edge.b]) {
      const flow = flowFrom(edge, end);
      duplicates += flow.duplicatesPerSecond;
      messages += flow.messagesPerSecond;
      bytes += flow.bytesPerSecond;
    }
    const rtt = edgeRttMs(edge);
    if (rtt !== null) roundTrips.push(rtt);
  }
  roundTrips.sort((one, other) => one - other);
  return {
    at: picture.now,
    peers: picture.peers.size,
    heard,
    parts: picture.parts.length,
    links: picture.edges.size,
    treeLinks,
    halfLinks,
    published,
    delivered,
    dropped,
    duplicates,
    messages,
    bytes,
    rttP50Ms: quantile(roundTrips, 0.5),
    rttP99Ms: quantile(roundTrips, 0.99),
    health,
  };
}

/** The value at or above a share `q` of sorted values (nearest rank); null when there is none. */
export function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? null;
}
