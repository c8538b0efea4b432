import type { Millis, PeerId } from '@starling/kernel';
import type { IHaveItem, SeqRange, StreamId } from './messages.ts';

const never = Number.POSITIVE_INFINITY;

/** One neighbour, as the broadcast sees it, and how far the exchange of digests has come. Its places in the trees: `Tree`. */
export class Neighbor {
  readonly id: PeerId;
  /** In another zone: what crosses this link is dear. */
  readonly isFar: boolean;
  /** Its place in the columns of each tree, its own while it is a neighbour. */
  readonly slot: number;
  /** Payloads that it pushed and that were known, since the link came up. */
  duplicates = 0;
  /** Messages that it left out as a tree parent, of late, and when the last one was. */
  omissions = 0;
  omittedAt: Millis = Number.NEGATIVE_INFINITY;
  /** Until then it is kept for what is under way, and for the trees to find another way; never while it has its place. */
  retiresAt: Millis = never;

  /** Patient announcements that wait for something else to be sent to it; null when none does. */
  owed: IHaveItem[] | null = null;
  /** When they are sent by themselves. */
  owedBy: Millis = never;

  /** Streams that our first digest has yet to name; null when it is told. */
  toTell: readonly StreamId[] | null = null;
  told = 0;
  tellAt: Millis = never;

  /** The last page of its first digest came. */
  hasTold = false;
  isCaughtUp = false;
  /** It said to hold these, and they are not here. */
  wants: SeqRange[] = [];
  /** When they may be asked for. */
  pullAt: Millis = never;
  /** All of it is being pulled from other neighbours. */
  isWaiting = false;
  /** Asked for and not yet answered to the end; null when nothing is. */
  asked: readonly SeqRange[] | null = null;
  answerBy: Millis = never;
  hasAnswered = false;
  /** Pulls in a row that brought nothing. */
  strikes = 0;

  constructor(id: PeerId, isFar: boolean, slot: number) {
    this.id = id;
    this.isFar = isFar;
    this.slot = slot;
  }

  get isRetiring(): boolean {
    return this.retiresAt !== never;
  }

  /** When something is to be done about it. */
  nextDeadline(): Millis {
    return Math.min(this.tellAt, this.asked === null ? this.pullAt : this.answerBy);
  }
}
