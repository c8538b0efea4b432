import { type Gossip, isEphemeral, type SeqRange, type StreamDigest } from './messages.ts';

// What no correct peer sends. Each function returns the rule that is broken, a short constant, or null.

const streamCharsMax = 256;
const roundMax = 65_535;

function isStream(stream: unknown): boolean {
  return typeof stream === 'string' && stream.length > 0 && stream.length <= streamCharsMax;
}

function isSeq(seq: number): boolean {
  return Number.isSafeInteger(seq) && seq >= 1;
}

export function gossipRuleBroken<B>(message: Gossip<B>): string | null {
  if (!isStream(message.stream)) return 'gossip without a stream';
  if (!isSeq(message.seq)) return 'gossip without a number';
  if (!(message.round >= 1 && message.round <= roundMax)) return 'gossip with an impossible round';
  if (!Number.isFinite(message.publishedAt)) return 'gossip without a time';
  return null;
}

export function iHaveRuleBroken(
  items: readonly (SeqRange & { readonly round: number })[],
  itemsMax: number,
  rangeMax: number,
): string | null {
  if (items.length > itemsMax) return 'iHave with too many items';
  for (const { stream, from, to, round } of items) {
    if (!isStream(stream) || !isSeq(from) || !isSeq(to) || to < from) return 'iHave with an impossible range';
    if (to - from >= rangeMax) return 'iHave with too long a range';
    if (!(round >= 1 && round <= roundMax)) return 'iHave with an impossible round';
  }
  return null;
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
