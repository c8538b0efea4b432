import { formatAge } from '../../ui/format.ts';

/** What a peer says of itself when it is asked alone. Times in ms since 1970. */
export interface PeerSelf {
  /** Peers that it believes the mesh to have. */
  readonly meshSize: number;
  /** Share of the other peers' canaries that arrived there lately; null: an older version. */
  readonly deliveryRatio: number | null;
  /** Null: it does not encrypt. */
  readonly certificate: { readonly from: number; readonly until: number } | null;
  readonly authorityUntil: number | null;
  /** How far its clock is ahead of that of the dashboard's server, and how long it took to answer. */
  readonly aheadMs: number;
  readonly tookMs: number;
  /** Where it was asked for, too: what it is there for. Null: it was not. */
  readonly serves: PeerServes | null;
}

/** What a peer does for others. Null: it did not say. */
export interface PeerServes {
  /** Search engines that are attached to it. */
  readonly responders: number | null;
  /** Open subscriptions of its clients. */
  readonly subscribers: number | null;
  /** Records that it holds for lookups. */
  readonly records: number | null;
  /** Searches that it works on. */
  readonly queries: number | null;
}

/** Words for a figure, and whether somebody should do something. */
export interface Judged {
  readonly text: string;
  readonly tone: '' | 'warning' | 'critical';
}

/** A certificate is renewed at two thirds of its time; with less than this left it is late. As `starling doctor` has it. */
const certificateShare = 1 / 6;
/** An authority is replaced by people, over weeks. As `starling doctor` has it. */
const authorityMs = 30 * 86_400_000;

/** How long its certificate is good, and whether it should have been renewed by now. */
export function judgeCertificate(
  { from, until }: { readonly from: number; readonly until: number },
  now: number,
): Judged {
  const left = until - now;
  if (left <= 0) return { text: `expired ${formatAge(-left)} ago: it can make no new link`, tone: 'critical' };
  const isLate = left < (until - from) * certificateShare;
  return isLate
    ? { text: `expires in ${formatAge(left)}: it should have been renewed`, tone: 'warning' }
    : { text: `good for ${formatAge(left)}`, tone: '' };
}

/** The same of the first authority to expire. */
export function judgeAuthority(until: number, now: number): Judged {
  const left = until - now;
  if (left <= 0) return { text: `expired ${formatAge(-left)} ago`, tone: 'critical' };
  if (left < authorityMs) return { text: `expires in ${formatAge(left)}: replace it`, tone: 'warning' };
  return { text: `good for ${formatAge(left)}`, tone: '' };
}

/** A clock that is off this far makes certificates and expiries doubtful. Guess: NTP holds milliseconds. */
const clockMsMax = 5_000;

/** How its clock goes; null: as it should, in so far as the time that the answer took lets one say. */
export function judgeClock({ aheadMs, tookMs }: Pick<PeerSelf, 'aheadMs' | 'tookMs'>): Judged | null {
  if (Math.abs(aheadMs) - tookMs / 2 < clockMsMax) return null;
  return { text: `${formatAge(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`, tone: 'warning' };
}
