import { isCount } from '@starling/kernel';
import { type AttributeName, attributeOf, isAmount, isText, rowLimits } from '@starling/query';
import type { CellData } from './cell.ts';
import type { AggregateConfig } from './config.ts';
import type { AggregateTally } from './messages.ts';
import { compareKeys, type GroupData, type GroupKey, type PartialData } from './partial.ts';
import type { Measure, Plan } from './plan.ts';
import { binLimits, type SketchData } from './sketch.ts';

const idCharsMax = 256;
/** Floating-point sums differ by the order of their terms. */
const sumTolerance = 1e-6;

/** Why a tally cannot be; null: it can. `peersMax`: more than so many peers nobody can speak for. */
export function tallyFault(tally: AggregateTally, peersMax: number, { lostMax }: AggregateConfig): string | null {
  const { answered, missing, messages, bytes, lost } = tally;
  if (![answered, missing, messages, bytes].every(isCount)) return 'aggregate tally';
  if (answered + missing < 1 || answered + missing > peersMax) return 'aggregate of more peers than there are';
  if (lost.length > Math.min(lostMax, missing)) return 'aggregate losses';
  return lost.every(({ peer }) => peer.length <= idCharsMax) ? null : 'aggregate losses';
}

/**
 * Why a partial cannot be what `answered` peers with sound rows make together; null: it can. What it cannot tell is whether they
 * said the truth.
 */
export function partialFault(plan: Plan, data: PartialData, answered: number, config: AggregateConfig): string | null {
  const { groups, cut, other } = data;
  const { groupBy } = plan.query;
  if ((cut === null) !== (other === null)) return 'aggregate cut';
  if (cut !== null && !isKey(groupBy, cut)) return 'aggregate key';
  if (groups.length > config.groupsMax) return 'aggregate groups';
  let peers = other?.peers ?? 0;
  for (const [at, group] of groups.entries()) {
    const before = groups[at - 1];
    if (!isKey(groupBy, group.key)) return 'aggregate key';
    if (before !== undefined && compareKeys(before.key, group.key) >= 0) return 'aggregate order';
    if (cut !== null && compareKeys(group.key, cut) >= 0) return 'aggregate cut';
    peers += group.peers;
  }
  if (peers > answered) return 'aggregate of more peers than answered';
  for (const group of other === null ? groups : [...groups, other]) {
    if (!isGroup(plan, group, config.binsMax)) return 'aggregate cells';
  }
  return null;
}

function isGroup({ measures }: Plan, { peers, cells }: GroupData, binsMax: number): boolean {
  if (!isCount(peers) || peers < 1 || cells.length !== measures.length) return false;
  return measures.every((measure, at) => isCell(measure, cells[at] as CellData, peers, binsMax));
}

function isCell(measure: Measure, cell: CellData, peers: number, binsMax: number): boolean {
  const { count, sum, min, max, least, most, sketch } = cell;
  if (!isCount(count) || count > peers * (measure.isPerLink ? rowLimits.perLinkMax : 1)) return false;
  if ((sketch === null) === measure.hasSketch) return false;
  if (sketch !== null && !isSketch(sketch, count, binsMax)) return false;
  if (measure.isText) {
    return least.length <= rowLimits.textCharsMax && most.length <= rowLimits.textCharsMax && sum === 0;
  }
  if (![sum, min, max].every(isAmount) || min > max) return false;
  const room = sumTolerance * Math.max(1, sum);
  return sum >= min * count - room && sum <= max * count + room;
}

function isSketch({ zeros, indexes, counts }: SketchData, count: number, binsMax: number): boolean {
  if (!isCount(zeros) || indexes.length > binsMax || indexes.length !== counts.length) return false;
  let total = zeros;
  for (const [at, index] of indexes.entries()) {
    const own = counts[at] as number;
    if (!Number.isSafeInteger(index) || index < binLimits.indexMin || index > binLimits.indexMax) return false;
    if (at > 0 && index <= (indexes[at - 1] as number)) return false;
    if (!isCount(own) || own < 1) return false;
    total += own;
  }
  return total === count;
}

function isKey(groupBy: readonly AttributeName[], key: GroupKey): boolean {
  if (key.length !== groupBy.length) return false;
  return groupBy.every((field, at) => {
    const value = key[at] ?? null;
    if (value === null) return true;
    return isText(attributeOf(field))
      ? typeof value === 'string' && value.length <= rowLimits.textCharsMax
      : isAmount(value);
  });
}
