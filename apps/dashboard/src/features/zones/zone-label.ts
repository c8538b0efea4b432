import type { MatrixZone } from '@starling/topology';

/** A row of the matrix, for people. */
export function zoneLabel({ zone, zones }: MatrixZone): string {
  return zones > 1 ? `${zones} smaller zones` : zone || 'no zone';
}
