import { assert, type Millis } from '@starling/kernel';

/** Every bound and every time of the subscriptions. */
export interface PubSubConfig {
  /** Bytes, messages and time that messages stay readable. As long as the broadcast holds them (they are the same objects). 64 MiB, 250,000, 5 min: the broadcast's. */
  readonly logBytesMax: number;
  readonly logCountMax: number;
  readonly logAgeMs: Millis;
  /** Streams whose position is kept; the longest silent ones are forgotten. 16,384: as the broadcast's. */
  readonly streamsMax: number;
  /** How long a message waits for an earlier one of its origin. 2 s: guess, above both graft timers and a pull. */
  readonly holdBackMs: Millis;
  /** Messages waiting so, over all streams; at the bound the stream goes on with a gap. 8,192: guess. */
  readonly holdBackMax: number;
  /** Subscriptions open at once; at the bound `open` gives null. 4,096: guess. */
  readonly subscriptionsMax: number;
  /** Streams that a resumed subscription remembers from its cursors; others count as unlisted, which only repeats. 16,384: guess. */
  readonly listedMax: number;
  /** What one `read` looks at at most, so that a subscription which nothing matches does not block. 4,096: guess, a millisecond. */
  readonly scanMax: number;
  /** A message's cursor vouches for other streams only up to so long before it: how much later a message may come to one peer than to another. 30 s: guess, above every repair but that of a partition. */
  readonly lookbackMs: Millis;
  /** How far the clocks of two peers may differ: a new subscription's start is set back by this much for other peers. 2 s: guess. */
  readonly skewMs: Millis;
  /** Between two checkpoints, while something comes. 5 s: guess. */
  readonly checkpointMs: Millis;
}

export const defaultPubSubConfig: PubSubConfig = {
  logBytesMax: 64 * 1024 * 1024,
  logCountMax: 250_000,
  logAgeMs: 300_000,
  streamsMax: 16_384,
  holdBackMs: 2_000,
  holdBackMax: 8_192,
  subscriptionsMax: 4_096,
  listedMax: 16_384,
  scanMax: 4_096,
  lookbackMs: 30_000,
  skewMs: 2_000,
  checkpointMs: 5_000,
};

/** Checks the relations between the settings; throws on a broken one, for a configuration is our own. */
export function checkPubSubConfig(config: PubSubConfig): void {
  assert(config.holdBackMs < config.lookbackMs, 'holdBackMs < lookbackMs');
  assert(config.lookbackMs <= config.logAgeMs, 'lookbackMs <= logAgeMs');
  assert(config.scanMax >= 1 && config.subscriptionsMax >= 1, 'something can be read');
}
