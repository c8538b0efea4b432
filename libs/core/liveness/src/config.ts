import { assert, type Millis } from '@starling/kernel';

/**
 * Every bound and period of the failure detector. Spans in ms. All timeouts are multiplied by 1 + local health score.
 *
 * The defaults follow from two promises: a lost host is dead within 3.0 s, and nobody who stalls for less than 2 s is. The
 * second makes a verdict wait `deadAfterMs`, just over 2 s, from the first ping that was missed: a stall may have begun when
 * that ping arrived. The first leaves 0.95 s for that ping, `guardIntervalMs`. But it need not be everybody's own: one
 * neighbour of each peer, its guardian, looks so often, and tells the others when it misses an answer.
 */
export interface LivenessConfig {
  /** A guardian pings the peer that it guards when it was silent for so long. 0.95 s: the sum above. */
  readonly guardIntervalMs: Millis;
  /** Any other link is pinged after so much silence. 3.5 s: `measured` (idle-cost, 2026-11-25), what the traffic budget of an idle peer allows; a link that breaks alone is dead within 5.6 s. */
  readonly pingIntervalMs: Millis;
  /** Silence between two pings of a neighbour that missed one. 1 s: memberlist's probe interval. */
  readonly retryIntervalMs: Millis;
  /** Share by which the intervals of the end that pings are shorter, 0 … 1. 0.05: enough to come before the other end. */
  readonly jitter: number;
  /** The end that only answers takes a turn so often, for the round trip, and so does a neighbour that is heard all the time. 10 s: `guess`. */
  readonly pingAnywayMs: Millis;
  /** A ping not answered in this time is missed. 0.5 s: memberlist's LAN probe timeout. */
  readonly ackTimeoutMs: Millis;
  /** Pings missed in a row that raise a suspicion. 2: one lost turn of the event loop is no failure. */
  readonly missesMax: number;
  /** From the first missed ping to `dead`, if nobody who was asked can reach it; the round trip comes on top. 2.015 s: the sum above. */
  readonly deadAfterMs: Millis;
  /** Most silence before its own ping that is believed of another watcher. 1 s: `ackTimeoutMs` and a dial. */
  readonly hintMaxMs: Millis;
  /** The other watchers are told of a silence only while no more neighbours than this are silent. 2: one host; of the loss of half a mesh nobody need be told. `guess`. */
  readonly silentMaxToTell: number;
  /** Other watchers told of one silence. 8: `guess`, an active view. */
  readonly tellMax: number;
  /** Own neighbours asked to try a suspect whose other watchers are not known. 2: `guess`; SWIM: 3 in much larger groups. */
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
  guardIntervalMs: 950,
  pingIntervalMs: 3_500,
  retryIntervalMs: 1_000,
  jitter: 0.05,
  pingAnywayMs: 10_000,
  ackTimeoutMs: 500,
  missesMax: 2,
  deadAfterMs: 2_015,
  hintMaxMs: 1_000,
  silentMaxToTell: 2,
  tellMax: 8,
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
  assert(config.jitter >= 0 && config.jitter < 0.5, 'jitter is in [0, 0.5)');
  assert(config.missesMax >= 1, 'missesMax is at least 1');
  const suspectAfterMs = (config.missesMax - 1) * config.retryIntervalMs + config.ackTimeoutMs;
  assert(suspectAfterMs < config.deadAfterMs, 'a suspicion comes before deadAfterMs');
  assert(config.ackTimeoutMs <= config.retryIntervalMs, 'ackTimeoutMs is within a retry interval');
  assert(config.ackTimeoutMs <= config.guardIntervalMs * (1 - 2 * config.jitter), 'ackTimeoutMs is within an interval');
  assert(config.guardIntervalMs <= config.pingIntervalMs, 'a guardian looks at least as often as others');
  assert(config.hintMaxMs + config.probeTimeoutMs < config.deadAfterMs, 'who is told of a silence can still ask');
  assert(config.rttWeight > 0 && config.rttWeight <= 1, 'rttWeight is in (0, 1]');
}
