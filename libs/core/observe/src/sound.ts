import { isCount } from '@starling/kernel';
import type { LinkReport, PeerReport } from './messages.ts';

/** Links that a report may tell of: 256 is four times the most that a peer may be told to keep. Bounds what the table holds. */
const linksMax = 256;
const idCharsMax = 256;
/** A round trip of a day is none. */
const rttMsMax = 86_400_000;

/** Whether a report can be true. Everybody's picture is made of reports: one that cannot be drawn must not be held by anybody. */
export function isSound(report: PeerReport): boolean {
  const { info, number, links, documents, heapBytes, passiveSize } = report;
  const { deliveredPerSecond, publishedPerSecond, droppedPerSecond, loopUtilization } = report;
  const counts = [info.incarnation, number, documents, passiveSize];
  const rates = [deliveredPerSecond, publishedPerSecond, droppedPerSecond, heapBytes, loopUtilization];
  return counts.every(isCount) && rates.every(isRate) && links.length <= linksMax && links.every(isLink);
}

function isLink({ peer, role: _, rttMs, ...rates }: LinkReport): boolean {
  return peer.length <= idCharsMax && rttMs >= -1 && rttMs <= rttMsMax && Object.values(rates).every(isRate);
}

function isRate(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}
