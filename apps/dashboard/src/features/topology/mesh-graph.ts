import {
  type CondensedPicture,
  type EdgeRole,
  edgeMessagesPerSecond,
  edgeRole,
  type Health,
  type MeshPicture,
  zoneOfKey,
} from '@starling/topology';
import Graph from 'graphology';
import type { ShapeAttributes } from './node-shape-program.ts';
import type { Palette } from './palette.ts';

interface NodeAttributes extends ShapeAttributes {
  x: number;
  y: number;
  size: number;
  color: string;
  label: string;
  health: Health;
  /** Drawn out of a closed zone because it is looked for, or in trouble. */
  isRevealed: boolean;
  zone: string;
  /** Where it moves from and to. */
  fromX: number;
  fromY: number;
  toX: number;
  toY: number;
  /** When it appeared; 0 once it has grown up. */
  bornAt: number;
  /** When it went; 0 while it is there. */
  goneAt: number;
}

interface EdgeAttributes {
  size: number;
  color: string;
  role: EdgeRole;
  goneAt: number;
}

/** What is drawn, by node; peers by their ids, zones by their keys. */
export type DrawnNode = Partial<NodeAttributes>;
/** What is drawn, by link or bundle of links. */
export type DrawnEdge = Partial<EdgeAttributes>;

const shapes: Readonly<Record<Health, number>> = { healthy: 0, warning: 1, critical: 2, unknown: 3 };
const goneShape = 4;
/** How long a peer that went is seen going, in ms. */
export const fadeMs = 6_000;

/** The drawn graph, brought in line with pictures. What went stays for a while, marked. */
export class MeshGraph {
  readonly graph: Graph<DrawnNode, DrawnEdge> = new Graph({ type: 'undirected', multi: false });
  #drawn: MeshPicture | null = null;

  /** `condensed`: null draws every peer. `scale`: 1 in a picture of a laptop's size, less in a small one. */
  sync(
    picture: MeshPicture,
    condensed: CondensedPicture | null,
    palette: Palette,
    style: { readonly now: number; readonly isStill: boolean; readonly scale: number },
  ): void {
    // The picture of another moment: nobody arrived or went to make it so.
    const isOther = this.#drawn !== picture;
    this.#drawn = picture;
    this.#syncPeers(picture, condensed, palette, { ...style, isStill: style.isStill || isOther });
    this.#syncZones(condensed, palette, style.scale);
    this.#dropNodes(picture, condensed, palette, { now: style.now, isOther });
    this.#syncEdges(picture, condensed, palette, style.now);
  }

  #syncPeers(
    picture: MeshPicture,
    condensed: CondensedPicture | null,
    palette: Palette,
    { now, isStill, scale }: { readonly now: number; readonly isStill: boolean; readonly scale: number },
  ): void {
    // A zone that is opened was there before: its peers do not arrive.
    const isFirst = isStill || condensed !== null || this.graph.order === 0;
    const size = nodeSize(picture.peers.size) * scale;
    const closed = new Set(condensed?.zones.filter(({ folded }) => folded > 0).map(({ zone }) => zone));
    for (const { peer, verdict } of picture.peers.values()) {
      if (condensed !== null && !condensed.peers.has(peer.id)) continue;
      const isRevealed = closed.has(peer.zone);
      const attributes = {
        label: peer.name || peer.id.slice(0, 8),
        health: verdict.health,
        color: palette.health[verdict.health],
        rim: palette.background,
        shape: shapes[verdict.health],
        size: isRevealed ? Math.max(size, 5 * scale) : size,
        isRevealed,
        zone: peer.zone,
        goneAt: 0,
      };
      if (this.graph.hasNode(peer.id)) this.graph.mergeNodeAttributes(peer.id, attributes);
      else this.graph.addNode(peer.id, { ...attributes, x: 0, y: 0, bornAt: isFirst ? 0 : now });
    }
  }

  #syncZones(condensed: CondensedPicture | null, palette: Palette, scale: number): void {
    if (condensed === null) return;
    const most = Math.max(1, ...condensed.zones.map(({ peers }) => peers));
    for (const { key, folded, peers } of condensed.zones) {
      if (folded === 0) continue;
      const size = (16 + 18 * Math.sqrt(peers / most)) * scale;
      const attributes = { label: '', color: palette.surface, rim: palette.border, shape: 0, size, goneAt: 0 };
      if (this.graph.hasNode(key)) this.graph.mergeNodeAttributes(key, attributes);
      else this.graph.addNode(key, { ...attributes, x: 0, y: 0, bornAt: 0 });
    }
  }

  #dropNodes(
    picture: MeshPicture,
    condensed: CondensedPicture | null,
    palette: Palette,
    { now, isOther }: { readonly now: number; readonly isOther: boolean },
  ): void {
    const closed = new Set(condensed?.zones.filter(({ folded }) => folded > 0).map(({ key }) => key));
    for (const id of this.graph.nodes()) {
      const isZone = zoneOfKey(id) !== null;
      if (isZone ? closed.has(id) : picture.peers.has(id) && condensed?.peers.has(id) !== false) continue;
      const { goneAt } = this.graph.getNodeAttributes(id);
      // Folded away, or opened: it did not die.
      if (isZone || isOther || picture.peers.has(id)) this.graph.dropNode(id);
      else if (!goneAt) this.graph.mergeNodeAttributes(id, { goneAt: now, shape: goneShape, color: palette.gone });
      else if (now - goneAt > fadeMs) this.graph.dropNode(id);
    }
  }

  #syncEdges(picture: MeshPicture, condensed: CondensedPicture | null, palette: Palette, now: number): void {
    const drawn = condensed?.bundles ?? picture.edges;
    for (const edge of drawn.values()) {
      const role = 'links' in edge ? edge.role : edgeRole(edge);
      const rate = 'links' in edge ? edge.messagesPerSecond : edgeMessagesPerSecond(edge);
      const isBundle = 'links' in edge && edge.links > 1;
      const size = isBundle ? 1.5 + Math.min(5, Math.log2(edge.links) / 2) : edgeSize(rate, role);
      const attributes = { role, size, color: palette[role], goneAt: 0 };
      if (this.graph.hasEdge(edge.key)) this.graph.mergeEdgeAttributes(edge.key, attributes);
      else this.graph.addEdgeWithKey(edge.key, edge.a, edge.b, attributes);
    }
    for (const key of this.graph.edges()) {
      if (drawn.has(key)) continue;
      const { goneAt } = this.graph.getEdgeAttributes(key);
      const isOfGonePeer = this.graph.extremities(key).some((id) => this.graph.getNodeAttribute(id, 'goneAt'));
      if (!isOfGonePeer || (goneAt && now - goneAt > fadeMs)) this.graph.dropEdge(key);
      else if (!goneAt) this.graph.mergeEdgeAttributes(key, { goneAt: now, size: 1 });
    }
  }
}

/** Radius in pixels: large enough to hit, small enough not to touch the next. */
function nodeSize(peers: number): number {
  return Math.max(peers > 3_000 ? 2.2 : 3, Math.min(12, 62 / Math.sqrt(Math.max(1, peers))));
}

/** A link's width grows with the logarithm of its rate: rates differ by factors of thousands. */
function edgeSize(rate: number, role: EdgeRole): number {
  return role === 'spare' ? 1 : 1 + Math.min(3.5, 0.75 * Math.log10(1 + rate));
}
