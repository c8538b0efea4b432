/**
 * What a caller may be. Of viewer, client and operator each may do what those before it may. A responder, a program that
 * answers questions, is beside that line: it sees the mesh as a viewer does and answers, but neither asks nor publishes; and a
 * client may not answer, for what it made up would stand among what others find. The operator may do both.
 */
export const roles = ['viewer', 'responder', 'client', 'operator'] as const;
export type Role = (typeof roles)[number];

export function isRole(word: string): word is Role {
  return (roles as readonly string[]).includes(word);
}

/** Whether a caller with this role may do what needs at least `least`. */
export function allows(role: Role, least: Role): boolean {
  if (role === 'responder' && least === 'client') return false;
  if (role === 'client' && least === 'responder') return false;
  return roles.indexOf(role) >= roles.indexOf(least);
}

/**
 * The highest of some roles; null when there is none. A token has one role: of client and responder, which are beside each
 * other, it is a client.
 */
export function highest(some: Iterable<Role>): Role | null {
  let best: Role | null = null;
  for (const role of some) if (best === null || roles.indexOf(role) > roles.indexOf(best)) best = role;
  return best;
}
