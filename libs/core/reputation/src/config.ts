import { assert, type Millis } from '@starling/kernel';

/**
 * What deeds are worth. The shape is gossipsub v1.1's score (specs/pubsub/gossipsub/gossipsub-v1.1.md): good deeds count
 * linearly up to a cap, bad ones squared, so that a few are forgiven and many are not; everything decays. The numbers are
 * not: there a score is a sum over topics and minutes, here one over all that a link carries.
 */
export interface ReputationConfig {
  /** Peers with a record. 512: `guess`, many times the neighbours that a peer has in an hour. The blank and the oldest go first; bans stay longest. */
  readonly recordsMax: number;
  /** After this long half of every deed is forgotten. 2 min: gossipsub evaluation 2020-001, P2 decays by .9916 a second, half in 82 s. */
  readonly halfLifeMs: Millis;
  /** Deeds below this count as none, and a record of none is thrown away. 0.1: gossipsub's DecayToZero is 0.01 a topic. */
  readonly decayToZero: number;

  /** For each first delivery. 0.1: `guess`, at the cap they outweigh three broken promises. */
  readonly firstDeliveryWeight: number;
  /** First deliveries beyond these do not count. 100: `guess`; gossipsub 1500 at .664: good service must not buy the right to harm. */
  readonly firstDeliveriesMax: number;
  /** For each broken promise, squared. 1: `guess`: 5 within a half-life cost what the best service earns. gossipsub's P7 counts them the same way. */
  readonly brokenPromiseWeight: number;
  /** For each violation, squared. 4: `guess`: two of them in a row may be a version's bug or a bad wire, five are not. gossipsub's P4 is −99 a topic at .25: one nearly condemns, but there a signature proved it. */
  readonly violationWeight: number;
  /** For each second over the allowance, squared. 1: `guess`, as a broken promise. */
  readonly floodWeight: number;
  /** For each slow answer. 0.05, not squared: `guess`: it may be the network, the load, or we. */
  readonly slowWeight: number;

  /** Below it a peer is not named to others. −4: one violation. */
  readonly offerBelow: number;
  /** Below it a neighbour is dropped. −36: three violations within a minute or so, or six broken promises. */
  readonly dropBelow: number;
  /** Below it a peer is banned. −100: five violations, or ten broken promises, in the time of a half-life. */
  readonly banBelow: number;
  /** The first ban; each later one within the memory doubles it. 60 s: gossipsub's prune backoff. */
  readonly banMinMs: Millis;
  /** The longest ban. 1 h: `guess`, an operator who mended the peer should not wait longer. */
  readonly banMaxMs: Millis;
  /** How long after a ban's end its length is remembered. 1 h: `guess`. */
  readonly banMemoryMs: Millis;
}

export const defaultReputationConfig: ReputationConfig = Object.freeze({
  recordsMax: 512,
  halfLifeMs: 120_000,
  decayToZero: 0.1,
  firstDeliveryWeight: 0.1,
  firstDeliveriesMax: 100,
  brokenPromiseWeight: 1,
  violationWeight: 4,
  floodWeight: 1,
  slowWeight: 0.05,
  offerBelow: -4,
  dropBelow: -36,
  banBelow: -100,
  banMinMs: 60_000,
  banMaxMs: 3_600_000,
  banMemoryMs: 3_600_000,
});

/** Throws when values contradict each other. */
export function assertReputationConfig(config: ReputationConfig): void {
  assert(config.recordsMax >= 1, 'recordsMax is at least 1');
  assert(config.halfLifeMs > 0, 'halfLifeMs is above 0');
  assert(config.offerBelow <= 0, 'offerBelow is not above 0: a stranger may be named');
  assert(config.dropBelow <= config.offerBelow, 'dropBelow is within offerBelow');
  assert(config.banBelow <= config.dropBelow, 'banBelow is within dropBelow');
  assert(config.banMinMs <= config.banMaxMs, 'banMinMs is within banMaxMs');
}
