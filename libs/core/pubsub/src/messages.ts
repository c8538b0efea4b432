import type { Millis } from '@starling/kernel';

/** A user message as the broadcast delivered it. The log keeps the very object, so its bytes are held once. */
export interface LogMessage<B> {
  /** Its publisher's life; numbers count from 1 within it, over all topics. */
  readonly stream: string;
  readonly seq: number;
  /** Links that it crossed. */
  readonly round: number;
  /** By the origin's clock. */
  readonly publishedAt: Millis;
  readonly body: B;
}

/**
 * Why messages are missing. `evicted`: no longer held here, or from before this peer knew the stream. `lost`: no neighbour
 * gave it in time; it may still come, late. `slow`: the subscriber fell behind what is held.
 */
export type GapReason = 'evicted' | 'lost' | 'slow';

/** What a subscriber reads. Every cursor continues, at any peer, after its event. */
export type SubscriptionEvent<B> =
  | {
      readonly kind: 'message';
      readonly message: LogMessage<B>;
      readonly topic: string;
      /** It was here before the subscription began. */
      readonly replayed: boolean;
      readonly cursor: string;
    }
  /** Numbers `from` … `to` of a stream will not come, or only later than their turn; some may be of other topics. */
  | {
      readonly kind: 'gap';
      readonly stream: string;
      readonly from: number;
      readonly to: number;
      readonly reason: GapReason;
      readonly cursor: string;
    }
  /** All that this peer has is read; the cursor stands for all streams. The first one says that the replay is done. */
  | { readonly kind: 'checkpoint'; readonly cursor: string; readonly live: true };
