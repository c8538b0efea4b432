import type { PeerId, PeerInfo } from '@starling/kernel';

/** What became of a peer. The order is the precedence: of equal incarnations the later one wins. */
export const memberStates = ['up', 'dead', 'left'] as const;
export type MemberState = (typeof memberStates)[number];

/** Murmur3's finaliser: every input bit changes about half of the output bits. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** 32 bits of a text: FNV-1a, mixed. */
function textHash(text: string): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mixed(h);
}

/** 32 bits of an id. Its low bits choose the bucket. Against accidents only, not against an adversary. */
export function idHash(id: PeerId): number {
  return textHash(id);
}

/** 32 bits of what the mesh must agree on about a peer; buckets are their sums by exclusive or, so order does not matter. */
export function recordHash(idBits: number, incarnation: number, state: MemberState): number {
  const low = incarnation | 0;
  const high = Math.floor(incarnation / 0x1_0000_0000) | 0;
  return mixed(mixed(idBits ^ Math.imul(low, 0x9e3779b1)) ^ Math.imul(high, 0x85ebca77) ^ memberStates.indexOf(state));
}

/** `recordHash` with the version that the peer is known to run; the same bits as without when it is not known, or is gone. */
export function versionedHash(recordBits: number, version: PeerInfo['version'], state: MemberState): number {
  return version === undefined || state !== 'up' ? recordBits : mixed(recordBits ^ textHash(version));
}

/** Of two words about what one life of a peer runs: is `a` the one to keep? Any word before none, else an order that all share. */
export function isBetterVersion(a: PeerInfo['version'], b: PeerInfo['version']): boolean {
  return a !== undefined && (b === undefined || a > b);
}
