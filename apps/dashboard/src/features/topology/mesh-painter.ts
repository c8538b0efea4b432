import { type CondensedPicture, type MeshPicture, zoneKey, zoneOfKey } from '@starling/topology';
import Sigma from 'sigma';
import type { EdgeDisplayData, NodeDisplayData } from 'sigma/types';
import { hoverDrawer, labelDrawer } from './canvas-drawing.ts';
import { type DrawnEdge, type DrawnNode, fadeMs, MeshGraph } from './mesh-graph.ts';
import { growMs, Motion } from './motion.ts';
import { NodeShapeProgram } from './node-shape-program.ts';
import { Overlays } from './overlays.ts';
import { mix, type Palette, readPalette } from './palette.ts';
import type { LitPath } from './path-drawing.ts';
import { type LayoutName, Placement } from './placement.ts';

/** What the viewer wants to see. */
export interface PaintedView {
  readonly layout: LayoutName;
  /** `focus`: the tree, and faintly the rest; `tree`: nothing but the tree; `all`: every link alike. */
  readonly edges: 'focus' | 'tree' | 'all';
  /** Selected peer; empty for none. */
  readonly selected: string;
  /** Peers that the find expression matches; null when there is none. */
  readonly matches: ReadonlySet<string> | null;
  /** Null draws every peer; else those that it names, and the rest as zones. */
  readonly condensed: CondensedPicture | null;
  /** What a query lit; left out: none is shown. */
  readonly path?: LitPath;
}

/** What the pointer did. */
export interface PainterListener {
  /** A peer was clicked, or the ground beside them (empty). */
  onSelect(peer: string): void;
  /** A zone that stands for its peers was clicked. */
  onOpenZone(zone: string): void;
}

/** Links are a ground for the peers, and a little quieter than they are. */
const treeShare = 0.78;
/** Shorter sides of a picture for which sizes are made; in a smaller one everything shrinks, to this share at least. */
const [fullSizePx, scaleMin] = [640, 0.6];

/**
 * Draws a picture of the mesh with WebGL and keeps it up to date. Only in browsers: it must be imported when one is there.
 * Positions come from the layouts; this decides what is shown, what is faded, and how it moves.
 */
export class MeshPainter {
  readonly #mesh = new MeshGraph();
  readonly #graph = this.#mesh.graph;
  readonly #sigma: Sigma<DrawnNode, DrawnEdge>;
  readonly #placement = new Placement();
  readonly #motion = new Motion(this.#graph);
  readonly #overlays: Overlays;
  readonly #container: HTMLElement;
  readonly #isStill: boolean;
  #palette: Palette;
  #view: PaintedView = { layout: 'zones', edges: 'focus', selected: '', matches: null, condensed: null };
  #hovered = '';
  #near: ReadonlySet<string> | null = null;
  /** Peers that the find expression matches, by zone; null without one. */
  #found: ReadonlyMap<string, number> | null = null;
  #frame = 0;

