import { type Edge, edgeMessagesPerSecond, edgeRole, type Health, type MeshPicture } from '@starling/topology';
import Graph from 'graphology';
import Sigma from 'sigma';
import type { EdgeDisplayData, NodeDisplayData } from 'sigma/types';
import { drawGuideLabels, drawGuides, hoverDrawer, labelDrawer } from './canvas-drawing.ts';
import { NodeShapeProgram, type ShapeAttributes } from './node-shape-program.ts';
import { mix, type Palette, readPalette } from './palette.ts';
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
}

interface NodeAttributes extends ShapeAttributes {
  x: number;
  y: number;
  size: number;
  color: string;
  label: string;
  health: Health;
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
  role: ReturnType<typeof edgeRole>;
  goneAt: number;
}

type MeshGraph = Graph<Partial<NodeAttributes>, Partial<EdgeAttributes>>;

const shapes: Readonly<Record<Health, number>> = { healthy: 0, warning: 1, critical: 2, unknown: 3 };
const goneShape = 4;
/** Links are a ground for the peers, and a little quieter than they are. */
const treeShare = 0.78;
/** How long things move, grow and fade, in ms. A peer that went must be seen going. */
const [moveMs, growMs, fadeMs] = [500, 400, 6_000];

/**
 * Draws a picture of the mesh with WebGL and keeps it up to date. Only in browsers: it must be imported when one is there.
 * Positions come from the layouts; this decides what is shown, what is faded, and how it moves.
 */
export class MeshPainter {
  readonly #graph: MeshGraph = new Graph({ type: 'undirected', multi: false });
  readonly #sigma: Sigma<Partial<NodeAttributes>, Partial<EdgeAttributes>>;
  readonly #placement = new Placement();
  readonly #guides: CanvasRenderingContext2D | null;
  readonly #guideLabels: CanvasRenderingContext2D | null;
  readonly #container: HTMLElement;
  readonly #isStill: boolean;
  #palette: Palette;
  #view: PaintedView = { layout: 'zones', edges: 'focus', selected: '', matches: null };
  #hovered = '';
  #near: ReadonlySet<string> | null = null;
  #movingSince = 0;
  #frame = 0;

  /** Throws when the browser has no WebGL. `isStill`: nothing moves or grows, things are where they are at once. */
  constructor(container: HTMLElement, isStill: boolean, onSelect: (peer: string) => void) {
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
    this.#sigma.setCustomBBox({ x: [-1.02, 1.02], y: [-1.02, 1.02] });
    this.#guides = this.#sigma.createCanvas('guides', { beforeLayer: 'edges' }).getContext('2d');
    this.#guideLabels = this.#sigma.createCanvas('guideLabels', { afterLayer: 'edges' }).getContext('2d');
    this.#sigma.on('beforeRender', () => this.#drawGuides());
    this.#sigma.on('resize', () => this.#drawGuides());
    this.#sigma.on('clickNode', ({ node }) => onSelect(node));
    this.#sigma.on('clickStage', () => onSelect(''));
    this.#sigma.on('enterNode', ({ node }) => this.#hover(node));
    this.#sigma.on('leaveNode', () => this.#hover(''));
  }

