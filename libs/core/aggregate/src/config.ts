import type { PartialLimits } from './partial.ts';

/** What aggregation is told about itself. Times in ms. Every default says where it comes from. */
export interface AggregateConfig extends PartialLimits {
  /** Questions worked on at once, own and others'; the next ones are shed: an own one is `overloaded`, another's counts as missing. */
  readonly activeMax: number;
  /** Questions remembered, so that no peer counts twice. While it is full new ones are shed: forgetting one early could count a peer twice. */
  readonly seenMax: number;
  /** How long they are remembered; longer than `timeoutMaxMs`. */
  readonly seenMs: number;
  /** The longest deadline, for own questions and from neighbours. */
  readonly timeoutMaxMs: number;
  /** A hop keeps this share of the time that is left, so that it can answer before its asker gives up … */
  readonly hopShare: number;
  /** … but at least this much. */
  readonly hopMarginMs: number;
  /** Share of an own question's time that the first wave may take. */
  readonly firstWaveShare: number;
  /** With less time left no second wave is begun. */
  readonly secondWaveMinMs: number;
  /** Lost branches that are named in an answer; the others are counted. */
  readonly lostMax: number;
  readonly queryIdCharsMax: number;
  /** A question that crossed so many links is going in circles. */
  readonly hopsMax: number;
  /** Questions of one neighbour that are taken up in a second; the next ones are shed. */
  readonly neighborPerSecondMax: number;
  /** Own questions that are taken up in a second; the next ones are `overloaded`, and told when to come again. */
  readonly ownPerSecondMax: number;
  /** Neighbours whose questions are counted; the one that came first is forgotten first. */
  readonly countedNeighborsMax: number;
  /** A branch may speak for so many times the peers that this peer knows, and as many more as `claimSlack`; more is no answer. */
  readonly claimFactor: number;
  readonly claimSlack: number;
}

export const defaultAggregateConfig: AggregateConfig = {
  groupsMax: 256, // guess: more than a person reads; the rest is one row
  partialBytesMax: 65_536, // as an answer of search: one frame
  binsMax: 512, // computed: at 1 % error bins from 0.03 ms to 1,000 s, so a round trip never collapses
  activeMax: 64, // guess: at most 8 MiB of partials
  seenMax: 4_096, // computed: 100 questions a second in the whole mesh for `seenMs`
  seenMs: 40_000, // computed: the longest deadline, and slow links
  timeoutMaxMs: 30_000, // the public API's limit
  hopShare: 0.05, // as search: 20 hops leave the last one a third of the time
  hopMarginMs: 25, // as search
  firstWaveShare: 0.6, // as search
  secondWaveMinMs: 50, // as search
  lostMax: 16, // guess: what a person reads
  queryIdCharsMax: 256, // as search
  hopsMax: 128, // as search
  neighborPerSecondMax: 50, // guess: a question costs every peer one answer; people and dashboards ask, programs seldom
  ownPerSecondMax: 10, // guess
  countedNeighborsMax: 64, // as search
  claimFactor: 2, // guess: a neighbour may know of a mesh that has just doubled
  claimSlack: 16, // guess: a peer that has just come knows few
};
