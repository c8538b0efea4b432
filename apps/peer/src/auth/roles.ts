/**
 * What a caller may be, the least first. Each may do what those before it may. A role that is none of a line, such as one
 * for programs that answer questions, would get a case of its own in `allows`: nobody else compares roles.
 */
export const roles = ['viewer', 'client', 'operator'] as const;
export type Role = (typeof roles)[number];

export function isRole(word: string): word is Role {
  return (roles as readonly string[]).includes(word);
}

/** Whether a caller with this role may do what needs at least `least`. */
export function allows(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

/** The highest of some roles; null when there is none. */
export function highest(some: Iterable<Role>): Role | null {
  let best: Role | null = null;
  for (const role of some) if (best === null || allows(role, best)) best = role;
  return best;
}
