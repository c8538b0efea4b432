import { type Edge, edgeMessagesPerSecond, edgeRole, edgeRttMs } from './edge.ts';
import type { Health } from './health.ts';
import type { MeshPicture } from './mesh-picture.ts';
import { quantile } from './totals.ts';

/** A row, and the column of the same number. */
export interface MatrixZone {
  /** Empty for peers that name none, and for the rest. */
  readonly zone: string;
  /** Zones in it: 1, or more for the last one, which is the rest. */
  readonly zones: number;
  readonly peers: number;
  readonly health: Readonly<Record<Health, number>>;
}

/** All links between two zones, or within one. */
export interface ZonePair {
  readonly links: number;
  /** … that both ends push payloads over. */
  readonly treeLinks: number;
  /** Over the links whose round trip is measured; null when none is. */
  readonly rttP50Ms: number | null;
  readonly rttMaxMs: number | null;
  /** Both ways, all links together. */
  readonly messagesPerSecond: number;
}

/** Every zone against every zone. Each link is counted in one pair. */
export interface ZoneMatrix {
  /** By name; when there are more than `matrixZonesMax`, those with the fewest peers are one, the last. */
  readonly zones: readonly MatrixZone[];
  /** Symmetric; null: no link between them. */
  readonly pairs: readonly (readonly (ZonePair | null)[])[];
}

/** Rows at most. Guess: what a screen holds. */
export const matrixZonesMax = 20;

/** How far the zones are from each other, and how many links hold them together. */
export function zoneMatrix(picture: MeshPicture): ZoneMatrix {
  const zones = zonesOf(picture);
  const placeOf = placesOf(zones);
  const drafts = zones.map(() => zones.map(() => ({ links: 0, treeLinks: 0, rate: 0, rtts: [] as number[] })));
  for (const edge of picture.edges.values()) {
    const [one, other] = ends(picture, edge).map(placeOf).sort(ascending) as [number, number];
    const draft = drafts[one]?.[other];
    if (draft === undefined) continue;
    draft.links++;
    if (edgeRole(edge) === 'tree') draft.treeLinks++;
    draft.rate += edgeMessagesPerSecond(edge);
    const rtt = edgeRttMs(edge);
    if (rtt !== null) draft.rtts.push(rtt);
  }
  const upper = drafts.map((row) =>
    row.map(({ links, treeLinks, rate, rtts }): ZonePair | null => {
      if (links === 0) return null;
      rtts.sort(ascending);
      return {
        ...{ links, treeLinks, messagesPerSecond: rate },
        ...{ rttP50Ms: quantile(rtts, 0.5), rttMaxMs: rtts.at(-1) ?? null },
      };
    }),
  );
  const pairs = zones.map((_, i) => zones.map((__, j) => upper[Math.min(i, j)]?.[Math.max(i, j)] ?? null));
  return { zones, pairs };
}

/** The links between two rows of a matrix, or within one, the slowest first and those that are not measured last. */
export function linksBetween(picture: MeshPicture, zones: readonly MatrixZone[], one: number, other: number): Edge[] {
  const placeOf = placesOf(zones);
  const wanted = [one, other].sort(ascending).join();
  const found = [...picture.edges.values()].filter(
    (edge) => ends(picture, edge).map(placeOf).sort(ascending).join() === wanted,
  );
  return found.sort((a, b) => (edgeRttMs(b) ?? -1) - (edgeRttMs(a) ?? -1) || (a.key < b.key ? -1 : 1));
}

function zonesOf(picture: MeshPicture): MatrixZone[] {
  const all = new Map<string, { peers: number; health: Record<Health, number> }>();
  for (const { peer, verdict } of picture.peers.values()) {
    const sum = all.get(peer.zone) ?? { peers: 0, health: { healthy: 0, warning: 0, critical: 0, unknown: 0 } };
    sum.peers++;
    sum.health[verdict.health]++;
    all.set(peer.zone, sum);
  }
  const byName = [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  const shown = byName.map(([zone, sum]) => ({ zone, zones: 1, ...sum }));
  if (shown.length <= matrixZonesMax) return shown;
  const smallestLast = [...shown].sort((a, b) => b.peers - a.peers);
  const kept = new Set(smallestLast.slice(0, matrixZonesMax - 1));
  const rest = { zone: '', zones: 0, peers: 0, health: { healthy: 0, warning: 0, critical: 0, unknown: 0 } };
  for (const zone of shown) {
    if (kept.has(zone)) continue;
    rest.zones++;
    rest.peers += zone.peers;
    for (const verdict of Object.keys(zone.health) as Health[]) rest.health[verdict] += zone.health[verdict];
  }
  return [...shown.filter((zone) => kept.has(zone)), rest];
}

/** The row of each zone; the rest's for all that have none of their own. */
function placesOf(zones: readonly MatrixZone[]): (zone: string) => number {
  const places = new Map(zones.flatMap(({ zone, zones: count }, at) => (count === 1 ? [[zone, at] as const] : [])));
  return (zone) => places.get(zone) ?? zones.length - 1;
}

function ends(picture: MeshPicture, { a, b }: Edge): string[] {
  return [a, b].map((id) => picture.peers.get(id)?.peer.zone ?? '');
}

function ascending(one: number, other: number): number {
  return one - other;
}
