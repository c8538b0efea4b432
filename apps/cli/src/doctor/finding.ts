/** `ok`: as it should be. `note`: worth knowing. `warn`: will be trouble. `fail`: is trouble. */
export type Level = 'ok' | 'note' | 'warn' | 'fail';

/** One plain line about the mesh, and what to do about it. */
export interface Finding {
  /** A stable word for scripts. */
  readonly check: string;
  readonly level: Level;
  readonly text: string;
  readonly advice?: string;
}

export function finding(check: string, level: Level, text: string, advice?: string): Finding {
  return { check, level, text, ...(advice !== undefined && { advice }) };
}

/** `peer-1`, `peer-1 and peer-2`, `peer-1, peer-2 and 3 more`. */
export function named(names: readonly string[]): string {
  if (names.length <= 2) return names.join(' and ');
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
