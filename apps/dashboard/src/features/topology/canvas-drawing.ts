import type { Guide, Health, ZoneNode } from '@starling/topology';
import type { NodeHoverDrawingFunction, NodeLabelDrawingFunction } from 'sigma/rendering';
import type { Palette } from './palette.ts';

/** The font of all text in the picture. */
export const canvasFont = 'ui-sans-serif, system-ui, sans-serif';

/** A name beside its peer, with a halo of the background: legible on links too. */
export function labelDrawer(palette: () => Palette): NodeLabelDrawingFunction {
  return (context, data, settings) => {
    // The chosen peer's name is on its plate.
    if (!data.label || data.highlighted === true) return;
    const { text, background } = palette();
    context.font = `500 ${settings.labelSize}px ${canvasFont}`;
    context.lineJoin = 'round';
    context.lineWidth = 3;
    context.strokeStyle = background;
    context.fillStyle = text;
    const isLeft = 'isLabelLeft' in data && data.isLabelLeft === true;
    context.textAlign = isLeft ? 'right' : 'left';
    const [x, y] = [data.x + (isLeft ? -1 : 1) * (data.size + 5), data.y + settings.labelSize / 3];
    context.strokeText(data.label, x, y);
    context.fillText(data.label, x, y);
  };
}

/** A ring around the chosen peer, and its name on a plate. */
export function hoverDrawer(palette: () => Palette): NodeHoverDrawingFunction {
  return (context, data, settings) => {
    const { text, surface, border, accent } = palette();
    context.beginPath();
    context.arc(data.x, data.y, data.size * 1.1 + 4, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = accent;
    context.stroke();
    if (!data.label) return;
    context.font = `600 ${settings.labelSize}px ${canvasFont}`;
    const width = context.measureText(data.label).width + 14;
    const height = settings.labelSize + 10;
    const [x, y] = [data.x + data.size * 1.1 + 9, data.y - height / 2];
    context.beginPath();
    context.roundRect(x, y, width, height, 5);
    context.fillStyle = surface;
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = border;
    context.stroke();
    context.fillStyle = text;
    context.fillText(data.label, x + 7, data.y + settings.labelSize / 3);
  };
}

/** Discs of zones, or circles of distances, on a clear canvas under the mesh. `toScreen` maps the layout's coordinates. */
export function drawGuides(
  context: CanvasRenderingContext2D,
  guides: readonly Guide[],
  isFilled: boolean,
  { surface, border }: Palette,
  toScreen: ToScreen,
): void {
  for (const guide of guides) {
    const { x, y, radius } = onScreen(guide, toScreen);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = surface;
    context.globalAlpha = 0.55;
    if (isFilled) context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.strokeStyle = border;
    context.setLineDash(isFilled ? [] : [3, 5]);
    context.stroke();
  }
}

/** The guides' names, on a clear canvas over the links. */
export function drawGuideLabels(
  context: CanvasRenderingContext2D,
  guides: readonly Guide[],
  isOutside: boolean,
  { muted, background }: Palette,
  toScreen: ToScreen,
): void {
  context.textAlign = 'center';
  context.lineJoin = 'round';
  context.font = `600 11.5px ${canvasFont}`;
  context.lineWidth = 5;
  context.strokeStyle = background;
  context.fillStyle = muted;
  for (const guide of guides) {
    const { x, y, radius } = onScreen(guide, toScreen);
    const baseline = y - radius + (isOutside ? -7 : 4);
    context.strokeText(guide.label, x, baseline);
    context.fillText(guide.label, x, baseline);
  }
}

const healthOrder: readonly Health[] = ['critical', 'warning', 'unknown', 'healthy'];
const healthWords: Readonly<Record<Health, string>> = {
  critical: 'critical',
  warning: 'warning',
  unknown: 'not heard',
  healthy: 'healthy',
};

/** A closed zone: a ring of its peers' health, the gravest from the top, and under it in words what is not well. */
export function drawZoneNode(
  context: CanvasRenderingContext2D,
  { peers, health }: ZoneNode,
  at: { readonly x: number; readonly y: number; readonly radius: number; readonly found: number | null },
  { text, muted, background, health: colors }: Palette,
): void {
  const width = Math.max(4, at.radius * 0.22);
  let angle = -Math.PI / 2;
  context.lineWidth = width;
  for (const verdict of healthOrder) {
    if (health[verdict] === 0) continue;
    // One peer of thousands must be seen too.
    const share = Math.max(0.02, health[verdict] / peers);
    const end = Math.min(angle + share * 2 * Math.PI, 1.5 * Math.PI);
    context.beginPath();
    context.arc(at.x, at.y, at.radius - width / 2, angle, verdict === 'healthy' ? 1.5 * Math.PI : end);
    context.strokeStyle = colors[verdict];
    context.stroke();
    angle = end;
  }
  context.textAlign = 'center';
  context.lineJoin = 'round';
  context.strokeStyle = background;
  context.lineWidth = 4;
  const wrong = healthOrder.filter((verdict) => verdict !== 'healthy' && health[verdict] > 0);
  const lines = [
    ...wrong.map((verdict) => `${health[verdict].toLocaleString('en')} ${healthWords[verdict]}`),
    ...(at.found === null ? [] : [`${at.found.toLocaleString('en')} found`]),
  ];
  context.font = `600 13px ${canvasFont}`;
  context.fillStyle = text;
  const count = peers.toLocaleString('en');
  // A small ring has no room inside.
  const isInside = context.measureText(count).width < 2 * (at.radius - width - 2);
  if (isInside) context.fillText(count, at.x, at.y + 4.5);
  else lines.unshift(`${count} peers`);
  context.font = `500 12px ${canvasFont}`;
  context.fillStyle = muted;
  lines.forEach((line, i) => {
    const baseline = at.y + at.radius + 16 + 15 * i;
    context.strokeText(line, at.x, baseline);
    context.fillText(line, at.x, baseline);
  });
}

/** Over the middle of a line between two zones, while there are few: how many links it stands for. */
export function drawBundleLabels(
  context: CanvasRenderingContext2D,
  bundles: readonly { readonly x: number; readonly y: number; readonly label: string }[],
  { muted, background }: Palette,
): void {
  context.textAlign = 'center';
  context.lineJoin = 'round';
  context.font = `500 11.5px ${canvasFont}`;
  context.lineWidth = 5;
  context.strokeStyle = background;
  context.fillStyle = muted;
  for (const { x, y, label } of bundles) {
    context.strokeText(label, x, y + 4);
    context.fillText(label, x, y + 4);
  }
}

type ToScreen = (point: { x: number; y: number }) => { x: number; y: number };

function onScreen(guide: Guide, toScreen: ToScreen): { x: number; y: number; radius: number } {
  const { x, y } = toScreen(guide);
  return { x, y, radius: Math.max(0, toScreen({ x: guide.x + guide.radius, y: guide.y }).x - x) };
}
