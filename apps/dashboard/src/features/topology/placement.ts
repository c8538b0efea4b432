import {
  DistanceLayout,
  edgeRole,
  ForceLayout,
  type Layout,
  type LayoutResult,
  type MeshPicture,
  type Point,
  RingLayout,
  ZoneLayout,
  zoneOfKey,
} from '@starling/topology';

/** The layouts that a viewer can choose from. */
export type LayoutName = 'zones' | 'force' | 'ring' | 'hops';

/** What links weigh: the tree unfolds, spare links hardly hold it together. Chosen by eye, on meshes of 8 to 1,000 peers. */
const weights = { tree: 1, half: 0.6, spare: 0.03 } as const;

/** Keeps one layout of each kind alive, so that coming back to one finds everything in its place; places only on change. */
export class Placement {
  readonly #layouts: Readonly<Record<LayoutName, Layout>> = {
    zones: new ZoneLayout(),
    force: new ForceLayout(),
    ring: new RingLayout(),
    hops: new DistanceLayout(),
  };
  #signature = '';
  #result: LayoutResult = { positions: new Map(), guides: [] };

  /** Does nothing when nothing has changed that this layout looks at. */
  place(picture: MeshPicture, name: LayoutName, focus: string): void {
    const parts: string[] = [name];
    for (const { peer } of picture.peers.values()) parts.push(peer.id, peer.zone);
    if (name === 'hops') parts.push(focus, ...picture.edges.keys());
    if (name === 'force') {
      for (const edge of picture.edges.values()) if (edgeRole(edge) === 'tree') parts.push(edge.key);
    }
    const signature = parts.join(' ');
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#result = this.#layouts[name].place({
      peers: [...picture.peers.values()].map(({ peer }) => ({ id: peer.id, zone: peer.zone })),
      edges: [...picture.edges.values()].map((edge) => ({ a: edge.a, b: edge.b, weight: weights[edgeRole(edge)] })),
      focus: focus === '' ? null : focus,
    });
  }

  /** Where a peer is, or a zone by its key: in the middle of its disc. */
  positionOf(node: string): Point | undefined {
    const zone = zoneOfKey(node);
    if (zone === null) return this.#result.positions.get(node);
    return this.#result.guides.find(({ label }) => label === zone);
  }

  get guides(): LayoutResult['guides'] {
    return this.#result.guides;
  }
}
