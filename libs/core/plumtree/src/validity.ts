import { type Gossip, type IHaveItem, isEphemeral, type SeqRange, type StreamDigest } from './messages.ts';
import { entryMax, treeLabelMax } from './tree-label.ts';

// What no correct peer sends. Each function returns the rule that is broken, a short constant, or null.

const streamCharsMax = 256;
const roundMax = 65_535;

/** One link further; what somebody says came from too far off stays what others believe. */
export function nextRound(round: number): number {
  return Math.min(round + 1, roundMax);
}

function isStream(stream: unknown): boolean {
  return typeof stream === 'string' && stream.length > 0 && stream.length <= streamCharsMax;
}

function isSeq(seq: number): boolean {
  return Number.isSafeInteger(seq) && seq >= 1;
}

function isUpTo(max: number, value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

export function gossipRuleBroken<B>(message: Gossip<B>): string | null {
  if (!isStream(message.stream)) return 'gossip without a stream';
  if (!isSeq(message.seq)) return 'gossip without a number';
  if (!(message.round >= 1 && message.round <= roundMax)) return 'gossip with an impossible round';
  if (!Number.isFinite(message.publishedAt)) return 'gossip without a time';
  if (!isUpTo(treeLabelMax, message.tree)) return 'gossip with an impossible tree';
  if (!isUpTo(entryMax, message.entry)) return 'gossip with an impossible entry';
  return null;
}

export function iHaveRuleBroken(items: readonly IHaveItem[], itemsMax: number, rangeMax: number): string | null {
  if (items.length > itemsMax) return 'iHave with too many items';
  for (const { stream, from, to, round, tree, entry } of items) {
    if (!isStream(stream) || !isSeq(from) || !isSeq(to) || to < from) return 'iHave with an impossible range';
    if (to - from >= rangeMax) return 'iHave with too long a range';
    if (!(round >= 1 && round <= roundMax)) return 'iHave with an impossible round';
    if (!isUpTo(treeLabelMax, tree)) return 'iHave with an impossible tree';
    if (!isUpTo(entryMax, entry)) return 'iHave with an impossible entry';
  }
  return null;
}

export function graftRuleBroken(ranges: readonly SeqRange[], rangesMax: number, tree: number): string | null {
  return isUpTo(treeLabelMax, tree) ? rangesRuleBroken(ranges, rangesMax) : 'graft of an impossible tree';
}

export function pruneRuleBroken(tree: number, yieldTo: number | null): string | null {
  if (!isUpTo(treeLabelMax, tree)) return 'prune of an impossible tree';
  return yieldTo === null || isUpTo(entryMax, yieldTo) ? null : 'prune for an impossible entry';
}

/** For graft and pull. */
export function rangesRuleBroken(ranges: readonly SeqRange[], rangesMax: number): string | null {
  if (ranges.length > rangesMax) return 'too many ranges asked for';
  for (const { stream, from, to } of ranges) {
    if (!isStream(stream) || !isSeq(from) || !isSeq(to) || to < from) return 'an impossible range asked for';
  }
  return null;
}

export function digestRuleBroken(runs: readonly StreamDigest[], runsMax: number): string | null {
  if (runs.length > runsMax) return 'digest with too many runs';
  for (const { stream, from, seen } of runs) {
    if (!isStream(stream) || isEphemeral(stream)) return 'digest of no held stream';
    if (!isSeq(from) || !Number.isSafeInteger(seen) || seen < from - 1) return 'digest with an impossible run';
  }
  return null;
}
