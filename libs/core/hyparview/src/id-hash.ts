import type { PeerId } from '@starling/kernel';

/** Murmur3's finaliser: every input bit changes about half of the output bits. */
export function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** 32 bits of an id: FNV-1a, mixed. Ids are hashes of keys already; this only spreads them. */
export function idHash(id: PeerId): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  return mixed(h);
}
