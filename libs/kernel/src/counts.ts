/** The most that a count says on the wire (uint32). */
export const countMax = 0xffff_ffff;

/** Whether somebody's number counts anything: whole, not below 0, and exact. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * The sum of counts of which some are others' word, stopped at what the wire takes and a receiver believes: whoever exaggerates
 * must not make those who pass it on say what nobody can.
 */
export function addCounts(a: number, b: number, max = countMax): number {
  return Math.min(a + b, max);
}
