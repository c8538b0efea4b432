import type { Health } from '@starling/topology';

/** Colours of the picture, read from the page's style sheet, so that one place decides them. `#rrggbb` each. */
export interface Palette {
  readonly background: string;
  readonly surface: string;
  readonly border: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly tree: string;
  readonly half: string;
  readonly spare: string;
  readonly gone: string;
  readonly health: Readonly<Record<Health, string>>;
}

/** Reads the palette that is in force at an element. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: color('--canvas'),
    surface: color('--surface'),
    border: color('--border'),
    text: color('--text'),
    muted: color('--muted'),
    accent: color('--accent'),
    tree: color('--tree'),
    half: color('--half'),
    spare: color('--spare'),
    gone: color('--critical'),
    health: {
      healthy: color('--healthy'),
      warning: color('--warning'),
      critical: color('--critical'),
      unknown: color('--unknown'),
    },
  };
}

/** `share` of `over` on `under`, opaque: translucent lines would add up where they cross. */
export function mix(over: string, under: string, share: number): string {
  const channel = (at: number): string => {
    const top = Number.parseInt(over.slice(at, at + 2), 16);
    const bottom = Number.parseInt(under.slice(at, at + 2), 16);
    return Math.round(bottom + (top - bottom) * share)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}
