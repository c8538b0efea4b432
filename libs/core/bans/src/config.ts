import { assert, type Millis } from '@starling/kernel';

/** Every default says where it comes from. */
export interface BansConfig {
  /** Records held. 512: `guess`, far above what an operator bans by hand; at 400 B each that is 200 KiB. What expires first makes room. */
  readonly recordsMax: number;
  /** Records in one message. 32: computed, about 13 KiB on the wire. */
  readonly pageRecordsMax: number;
  /** Bytes of one statement. 2,048: computed, every text at its limit. */
  readonly statementBytesMax: number;
  /** A digest to one neighbour after the other, while there is anything to compare. 30 s: `guess`, it repairs what linking did not. */
  readonly digestIntervalMs: Millis;
  /** A list of what is held is sent to one peer at most so often. 1 s: `guess`: a list is up to 32 KiB, and a digest asks for one with 5 bytes. */
  readonly listGapMs: Millis;
  /** A record that is older than the one held is held against who brings it once that one was here for so long. 10 s: `guess`, far above the time of a message under way. */
  readonly raceMs: Millis;
  /** Clocks may differ by so much before an expired record is held against who brings it. 5 min: as certificates are judged (libs/identity). */
  readonly skewMs: Millis;
}

export const defaultBansConfig: BansConfig = Object.freeze({
  recordsMax: 512,
  pageRecordsMax: 32,
  statementBytesMax: 2_048,
  digestIntervalMs: 30_000,
  listGapMs: 1_000,
  raceMs: 10_000,
  skewMs: 300_000,
});

/** Throws when values contradict each other. */
export function assertBansConfig(config: BansConfig): void {
  assert(config.recordsMax >= 1 && config.recordsMax <= listedMax, `recordsMax is from 1 to ${listedMax}`);
  assert(config.pageRecordsMax >= 1, 'pageRecordsMax is at least 1');
  assert(config.digestIntervalMs > 0 && config.listGapMs > 0, 'intervals are above 0');
}

/** No peer lists more: what every version of this protocol takes. */
export const listedMax = 4_096;
