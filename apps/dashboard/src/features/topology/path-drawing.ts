import { canvasFont } from './canvas-drawing.ts';
import type { Palette } from './palette.ts';

/** A link that a query went over, to be lit. */
export interface LitLink {
  readonly from: string;
  readonly to: string;
  /** It led to an answer; else it is drawn broken. */
  readonly isAnswered: boolean;
}

/** What a query lit so far: links in the order of asking, and how many hits each peer gave. */
export interface LitPath {
  readonly links: readonly LitLink[];
  readonly peers: ReadonlySet<string>;
  readonly hits: ReadonlyMap<string, number>;
}

/** Where a peer is on the screen, and how large; undefined: it is not drawn. */
type Place = (peer: string) => { readonly x: number; readonly y: number; readonly size: number } | undefined;

/** Lit links with an arrow each, the last one the brightest, under the peers. Whether they are links of the mesh does not matter. */
export function drawPath(context: CanvasRenderingContext2D, path: LitPath, palette: Palette, place: Place): void {
  context.lineCap = 'round';
  const drawn = new Set<string>();
  for (const [index, link] of path.links.entries()) {
    const isLast = index === path.links.length - 1;
    const key = `${link.from} ${link.to}`;
    // A later round goes over the links of those before it.
    if (drawn.has(key) && !isLast) continue;
    drawn.add(key);
    const [from, to] = [place(link.from), place(link.to)];
    if (from !== undefined && to !== undefined) drawArrow(context, from, to, link, isLast, palette);
  }
}

function drawArrow(
  context: CanvasRenderingContext2D,
  from: { readonly x: number; readonly y: number; readonly size: number },
  to: { readonly x: number; readonly y: number; readonly size: number },
  { isAnswered }: LitLink,
  isLast: boolean,
  { accent, health, background }: Palette,
): void {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const [start, end] = [from.size + 2, length - to.size - 3];
  if (end - start < 4) return;
  const along = (distance: number, aside = 0): [number, number] => [
    from.x + ((to.x - from.x) * distance - (to.y - from.y) * aside) / length,
    from.y + ((to.y - from.y) * distance + (to.x - from.x) * aside) / length,
  ];
  const head = isLast ? 9 : 7;
  for (const [color, more] of [
    [background, 3],
    [isAnswered ? accent : health.warning, 0],
  ] as const) {
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = (isLast ? 3.5 : 2) + more;
    context.setLineDash(isAnswered ? [] : [5, 6]);
    context.beginPath();
    context.moveTo(...along(start));
    context.lineTo(...along(end - head));
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(...along(end + more / 2));
    context.lineTo(...along(end - head - more / 2, head / 2 + more / 2));
    context.lineTo(...along(end - head - more / 2, -head / 2 - more / 2));
    context.fill();
  }
}

/** Over the peers: how many hits each gave, so far as it is lit. */
export function drawHits(context: CanvasRenderingContext2D, { hits }: LitPath, palette: Palette, place: Place): void {
  context.textAlign = 'center';
  context.font = `700 11px ${canvasFont}`;
  for (const [peer, count] of hits) {
    const at = count === 0 ? undefined : place(peer);
    if (at === undefined) continue;
    const text = String(count);
    const width = Math.max(16, context.measureText(text).width + 10);
    const [x, y] = [at.x - at.size * 0.8, at.y - at.size - 5];
    context.beginPath();
    context.roundRect(x - width / 2, y - 8, width, 16, 8);
    context.fillStyle = palette.accent;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = palette.background;
    context.stroke();
    context.fillStyle = palette.background;
    context.fillText(text, x, y + 4);
  }
}