  /** Takes over the picture and the view. Cheap when little has changed. */
  update(picture: MeshPicture, view: PaintedView): void {
    this.#view = view;
    const now = performance.now();
    this.#syncNodes(picture, now);
    this.#syncEdges(picture, now);
    const placed = this.#placement.place(picture, view.layout, view.selected);
    if (placed !== null) this.#moveTo(placed.positions, now);
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
    if (!this.#graph.hasNode(from)) return this.#graph.findNode((_, { goneAt }) => !goneAt) ?? null;
    const start = this.#onScreen(from);
    let best: string | null = null;
    let bestCost = Number.POSITIVE_INFINITY;
    this.#graph.forEachNode((id, { goneAt }) => {
      if (id === from || goneAt) return;
      const { x, y } = this.#onScreen(id);
      const along = (x - start.x) * dx + (y - start.y) * dy;
      const aside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
      // What lies straight ahead is nearer than what lies aside at the same distance.
      const cost = along + 2 * aside;
      if (along > 0 && aside <= along && cost < bestCost) [best, bestCost] = [id, cost];
    });
    return best;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#sigma.kill();
  }

  #onScreen(id: string): { x: number; y: number } {
    const { toX = 0, toY = 0 } = this.#graph.getNodeAttributes(id);
    return this.#sigma.graphToViewport({ x: toX, y: toY });
  }

  #syncNodes(picture: MeshPicture, now: number): void {
    const isFirst = this.#graph.order === 0;
    const size = nodeSize(picture.peers.size);
    for (const { peer, verdict } of picture.peers.values()) {
      const attributes = {
        label: peer.name || peer.id.slice(0, 8),
        health: verdict.health,
        color: this.#palette.health[verdict.health],
        rim: this.#palette.background,
        shape: shapes[verdict.health],
        size,
        goneAt: 0,
      };
      if (this.#graph.hasNode(peer.id)) this.#graph.mergeNodeAttributes(peer.id, attributes);
      else this.#graph.addNode(peer.id, { ...attributes, x: 0, y: 0, bornAt: isFirst || this.#isStill ? 0 : now });
    }
    for (const id of this.#graph.nodes()) {
      if (picture.peers.has(id)) continue;
      const { goneAt } = this.#graph.getNodeAttributes(id);
      if (!goneAt) this.#graph.mergeNodeAttributes(id, { goneAt: now, shape: goneShape, color: this.#palette.gone });
      else if (now - goneAt > fadeMs) this.#graph.dropNode(id);
    }
  }

  #syncEdges(picture: MeshPicture, now: number): void {
    for (const edge of picture.edges.values()) {
      const role = edgeRole(edge);
      const attributes = { role, size: edgeSize(edge, role), color: this.#palette[role], goneAt: 0 };
      if (this.#graph.hasEdge(edge.key)) this.#graph.mergeEdgeAttributes(edge.key, attributes);
      else this.#graph.addEdgeWithKey(edge.key, edge.a, edge.b, attributes);
    }
    for (const key of this.#graph.edges()) {
      if (picture.edges.has(key)) continue;
      const { goneAt } = this.#graph.getEdgeAttributes(key);
      const isOfGonePeer = this.#graph.extremities(key).some((id) => this.#graph.getNodeAttribute(id, 'goneAt'));
      if (!isOfGonePeer || (goneAt && now - goneAt > fadeMs)) this.#graph.dropEdge(key);
      else if (!goneAt) this.#graph.mergeEdgeAttributes(key, { goneAt: now, size: 1 });
    }
  }

  #moveTo(positions: ReadonlyMap<string, { x: number; y: number }>, now: number): void {
    const isFirst = this.#movingSince === 0;
    this.#graph.forEachNode((id, attributes) => {
      const to = positions.get(id);
      if (to === undefined) return;
      const isNew = attributes.toX === undefined;
      const [fromX, fromY] = isNew ? [to.x, to.y] : [attributes.x ?? to.x, attributes.y ?? to.y];
      const [x, y] = isFirst || this.#isStill ? [to.x, to.y] : [fromX, fromY];
      this.#graph.mergeNodeAttributes(id, { fromX, fromY, toX: to.x, toY: to.y, x, y });
    });
    this.#movingSince = isFirst || this.#isStill ? -1 : now;
  }

  #hover(id: string): void {
    this.#hovered = id;
    this.#container.style.cursor = id === '' ? '' : 'pointer';
    this.#focusOn();
    this.#sigma.refresh({ skipIndexation: true });
  }

  /** Hover wins over selection: what is under the pointer, or else chosen, keeps its colours, with its neighbours. */
  #focusOn(): void {
    const focus = this.#hovered || this.#view.selected;
    this.#near = this.#graph.hasNode(focus) ? new Set([focus, ...this.#graph.neighbors(focus)]) : null;
  }

  #reduceNode(id: string, data: Partial<NodeAttributes>): Partial<NodeDisplayData> {
    const { background } = this.#palette;
    const { color = background, size = 1, bornAt = 0, goneAt = 0, label = '' } = data;
    const now = performance.now();
    const isFocus = id === this.#hovered || id === this.#view.selected;
    if (goneAt > 0) {
      const left = Math.max(0, 1 - (now - goneAt) / fadeMs);
      return { ...data, color: mix(color, background, left), size: size * (0.7 + 0.3 * left), zIndex: 0 };
    }
    const grown = bornAt === 0 ? 1 : Math.min(1, (now - bornAt) / growMs);
    const isFaded =
      !isFocus &&
      ((this.#near !== null && !this.#near.has(id)) || (this.#view.matches !== null && !this.#view.matches.has(id)));
    return {
      ...data,
      color: isFaded ? mix(color, background, 0.22) : color,
      size: size * grown * (isFocus ? 1.25 : 1),
      label: isFaded ? '' : label,
      highlighted: isFocus,
      forceLabel: this.#near?.has(id) === true || this.#view.matches?.has(id) === true,
      zIndex: isFocus ? 3 : isFaded ? 1 : 2,
    };
  }

  #reduceEdge(key: string, data: Partial<EdgeAttributes>): Partial<EdgeDisplayData> {
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
    const { matches } = this.#view;
    const isOutside = matches !== null && (a === undefined || b === undefined || !matches.has(a) || !matches.has(b));
    const share = this.#near !== null || isOutside ? 0.12 : isSpare ? hint : this.#treeShare();
    return { ...data, color: mix(color, background, share), zIndex: isSpare ? 0 : 1 };
  }

  /** Layouts that follow the tree can show it in full; across the others a thousand links would hide the peers. */
  #treeShare(): number {
    const isAlongTree = this.#view.layout === 'force' || this.#view.layout === 'hops';
    return isAlongTree ? treeShare : Math.max(0.2, Math.min(treeShare, 11 / Math.sqrt(this.#graph.size)));
  }

  #drawGuides(): void {
    const toScreen = (point: { x: number; y: number }): { x: number; y: number } => this.#sigma.graphToViewport(point);
    const isZones = this.#view.layout === 'zones';
    for (const [context, draw] of [
      [this.#guides, drawGuides],
      [this.#guideLabels, drawGuideLabels],
    ] as const) {
      if (context === null) continue;
      this.#clear(context);
      draw(context, this.#placement.guides, isZones, this.#palette, toScreen);
    }
  }

  /** Sigma sizes only the layers that it draws itself. Setting a width also clears the canvas. */
  #clear(context: CanvasRenderingContext2D): void {
    const { clientWidth, clientHeight } = this.#container;
    const { canvas } = context;
    canvas.width = clientWidth * devicePixelRatio;
    canvas.height = clientHeight * devicePixelRatio;
    canvas.style.width = `${clientWidth}px`;
    canvas.style.height = `${clientHeight}px`;
    context.scale(devicePixelRatio, devicePixelRatio);
  }

  /** Draws until nothing moves, grows or fades any more; then stops, so that a quiet mesh costs nothing. */
  #animate(): void {
    cancelAnimationFrame(this.#frame);
    const step = (): void => {
      const now = performance.now();
      const isMoving = this.#advance(now);
      this.#sigma.refresh();
      if (isMoving) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #advance(now: number): boolean {
    const share = Math.min(1, (now - this.#movingSince) / moveMs);
    const isMoving = this.#movingSince > 0;
    const eased = 1 - (1 - share) ** 3;
    let isBusy = isMoving && share < 1;
    for (const id of this.#graph.nodes()) {
      const { fromX = 0, fromY = 0, toX = 0, toY = 0, bornAt = 0, goneAt = 0 } = this.#graph.getNodeAttributes(id);
      if (goneAt > 0 && now - goneAt > fadeMs) this.#graph.dropNode(id);
      else if (goneAt > 0 || (bornAt > 0 && now - bornAt < growMs)) isBusy = true;
      else if (isMoving && (fromX !== toX || fromY !== toY)) {
        const position = { x: fromX + (toX - fromX) * eased, y: fromY + (toY - fromY) * eased };
        this.#graph.mergeNodeAttributes(id, position);
      }
    }
    if (isMoving && share === 1) this.#movingSince = -1;
    return isBusy;
  }
}

/** Radius in pixels: large enough to hit, small enough not to touch the next. */
function nodeSize(peers: number): number {
  return Math.max(3, Math.min(12, 62 / Math.sqrt(Math.max(1, peers))));
}

/** A link's width grows with the logarithm of its rate: rates differ by factors of thousands. */
function edgeSize(edge: Edge, role: ReturnType<typeof edgeRole>): number {
  const rate = edgeMessagesPerSecond(edge);
  return role === 'spare' ? 1 : 1 + Math.min(3.5, 0.75 * Math.log10(1 + rate));
}
