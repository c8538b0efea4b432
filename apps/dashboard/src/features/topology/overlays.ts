import { type CondensedPicture, type LayoutResult, zoneOfKey } from '@starling/topology';
import type Sigma from 'sigma';
import { formatMs } from '../../ui/format.ts';
import { drawBundleLabels, drawGuideLabels, drawGuides, drawZoneNode } from './canvas-drawing.ts';
import type { DrawnEdge, DrawnNode } from './mesh-graph.ts';
import type { Palette } from './palette.ts';
import { drawHits, drawPath, type LitPath } from './path-drawing.ts';

/** Labels on lines between zones; beyond, they would hide each other. By eye: all pairs of five zones. */
const bundleLabelsMax = 10;

/** What is drawn under and over the mesh by hand: guides, closed zones, the way of a query. Each on a canvas of its own. */
export class Overlays {
  readonly #sigma: Sigma<DrawnNode, DrawnEdge>;
  readonly #container: HTMLElement;
  readonly #palette: () => Palette;
  readonly #guides: CanvasRenderingContext2D | null;
  readonly #guideLabels: CanvasRenderingContext2D | null;
  readonly #zoneNodes: CanvasRenderingContext2D | null;
  readonly #pathLinks: CanvasRenderingContext2D | null;
  readonly #pathHits: CanvasRenderingContext2D | null;

  constructor(sigma: Sigma<DrawnNode, DrawnEdge>, container: HTMLElement, palette: () => Palette) {
    this.#sigma = sigma;
    this.#container = container;
    this.#palette = palette;
    this.#guides = sigma.createCanvas('guides', { beforeLayer: 'edges' }).getContext('2d');
    this.#guideLabels = sigma.createCanvas('guideLabels', { afterLayer: 'edges' }).getContext('2d');
    this.#zoneNodes = sigma.createCanvas('zoneNodes', { afterLayer: 'nodes' }).getContext('2d');
    this.#pathLinks = sigma.createCanvas('pathLinks', { beforeLayer: 'nodes' }).getContext('2d');
    this.#pathHits = sigma.createCanvas('pathHits', { afterLayer: 'labels' }).getContext('2d');
  }

  /** What lies under the mesh: discs of zones, rings. */
  drawGuides(guides: LayoutResult['guides'], isZones: boolean): void {
    const toScreen = (point: { x: number; y: number }): { x: number; y: number } => this.#sigma.graphToViewport(point);
    for (const [context, draw] of [
      [this.#guides, drawGuides],
      [this.#guideLabels, drawGuideLabels],
    ] as const) {
      if (context === null) continue;
      this.#clear(context);
      draw(context, guides, isZones, this.#palette(), toScreen);
    }
  }

  /**
   * Closed zones: a ring of their peers' health, and the figures under it. `found`: peers that match, by zone; null where nothing
   * is looked for. `isOpen`: nobody is in focus, so there is room for what the lines stand for.
   */
  drawZones(condensed: CondensedPicture | null, found: ReadonlyMap<string, number> | null, isOpen: boolean): void {
    const context = this.#zoneNodes;
    if (context === null) return;
    this.#clear(context);
    if (condensed === null) return;
    if (isOpen) this.#drawBundleLabels(context, condensed);
    for (const node of condensed.zones) {
      const data = node.folded === 0 ? undefined : this.#sigma.getNodeDisplayData(node.key);
      if (data === undefined) continue;
      const { x, y } = this.#sigma.framedGraphToViewport(data);
      const hits = found === null ? null : (found.get(node.zone) ?? 0);
      drawZoneNode(context, node, { x, y, radius: this.#sigma.scaleSize(data.size), found: hits }, this.#palette());
    }
  }

  /** What the lines between closed zones stand for. */
  #drawBundleLabels(context: CanvasRenderingContext2D, { bundles }: CondensedPicture): void {
    const between = [...bundles.values()].filter(({ a, b }) => zoneOfKey(a) !== null && zoneOfKey(b) !== null);
    if (between.length > bundleLabelsMax) return;
    const labels = between.flatMap(({ a, b, links, rttP50Ms }) => {
      const ends = [a, b].map((key) => this.#sigma.getNodeDisplayData(key));
      const [from, to] = ends.map((data) => data && this.#sigma.framedGraphToViewport(data));
      if (from === undefined || to === undefined) return [];
      const label = `${links.toLocaleString('en')} links${rttP50Ms === null ? '' : ` · ${formatMs(rttP50Ms)}`}`;
      return [{ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2, label }];
    });
    drawBundleLabels(context, labels, this.#palette());
  }

  /** What a query lit; undefined: nothing. */
  drawPath(path: LitPath | undefined): void {
    const place = (peer: string): { x: number; y: number; size: number } | undefined => {
      const data = this.#sigma.getGraph().hasNode(peer) ? this.#sigma.getNodeDisplayData(peer) : undefined;
      if (data === undefined) return undefined;
      return { ...this.#sigma.framedGraphToViewport(data), size: this.#sigma.scaleSize(data.size) };
    };
    for (const [context, draw] of [
      [this.#pathLinks, drawPath],
      [this.#pathHits, drawHits],
    ] as const) {
      if (context === null) continue;
      this.#clear(context);
      if (path !== undefined) draw(context, path, this.#palette(), place);
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
}
