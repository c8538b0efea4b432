import type { PeerId } from '@starling/kernel';

/**
 * Who of its watchers is a peer's guardian: the one at the other end of its least link, by a hash that both ends of a link
 * agree on. The least link of one end is often that of the other too, so that of seven links a peer has, one and a half guard.
 */
export function guardianOf(subject: PeerId, watchers: Iterable<PeerId>): PeerId | undefined {
  let guardian: PeerId | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const watcher of watchers) {
    const hash = linkHash(subject, watcher);
    if (hash > least || (hash === least && guardian !== undefined && watcher > guardian)) continue;
    least = hash;
    guardian = watcher;
  }
  return guardian;
}

/** FNV-1a over both ids, the lower one first, and a final mix: ids that differ in their last letter differ in all bits. */
function linkHash(a: PeerId, b: PeerId): number {
  const text = a < b ? `${a} ${b}` : `${b} ${a}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