  /** Throws when the browser has no WebGL. `isStill`: nothing moves or grows, things are where they are at once. */
  constructor(container: HTMLElement, isStill: boolean, listener: PainterListener) {
    this.#container = container;
    this.#isStill = isStill;
    this.#palette = readPalette(container);
    const palette = (): Palette => this.#palette;
    this.#sigma = new Sigma(this.#graph, container, {
      defaultNodeType: 'shape',
      nodeProgramClasses: { shape: NodeShapeProgram },
      defaultDrawNodeLabel: labelDrawer(palette),
      defaultDrawNodeHover: hoverDrawer(palette),
      labelSize: 12,
      labelDensity: 0.9,
      labelGridCellSize: 110,
      labelRenderedSizeThreshold: 6.5,
      minEdgeThickness: 0.6,
      stagePadding: 34,
      zIndex: true,
      minCameraRatio: 0.03,
      maxCameraRatio: 2.5,
      allowInvalidContainer: true,
      nodeReducer: (id, data) => this.#reduceNode(id, data),
      edgeReducer: (key, data) => this.#reduceEdge(key, data),
    });
    this.#drawOnlyWhenTold();
    this.#sigma.setCustomBBox({ x: [-1.02, 1.02], y: [-1.02, 1.02] });
    this.#overlays = new Overlays(this.#sigma, container, palette);
    const drawUnder = (): void => this.#overlays.drawGuides(this.#placement.guides, this.#view.layout === 'zones');
    this.#sigma.on('beforeRender', drawUnder);
    this.#sigma.on('afterRender', () => {
      const { condensed, path } = this.#view;
      this.#overlays.drawZones(condensed, this.#found, this.#near === null);
      this.#overlays.drawPath(path);
    });
    this.#sigma.on('resize', drawUnder);
    this.#sigma.on('clickNode', ({ node }) => {
      const zone = zoneOfKey(node);
      if (zone === null) listener.onSelect(node);
      else listener.onOpenZone(zone);
    });
    this.#sigma.on('clickStage', () => listener.onSelect(''));
    this.#sigma.on('enterNode', ({ node }) => this.#hover(node));
    this.#sigma.on('leaveNode', () => this.#hover(''));
  }

  /** Takes over the picture and the view. Cheap when little has changed. */
  update(picture: MeshPicture, view: PaintedView): void {
    this.#view = view;
    const now = performance.now();
    const shorter = Math.min(this.#container.clientWidth, this.#container.clientHeight);
    const scale = Math.max(scaleMin, Math.min(1, shorter / fullSizePx));
    this.#mesh.sync(picture, view.condensed, this.#palette, { now, isStill: this.#isStill, scale });
    this.#placement.place(picture, view.layout, view.selected);
    this.#motion.moveTo((id) => this.#placement.positionOf(id), now, this.#isStill);
    this.#found = view.matches === null ? null : countByZone(picture, view.matches);
    this.#focusOn();
    this.#animate();
  }

  /** Reads the colours again, after the theme changed. */
  recolor(picture: MeshPicture): void {
    this.#palette = readPalette(this.#container);
    this.update(picture, this.#view);
  }

  zoom(direction: 'in' | 'out' | 'fit'): void {
    const camera = this.#sigma.getCamera();
    const options = { duration: this.#isStill ? 0 : 250 };
    if (direction === 'in') void camera.animatedZoom(options);
    else if (direction === 'out') void camera.animatedUnzoom(options);
    else void camera.animatedReset(options);
  }

  /** The peer that is nearest to another one, within a right angle around a direction on the screen; null for none. */
  nearest(from: string, dx: number, dy: number): string | null {
    const isPeer = (id: string, { goneAt }: DrawnNode): boolean => !goneAt && zoneOfKey(id) === null;
    if (!this.#graph.hasNode(from)) return this.#graph.findNode(isPeer) ?? null;
    const start = this.#onScreen(from);
    let best: string | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    this.#graph.forEachNode((id, attributes) => {
      if (id === from || !isPeer(id, attributes)) return;
      const { x, y } = this.#onScreen(id);
      const along = (x - start.x) * dx + (y - start.y) * dy;
      const aside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
      // What lies straight ahead is nearer than what lies aside at the same distance.
      const cost = along + 2 * aside;
      if (along > 0 && aside <= along && cost < bestCost) [best, bestCost] = [id, cost];
    });
    return best;
  }

  /** What is on the screen as one picture, on the ground of the page. */
  async png(): Promise<Blob | null> {
    // WebGL forgets its buffer once the browser has shown it: draw, and copy before anything else runs.
    this.#sigma.refresh();
    const { clientWidth, clientHeight } = this.#container;
    const canvas = document.createElement('canvas');
    canvas.width = clientWidth * devicePixelRatio;
    canvas.height = clientHeight * devicePixelRatio;
    const context = canvas.getContext('2d');
    if (context === null) return null;
    context.fillStyle = this.#palette.background;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const layer of this.#container.querySelectorAll('canvas')) {
      if (layer.width > 0 && layer.height > 0) context.drawImage(layer, 0, 0, canvas.width, canvas.height);
    }
    return await new Promise((resolve) => canvas.toBlob(resolve));
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#sigma.kill();
  }

  #onScreen(id: string): { x: number; y: number } {
    const { toX = 0, toY = 0 } = this.#graph.getNodeAttributes(id);
    return this.#sigma.graphToViewport({ x: toX, y: toY });
  }

  #hover(id: string): void {
    this.#point(id);
    this.#focusOn();
    this.#sigma.refresh({ skipIndexation: true });
  }

  #point(id: string): void {
    this.#hovered = id;
    this.#container.style.cursor = id === '' ? '' : 'pointer';
  }

  /** Hover wins over selection: what is under the pointer, or else chosen, keeps its colours, with its neighbours. */
  #focusOn(): void {
    const focus = this.#hovered || this.#view.selected;
    this.#near = this.#graph.hasNode(focus) ? new Set([focus, ...this.#graph.neighbors(focus)]) : null;
  }

  #reduceNode(id: string, data: DrawnNode): Partial<NodeDisplayData> {
    const { background } = this.#palette;
    const { color = background, size = 1, bornAt = 0, goneAt = 0, label = '' } = data;
    const now = performance.now();
    if (zoneOfKey(id) !== null) return { ...data, zIndex: 0, highlighted: false };
    const isFocus = id === this.#hovered || id === this.#view.selected;
    if (goneAt > 0) {
      const left = Math.max(0, 1 - (now - goneAt) / fadeMs);
      return { ...data, color: mix(color, background, left), size: size * (0.7 + 0.3 * left), zIndex: 0 };
    }
    const grown = bornAt === 0 ? 1 : Math.min(1, (now - bornAt) / growMs);
    const isFaded =
      !isFocus &&
      ((this.#near !== null && !this.#near.has(id)) ||
        this.#view.matches?.has(id) === false ||
        this.#view.path?.peers.has(id) === false);
    return {
      ...data,
      color: isFaded ? mix(color, background, 0.22) : color,
      size: size * grown * (isFocus ? 1.25 : 1),
      label: isFaded ? '' : label,
      highlighted: isFocus,
      ...(data.isRevealed === true && { isLabelLeft: this.#isLeftOfZone(data) }),
      forceLabel:
        this.#near?.has(id) === true ||
        this.#view.matches?.has(id) === true ||
        this.#view.path?.peers.has(id) === true ||
        (data.isRevealed === true && !isFaded),
      zIndex: isFocus ? 3 : isFaded ? 1 : 2,
    };
  }

  /** Whether a peer that is drawn out of its closed zone stands left of it: its name goes there, off the zone's ring. */
  #isLeftOfZone({ toX = 0, zone = '' }: DrawnNode): boolean {
    const center = this.#placement.positionOf(zoneKey(zone));
    return center !== undefined && toX < center.x;
  }

  #reduceEdge(key: string, data: DrawnEdge): Partial<EdgeDisplayData> {
    const { background, gone } = this.#palette;
    const { role = 'spare', color = background, goneAt = 0, size = 1 } = data;
    if (goneAt > 0) {
      const left = Math.max(0, 1 - (performance.now() - goneAt) / (fadeMs / 2));
      return { ...data, color: mix(gone, background, 0.5 * left), hidden: left === 0 };
    }
    const [a, b] = this.#graph.extremities(key);
    const focus = this.#hovered || this.#view.selected;
    if (this.#near !== null && (a === focus || b === focus)) return { ...data, size: Math.max(1.6, size), zIndex: 3 };
    if (role === 'spare' && this.#view.edges === 'tree') return { ...data, hidden: true };
    const isSpare = role === 'spare' && this.#view.edges === 'focus';
    // The more links, the fainter each: what is left over must stay a hint, not become a hairball.
    const hint = Math.max(0.12, Math.min(1, 10 / Math.sqrt(this.#graph.size)));
    const { matches, path } = this.#view;
    const isOutside =
      path !== undefined ||
      (matches !== null && (a === undefined || b === undefined || !matches.has(a) || !matches.has(b)));
    const share = this.#near !== null || isOutside ? 0.12 : isSpare ? hint : this.#treeShare();
    return { ...data, color: mix(color, background, share), zIndex: isSpare ? 0 : 1 };
  }

  /** Layouts that follow the tree can show it in full; across the others a thousand links would hide the peers. */
  #treeShare(): number {
    const isAlongTree = this.#view.layout === 'force' || this.#view.layout === 'hops';
    return isAlongTree ? treeShare : Math.max(0.2, Math.min(treeShare, 11 / Math.sqrt(this.#graph.size)));
  }

  /**
   * sigma would take in the whole graph anew for each link that goes: ten seconds, where a zone of a thousand peers is
   * folded. #animate does that once for all that has changed; sigma hears only that what is under the pointer went.
   */
  #drawOnlyWhenTold(): void {
    const forget = this.#graph.listeners('nodeDropped');
    this.#graph.removeAllListeners();
    this.#graph.on('nodeDropped', (dropped) => {
      if (dropped.key !== this.#hovered) return;
      for (const listener of forget) listener(dropped);
      this.#point('');
    });
  }

  /** Draws until nothing moves, grows or fades any more; then stops, so that a quiet mesh costs nothing. */
  #animate(): void {
    cancelAnimationFrame(this.#frame);
    const step = (): void => {
      const isMoving = this.#motion.advance(performance.now());
      this.#sigma.refresh({ schedule: true });
      if (isMoving) this.#frame = requestAnimationFrame(step);
    };
    step();
  }
}

function countByZone(picture: MeshPicture, ids: ReadonlySet<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) {
    const zone = picture.peers.get(id)?.peer.zone;
    if (zone !== undefined) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}
