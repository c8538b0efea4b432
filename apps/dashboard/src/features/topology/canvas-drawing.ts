import type { Guide } from '@starling/topology';
import type { NodeHoverDrawingFunction, NodeLabelDrawingFunction } from 'sigma/rendering';
import type { Palette } from './palette.ts';

/** The font of all text in the picture. */
export const canvasFont = 'ui-sans-serif, system-ui, sans-serif';

/** A name beside its peer, with a halo of the background: legible on links too. */
export function labelDrawer(palette: () => Palette): NodeLabelDrawingFunction {
  return (context, data, settings) => {
    if (!data.label) return;
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

/** Discs of zones, or circles of distances, under the mesh, on a clear canvas. `toScreen` maps the layout's coordinates. */
export function drawGuides(
  context: CanvasRenderingContext2D,
  guides: readonly Guide[],
  isFilled: boolean,
  { faint, surface, border, background }: Palette,
  toScreen: (point: { x: number; y: number }) => { x: number; y: number },
): void {
  context.textAlign = 'center';
  for (const guide of guides) {
    const center = toScreen(guide);
    const radius = toScreen({ x: guide.x + guide.radius, y: guide.y }).x - center.x;
    if (radius <= 0) continue;
    context.beginPath();
    context.arc(center.x, center.y, radius, 0, 2 * Math.PI);
    context.fillStyle = surface;
    context.globalAlpha = 0.55;
    if (isFilled) context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.strokeStyle = border;
    context.setLineDash(isFilled ? [] : [3, 5]);
    context.stroke();
    context.setLineDash([]);
    if (guide.label === '') continue;
    context.font = `600 11px ${canvasFont}`;
    const y = center.y - radius + (isFilled ? -7 : 4);
    context.lineWidth = 5;
    context.strokeStyle = background;
    context.strokeText(guide.label, center.x, y);
    context.fillStyle = faint;
    context.fillText(guide.label, center.x, y);
  }
  context.textAlign = 'start';
}
