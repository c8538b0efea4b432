import type { ZoneMatrix } from '@starling/topology';

/** The least and the greatest median round trip of a matrix; null when none is measured. */
export interface HeatScale {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Below this ratio of slowest to fastest there is nothing to tell apart. By eye. */
const ratioMin = 1.5;

export function heatScale({ pairs }: ZoneMatrix): HeatScale | null {
  const measured = pairs.flat().flatMap((pair) => pair?.rttP50Ms ?? []);
  if (measured.length === 0) return null;
  return { leastMs: Math.min(...measured), mostMs: Math.max(...measured) };
}

/** How hot a cell is, 0 to 1, by the logarithm: an ocean and a rack differ by a factor of a hundred. */
export function heatOf(rttMs: number | null, scale: HeatScale | null): number {
  if (rttMs === null || scale === null) return 0;
  const { leastMs, mostMs } = scale;
  // A round trip below what is measured is none.
  const floor = Math.max(leastMs, 0.001);
  if (mostMs < floor * ratioMin) return 0;
  return Math.min(1, Math.max(0, Math.log(Math.max(rttMs, floor) / floor) / Math.log(mostMs / floor)));
}
