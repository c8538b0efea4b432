import { assert, type Millis } from '@starling/kernel';

/** Every bound and period of the membership core. Spans in ms. `paper` is HyParView (TR-07-13, DSN 2007) unless another is named. */
export interface HyParViewConfig {
  /** Links that a peer looks for and keeps; with ranked places on average, one more or fewer where the number is odd. 7: `measured`, a crash of half the peers leaves 99 % reachable before any repair (95 % at 5). The paper's tables use 5. */
  readonly activeCapacity: number;
  /** Places above `activeCapacity` that only joins, high priority requests and bridges may take before one is evicted. 1: `guess`. The paper: 0. */
  readonly highPrioritySlots: number;
  /** Spares. 100: `measured`, a crash of 95 % heals in two rounds. The paper: 30. About 50 bytes each, the info itself is shared. */
  readonly passiveCapacity: number;
  /** Hops of a forward join before it becomes a neighbour (ARWL). 6: paper §5.1. */
  readonly activeWalkLength: number;
  /** Remaining hops at which a forward join leaves a passive entry (PRWL). 3: paper §5.1. */
  readonly passiveWalkLength: number;
  /** Hops of a shuffle. 6: the paper gives none; that of its joins. */
  readonly shuffleWalkLength: number;
  /** Neighbours in a shuffle (k_a). 3: paper §5.1. */
  readonly shuffleActiveCount: number;
  /** Passive entries in a shuffle (k_p). 4: paper §5.1. */
  readonly shufflePassiveCount: number;
  /** Longest sample taken from a peer; a longer one is a violation. 32: `guess`, four times our own. */
  readonly shuffleSampleMax: number;
  /** Between two shuffles. 90 s: `measured` (idle-cost, 2026-11-25), 75 B/s of the 700 that an idle peer may send; every 10 s took 660: a walk carries eight infos over six hops. */
  readonly shuffleIntervalMs: Millis;
  /** Between two shuffles while the overlay is young. 1 s: `measured`, slow first shuffles leave an overlay of one contact far from random. */
  readonly shuffleFastIntervalMs: Millis;
  /** How long after its first neighbour a peer shuffles fast. 60 s: as above. */
  readonly shuffleFastForMs: Millis;
  /** Share by which every period varies, 0 … 1, so that peers started together drift apart. 0.2: `guess`. */
  readonly jitter: number;

  /** A request for a free place that is not answered in this time, dial included, is no longer counted on: another peer is asked beside it. 1 s: the connect deadline. */
  readonly attemptPatienceMs: Millis;
  /** A request that is not answered in this time, dial included, has failed. 3 s: the deadlines of a dial together; given up sooner, peers that are alive and busy were dialled again by everybody (ADR 40). */
  readonly attemptTimeoutMs: Millis;
  /** Requests in flight, for whatever reason. 16: `guess`, twice the active view. */
  readonly attemptsMax: number;
  /** Requests in flight while there is no neighbour at all. 2: each may evict somebody's link. */
  readonly attemptsIsolated: number;
  /** Spares asked in one round while at least half of the links are there. 16: what one shuffle brings, twice. */
  readonly attemptsPerRound: number;
  /** From the end of a round to the next; while the overlay is young, the fast shuffle interval if that is shorter. 10 s: `guess`. */
  readonly roundIntervalMs: Millis;
  /** How long a first refusal keeps a spare from being asked again; doubles up to the next value. 1 s: `guess`. */
  readonly refusalMemoryMinMs: Millis;
  /** Longest such time. 2 min: a spare that loses a link will ask by itself. */
  readonly refusalMemoryMaxMs: Millis;
  /** First pause before an isolated peer tries everything again; doubles up to the next value. 0.5 s: `guess`. */
  readonly isolationPauseMinMs: Millis;
  /** Longest such pause; for ever after. 10 s: `guess`, an operator who fixed the network should not wait longer. */
  readonly isolationPauseMaxMs: Millis;
  /** Who lost several neighbours within this time, but has at least half of its links, waits a random part of it before it looks for others. 1 s: `guess`, as long as those left without a link need on two cores that 64 peers share (ADR 39). */
  readonly yieldMs: Millis;
  /** Contacts taken from one `contacts` command, at random. 16: `guess`. */
  readonly contactsMax: number;

  /** Between two attempts to bridge to a contact that is surely new. 5 s: `guess`. */
  readonly bridgeIntervalMs: Millis;
  /** Between two attempts to bridge to a contact that may well be in this mesh already. 10 min: each moves two links. */
  readonly bridgeDoubtfulIntervalMs: Millis;
  /** Refused bridges in a row after which the peer that the refusal named is asked. 8: `guess`, a view of 100 is a few steps from anybody. */
  readonly bridgeHintsMax: number;
  /** Lost neighbours that are tried again; a random one makes room. 16: `guess`, twice the active view. */
  readonly lostCapacity: number;
  /** How long a lost neighbour is tried again. 24 h: Serf's reconnect timeout. */
  readonly lostExpiryMs: Millis;
  /** First pause before a lost neighbour is tried again; doubles up to the next value. 5 s: `guess`. */
  readonly reconnectPauseMinMs: Millis;
  /** Longest such pause. 60 s: `guess`; Serf: 30 s. */
  readonly reconnectPauseMaxMs: Millis;

