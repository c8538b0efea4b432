import type { PeerId } from '@starling/kernel';
import { type EdgeRole, edgeKey, edgeMessagesPerSecond, edgeRole, edgeRttMs } from './edge.ts';
import type { Health } from './health.ts';
import type { MeshPicture, PeerView } from './mesh-picture.ts';
import { quantile } from './totals.ts';

/** A zone drawn as one: all of its peers but those that are drawn for themselves. */
export interface ZoneNode {
  /** As an end of a bundle; no peer has such an id. */
  readonly key: string;
  /** Empty when its peers name none. */
  readonly zone: string;
  /** Peers of the zone, drawn for themselves or not. */
  readonly peers: number;
  /** Peers that this node stands for; 0 when the whole zone is drawn peer by peer. */
  readonly folded: number;
  /** Verdicts of all peers of the zone. */
  readonly health: Readonly<Record<Health, number>>;
  /** Links between two peers that it stands for: they are not drawn. */
  readonly innerLinks: number;
}

/** All links between two nodes of a condensed picture, as one line. Ends are peer ids or keys of zone nodes. */
export interface Bundle {
  readonly key: string;
  readonly a: string;
  readonly b: string;
  readonly links: number;
  /** The strongest part that one of them has in the broadcast tree. */
  readonly role: EdgeRole;
  /** Both ways, all links together. */
  readonly messagesPerSecond: number;
  /** Median over the links; null when none is measured. */
  readonly rttP50Ms: number | null;
}

/** A picture with most peers folded into their zones. Nothing is left out: each peer and each link is counted once. */
export interface CondensedPicture {
  /** Sorted by name. */
  readonly zones: readonly ZoneNode[];
  /** Peers that are drawn for themselves. */
  readonly peers: ReadonlySet<PeerId>;
  readonly bundles: ReadonlyMap<string, Bundle>;
}

const zonePrefix = 'zone:';

/** The key of a zone's node. */
export function zoneKey(zone: string): string {
  return zonePrefix + zone;
}

/** The zone whose node has this key; null for a peer's id. */
export function zoneOfKey(key: string): string | null {
  return key.startsWith(zonePrefix) ? key.slice(zonePrefix.length) : null;
}

/** Folds the peers that need not be drawn for themselves into one node per zone, and their links into bundles. */
export function condense(picture: MeshPicture, isDrawn: (view: PeerView) => boolean): CondensedPicture {
  const zones = new Map<
    string,
    { peers: number; folded: number; health: Record<Health, number>; innerLinks: number }
  >();
  const peers = new Set<PeerId>();
  const nodeOf = new Map<PeerId, string>();
  for (const [id, view] of picture.peers) {
    const { zone } = view.peer;
    let node = zones.get(zone);
    if (node === undefined) {
      node = { peers: 0, folded: 0, health: { healthy: 0, warning: 0, critical: 0, unknown: 0 }, innerLinks: 0 };
      zones.set(zone, node);
    }
    node.peers++;
    node.health[view.verdict.health]++;
    if (isDrawn(view)) peers.add(id);
    else node.folded++;
    nodeOf.set(id, peers.has(id) ? id : zoneKey(zone));
  }
  const drafts = new Map<
    string,
    { a: string; b: string; links: number; role: EdgeRole; rate: number; rtts: number[] }
  >();
  for (const edge of picture.edges.values()) {
    const a = nodeOf.get(edge.a) as string;
    const b = nodeOf.get(edge.b) as string;
    if (a === b) {
      const inner = zones.get(zoneOfKey(a) ?? '');
      if (inner !== undefined) inner.innerLinks++;
      continue;
    }
    const key = edgeKey(a, b);
    let draft = drafts.get(key);
    if (draft === undefined) {
      const [first, second] = a < b ? [a, b] : [b, a];
      draft = { a: first, b: second, links: 0, role: 'spare', rate: 0, rtts: [] };
      drafts.set(key, draft);
    }
    draft.links++;
    draft.rate += edgeMessagesPerSecond(edge);
    draft.role = stronger(draft.role, edgeRole(edge));
    const rtt = edgeRttMs(edge);
    if (rtt !== null) draft.rtts.push(rtt);
  }
  const bundles = new Map<string, Bundle>();
  for (const [key, { a, b, links, role, rate, rtts }] of drafts) {
    rtts.sort((one, other) => one - other);
    bundles.set(key, { key, a, b, links, role, messagesPerSecond: rate, rttP50Ms: quantile(rtts, 0.5) });
  }
  const named = [...zones].map(([zone, node]) => ({ key: zoneKey(zone), zone, ...node }));
  return { zones: named.sort((one, other) => (one.zone < other.zone ? -1 : 1)), peers, bundles };
}

const roleRanks: Readonly<Record<EdgeRole, number>> = { spare: 0, half: 1, tree: 2 };

function stronger(one: EdgeRole, other: EdgeRole): EdgeRole {
  return roleRanks[one] >= roleRanks[other] ? one : other;
}
