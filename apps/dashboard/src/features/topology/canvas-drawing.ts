import type { Guide } from '@starling/topology';
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
    const [x, y] = [data.x + data.size + 5, data.y + settings.labelSize / 3];
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

type ToScreen = (point: { x: number; y: number }) => { x: number; y: number };

function onScreen(guide: Guide, toScreen: ToScreen): { x: number; y: number; radius: number } {
  const { x, y } = toScreen(guide);
  return { x, y, radius: Math.max(0, toScreen({ x: guide.x + guide.radius, y: guide.y }).x - x) };
}