  /**
   * Whether places go to those who rank for them, instead of to whoever comes first or asks loudest, as in the paper: then a few
   * per cent of attackers that hold valid certificates own the mesh. true: `measured` (sybil/eclipse, hyparview/shipped,
   * 2026-11-26, ADR 29). With ranks links are near by zone only, not by round trip.
   */
  readonly rankedPlaces: boolean;
  /** Places given at once to peers that no rank favours: joins, high priority, ends of walks, bridges. 8: as many as a mesh that doubles asks of each. */
  readonly favoursMax: number;
  /** From one such favour to the next. 5 min: `measured` (sybil/eclipse, 300 peers), at 60 s attackers that take every one of them hold 2 % more of the links. */
  readonly favourIntervalMs: Millis;
  /** Peers remembered for having been asked in vain for a place. 64: `guess`, nine for each place. */
  readonly claimsInVainMax: number;
  /** How long they are not asked again. 2 min: as the longest refusal memory. */
  readonly claimsInVainMs: Millis;

  /** Leavers remembered. 256: `guess`. The oldest is forgotten first. */
  readonly tombstonesMax: number;
  /** How long a leaver is remembered. 10 min: `guess`, ten shuffles. */
  readonly tombstoneExpiryMs: Millis;

  /** Between two attempts to swap a far link for a near one (X-BOT). 10 s: `guess`, a mesh of five zones is in order within two minutes. */
  readonly optimizeIntervalMs: Millis;
  /**
   * Far links that the optimisation never touches. 1: `measured`, 4 near + 1 random of 5 links cut p99 delivery over five
   * clusters from 177 to 40 ms; a second one gains 1 ms and carries 70 % more payloads between the clusters.
   */
  readonly randomLinks: number;
  /** Where zones are unknown, a round trip above this makes a link far, and one below half of it near. 10 ms: between zones it is 1–2, between regions over 10. */
  readonly farRttMs: Millis;
  /** Peers whose last round trip is remembered. 64: `guess`. */
  readonly rttsMax: number;
}

export const defaultHyParViewConfig: HyParViewConfig = Object.freeze({
  activeCapacity: 7,
  highPrioritySlots: 1,
  passiveCapacity: 100,
  activeWalkLength: 6,
  passiveWalkLength: 3,
  shuffleWalkLength: 6,
  shuffleActiveCount: 3,
  shufflePassiveCount: 4,
  shuffleSampleMax: 32,
  shuffleIntervalMs: 90_000,
  shuffleFastIntervalMs: 1_000,
  shuffleFastForMs: 60_000,
  jitter: 0.2,
  attemptPatienceMs: 1_000,
  attemptTimeoutMs: 3_000,
  attemptsMax: 16,
  attemptsIsolated: 2,
  attemptsPerRound: 16,
  roundIntervalMs: 10_000,
  refusalMemoryMinMs: 1_000,
  refusalMemoryMaxMs: 120_000,
  isolationPauseMinMs: 500,
  isolationPauseMaxMs: 10_000,
  yieldMs: 1_000,
  contactsMax: 16,
  bridgeIntervalMs: 5_000,
  bridgeDoubtfulIntervalMs: 600_000,
  bridgeHintsMax: 8,
  lostCapacity: 16,
  lostExpiryMs: 86_400_000,
  reconnectPauseMinMs: 5_000,
  reconnectPauseMaxMs: 60_000,
  rankedPlaces: true,
  favoursMax: 8,
  favourIntervalMs: 300_000,
  claimsInVainMax: 64,
  claimsInVainMs: 120_000,
  tombstonesMax: 256,
  tombstoneExpiryMs: 600_000,
  optimizeIntervalMs: 10_000,
  randomLinks: 1,
  farRttMs: 10,
  rttsMax: 64,
});

/** The most neighbours that a peer ever has: half of the ranked peers look for one more than an odd capacity, see `Rank`. */
export function neighborsMax({ rankedPlaces, activeCapacity, highPrioritySlots }: HyParViewConfig): number {
  return activeCapacity + (rankedPlaces ? activeCapacity % 2 : 0) + highPrioritySlots;
}

/** Throws when values contradict each other. What a person typed was refused, with a sentence, at the edge. */
export function assertHyParViewConfig(config: HyParViewConfig): void {
  assert(config.activeCapacity >= (config.rankedPlaces ? 2 : 1), 'activeCapacity is at least 1, and by rank a circle');
  assert(config.highPrioritySlots >= 0, 'highPrioritySlots is not negative');
  assert(config.passiveCapacity >= 1, 'passiveCapacity is at least 1');
  assert(config.passiveWalkLength <= config.activeWalkLength, 'passiveWalkLength is within activeWalkLength');
  assert(
    config.shuffleActiveCount + config.shufflePassiveCount < config.shuffleSampleMax,
    'a shuffle of our own fits shuffleSampleMax',
  );
  assert(config.jitter >= 0 && config.jitter < 1, 'jitter is in [0, 1)');
  assert(config.attemptsMax > config.activeCapacity, 'attemptsMax is above activeCapacity');
  assert(config.attemptPatienceMs <= config.attemptTimeoutMs, 'attemptPatienceMs is at most attemptTimeoutMs');
  assert(config.refusalMemoryMinMs <= config.refusalMemoryMaxMs, 'refusalMemoryMinMs is within refusalMemoryMaxMs');
  assert(config.isolationPauseMinMs <= config.isolationPauseMaxMs, 'isolationPauseMinMs is within isolationPauseMaxMs');
  assert(config.reconnectPauseMinMs <= config.reconnectPauseMaxMs, 'reconnectPauseMinMs is within reconnectPauseMaxMs');
}
