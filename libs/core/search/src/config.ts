/** What a search is told about itself. Times in ms, sizes in characters of JSON text. Every default says where it comes from. */
export interface SearchConfig {
  /** Queries worked on at once, own and others'; the next ones are shed: an own one is `overloaded`, another's is counted as missing by its asker. */
  readonly activeMax: number;
  /** Finished queries remembered, so that a copy on a slower path is declined; the oldest is forgotten first, and counted. */
  readonly seenMax: number;
  /** How long they are remembered; longer than `timeoutMaxMs`. */
  readonly seenMs: number;
  /** The longest deadline, for own queries and from neighbours. */
  readonly timeoutMaxMs: number;
  /** A hop keeps this share of the time that is left, so that it can say what is missing before its asker gives up … */
  readonly hopShare: number;
  /** … but at least this much. */
  readonly hopMarginMs: number;
  /** Share of an own query's time that the first wave may take. */
  readonly firstWaveShare: number;
  /** With less time left no second wave is begun. */
  readonly secondWaveMinMs: number;
  /** Hits wait so long for others to share their message with, unless the subtree is finished before. */
  readonly flushMs: number;
  /** An answer carries documents of this size at most, or one: what waits is sent before it would be more. */
  readonly answerCharsMax: number;
  /** The largest document in a hit; larger ones are dropped and counted. */
  readonly hitCharsMax: number;
  /** The most hits that a query may want. */
  readonly limitMax: number;
  readonly textCharsMax: number;
  readonly queryIdCharsMax: number;
  /** A query that crossed so many links is going in circles. */
  readonly hopsMax: number;
}

export const defaultSearchConfig: SearchConfig = {
  activeMax: 256, // guess: with `answerCharsMax` it bounds memory at 16 Mi characters
  seenMax: 4_096, // computed: 100 queries a second in the whole mesh for `seenMs`
  seenMs: 40_000, // computed: the longest deadline, and slow links
  timeoutMaxMs: 30_000, // the public API's limit
  hopShare: 0.05, // guess: 20 hops leave the last one a third of the time
  hopMarginMs: 25, // guess: a LAN round trip with a busy event loop
  firstWaveShare: 0.6, // guess: a hung branch must leave time to ask around it
  secondWaveMinMs: 50, // guess
  flushMs: 50, // guess: most subtrees finish sooner, so most peers send one answer
  answerCharsMax: 65_536, // guess: one frame
  hitCharsMax: 65_536, // the public API's limit for a document
  limitMax: 1_000, // the public API's limit
  textCharsMax: 1_024, // the public API's limit
  queryIdCharsMax: 256, // guess: a peer id and a number, with room
  hopsMax: 128, // guess: far beyond any tree's depth
};
