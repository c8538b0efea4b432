import type { PeerId } from '@starling/kernel';
import type { StreamId } from './messages.ts';

/**
 * Names a tree. The origin of a message chooses it and all peers follow, so that they agree without a word. The first are those that
 * all senders share where no zones are known, one after the other. Others are hashes: two names that meet in one label share a tree,
 * which costs some latency and nothing else.
 */
export type TreeLabel = number;

/** Enough that none comes back while it is remembered. One byte, or two, on the wire. */
const sharedTrees = 256;

/** Labels fit into three bytes on the wire. */
export const treeLabelMax = 2 ** 21 - 1;

/**
 * How a message came into a zone: over how many far links, and by which peer. Less is better. 0: it was published there.
 * Fits into three bytes on the wire.
 */
export type Entry = number;

const ranks = 2 ** 14;
const crossingsMax = 127;
export const entryMax: Entry = (crossingsMax + 1) * ranks - 1;

/** Far links that a message has crossed. */
export function crossingsOf(entry: Entry): number {
  return Math.floor(entry / ranks);
}

/** The entry that a peer of this rank makes when it is the first of its zone to get a message that came by `entry` to the zone before. */
export function nextEntry(entry: Entry, rank: number): Entry {
  return Math.min(crossingsMax, crossingsOf(entry) + 1) * ranks + rank;
}

/** The tree that all senders of a zone share. `season` counts replantings. */
export function zoneTree(zone: string, season: number): TreeLabel {
  return zone === '' ? ((season % sharedTrees) + sharedTrees) % sharedTrees : hashed(zone, season);
}

/** A sender's own. */
export function sourceTree(stream: StreamId, season: number): TreeLabel {
  return hashed(stream, season);
}

/** Do senders of any zone share this tree? */
export function isShared(label: TreeLabel): boolean {
  return label < sharedTrees;
}

function hashed(name: string, season: number): TreeLabel {
  return sharedTrees + (hash(name, season) % (treeLabelMax + 1 - sharedTrees));
}

/** A part of `of` that names differ by: replantings are spread over time by it. */
export function phaseOf(name: string, of: number): number {
  return hash(name, 0) % of;
}

/** Rank of a peer that messages first reached after `round` hops; equals are told apart by a hash that differs from tree to tree. */
export function entryRank(round: number, peer: PeerId, label: TreeLabel): number {
  return Math.min(63, round) * 256 + (hash(peer, label) % 256);
}

/** FNV-1a, 32 bits, with a finish that spreads the low bits. */
function hash(text: string, salt: number): number {
  let value = Math.imul(0x811c9dc5 ^ salt, 0x01000193);
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
