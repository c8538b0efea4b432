import { assert, type Millis } from '@starling/kernel';

/**
 * Every bound and period of the failure detector. Spans in ms. All timeouts are multiplied by 1 + local health score.
 *
 * The defaults follow from two promises: a lost host is dead within 3.0 s (99th percentile), and nobody who stalls for less
 * than 2 s is. A host is lost up to one interval before the first ping that it misses, and is dead `deadAfterMs` after that
 * ping; so `deadAfterMs` must be just over 2 s, and `deadAfterMs` plus 99 % of an interval at most 3 s.
 */
export interface LivenessConfig {
  /** A neighbour that was silent for so long is pinged. 1 s: what the traffic budget of an idle peer allows. */
  readonly pingIntervalMs: Millis;
  /** Share by which an interval may be shorter, 0 … 1. 0.05: only shorter, for the sum above, and only a little, because the shorter one of the two ends' intervals counts. */
  readonly jitter: number;
  /** A neighbour that is heard all the time is still pinged so often, for the round trip. 10 s: `guess`. */
  readonly pingAnywayMs: Millis;
  /** A ping not answered in this time is missed. 0.5 s: memberlist's LAN probe timeout. */
  readonly ackTimeoutMs: Millis;
  /** Pings missed in a row that raise a suspicion. 2: one lost turn of the event loop is no failure. */
  readonly missesMax: number;
  /** From the first missed ping to `dead`, if nobody who was asked can reach it; the round trip comes on top. 2.015 s: the sum above. */
  readonly deadAfterMs: Millis;
  /** Neighbours asked to try a suspect. 2: `guess`; SWIM: 3 in much larger groups. */
  readonly probersCount: number;
  /** A probe made for somebody else ends after so long, dial included. 0.5 s: the answer must be back before `deadAfterMs`. */
  readonly probeTimeoutMs: Millis;
  /** Suspicions in a row that others may take back although nothing comes from the suspect itself. 2: a neighbour that only others can reach is a useless neighbour. */
  readonly vouchedMax: number;
  /** Probes made for others at the same time; further ones are answered with no. 16: `guess`. */
  readonly probesMax: number;
  /** Neighbours watched; further ones are not. 64: `guess`, eight active views. */
  readonly watchedMax: number;
  /** Highest local health score. 8: Lifeguard §IV-A. */
  readonly localHealthMax: number;
  /** A tick so late means that this peer stalled. 0.2 s: `guess`, above any ordinary turn of an event loop. */
  readonly lateMs: Millis;
  /** Weight of a new round trip in the smoothed one. 1/8: RFC 6298. */
  readonly rttWeight: number;
  /** Shortest time between two `rtt` events of one neighbour, unless it doubled or halved. 5 s: `guess`. */
  readonly rttEventIntervalMs: Millis;
}

export const defaultLivenessConfig: LivenessConfig = Object.freeze({
  pingIntervalMs: 1_000,
  jitter: 0.05,
  pingAnywayMs: 10_000,
  ackTimeoutMs: 500,
  missesMax: 2,
  deadAfterMs: 2_015,
  probersCount: 2,
  probeTimeoutMs: 500,
  vouchedMax: 2,
  probesMax: 16,
  watchedMax: 64,
  localHealthMax: 8,
  lateMs: 200,
  rttWeight: 1 / 8,
  rttEventIntervalMs: 5_000,
});

/** Throws when values contradict each other. What a person typed was refused, with a sentence, at the edge. */
export function assertLivenessConfig(config: LivenessConfig): void {
  assert(config.jitter >= 0 && config.jitter < 1, 'jitter is in [0, 1)');
  assert(config.missesMax >= 1, 'missesMax is at least 1');
  const suspectAfterMs = (config.missesMax - 1) * config.pingIntervalMs + config.ackTimeoutMs;
  assert(suspectAfterMs < config.deadAfterMs, 'a suspicion comes before deadAfterMs');
  assert(config.ackTimeoutMs <= config.pingIntervalMs * (1 - config.jitter), 'ackTimeoutMs is within an interval');
  assert(config.rttWeight > 0 && config.rttWeight <= 1, 'rttWeight is in (0, 1]');
}
