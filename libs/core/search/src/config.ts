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
  /** Ranked terms of a query, in its statistics and in each hit. */
  readonly termsMax: number;
  readonly queryIdCharsMax: number;
  /** A query that crossed so many links is going in circles. */
  readonly hopsMax: number;
  /** Walkers of a walk … */
  readonly walkers: number;
  /** … and of a guided one. */
  readonly guidedWalkers: number;
  /** Links over which a peer lets them go into the blue in one round; the origin uses all. */
  readonly guidedFanout: number;
  /** Links that a walker crosses at most. */
  readonly stepsMax: number;
  /** A walk checks back with its origin after so many steps … */
  readonly walkCheckSteps: number;
  /** … a guided one after so many … */
  readonly guidedCheckSteps: number;
  /** … and each next time when it is so many times as far from it. 1: always after the same number. */
  readonly checkGrowth: number;
  /** Messages that a seek costs at most when its asker does not say. */
  readonly budgetDefault: number;
  /** The largest budget. */
  readonly budgetMax: number;
  /** Share of a seek's time that one round may take of what is left. */
  readonly roundShare: number;
  /** A hop of a seek keeps this share of a round's time … */
  readonly seekHopShare: number;
  /** … but at least this much. */
  readonly seekHopMarginMs: number;
  /** Seeks kept in mind between rounds, and so that a second walker is declined; the oldest is forgotten first, and counted. */
  readonly parkedMax: number;
  /** Lists of terms, and terms in one, that a question may have. */
  readonly termListsMax: number;
  readonly termsOfListMax: number;
  /** Bits of a digest of terms, as a power of two; all alike, so that they can be united. */
  readonly digestSizeLog2: number;
  /** Bits set per term. */
  readonly digestHashes: number;
  /** A neighbour is told of changes at most so often. */
  readonly digestIntervalMs: number;
  /** Neighbours whose digests are kept; more are no hints. */
  readonly digestLinksMax: number;
  /** Questions of one neighbour that are taken up in a second; the next ones are shed: their asker counts a missing branch. */
  readonly neighborPerSecondMax: number;
  /** Own questions that are taken up in a second; the next ones are `overloaded`, and told when to come again. */
  readonly ownPerSecondMax: number;
  /** Neighbours whose questions are counted; the one that came first is forgotten first. */
  readonly countedNeighborsMax: number;
  /** Answers of own seeks that are remembered, the characters of their documents together, and for how long. */
  readonly cacheMax: number;
  readonly cacheCharsMax: number;
  readonly cacheMs: number;
  /** Between two looks for those whose time is over. */
  readonly parkedSweepMs: number;
  /** Peers in the trace of one wave or round; those beyond are counted. */
  readonly traceSpansMax: number;
  /** Peers in the traces of all rounds of a query together; those beyond are counted. */
  readonly traceSpansTotalMax: number;
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
  termsMax: 32, // the query language's limit
  queryIdCharsMax: 256, // guess: a peer id and a number, with room
  hopsMax: 128, // guess: far beyond any tree's depth
  walkers: 16, // Lv, Cao, Cohen, Li, Shenker, ICS'02 §5.2: 16 to 64
  guidedWalkers: 42, // computed: one for each peer two links away at degree 7; measured (0.1 % of 10,000, 2026-11-26): 103 messages, with 32 of them 108
  stepsMax: 1_024, // Lv §5.2
  guidedFanout: 2, // measured (the same): 1 takes 108 messages and half as long again, 3 takes 135, all at once 145
  walkCheckSteps: 4, // Lv §5.2
  guidedCheckSteps: 2, // the radius of the digests: what is nearer was seen without a step
  checkGrowth: 2, // computed: a check goes home along the path, so all checks together cost at most twice the path, not its square
  budgetDefault: 512, // guess: what asking 250 peers one by one costs
  budgetMax: 65_536, // the public API's limit
  roundShare: 0.4, // guess: a hung walker must leave time for two rounds without it
  seekHopShare: 0.02, // guess: 32 hops leave the last one half of the time
  seekHopMarginMs: 10, // guess: a LAN round trip
  parkedMax: 4_096, // guess: as many as finished queries remembered
  termListsMax: 8, // guess: alternatives of one question
  termsOfListMax: 32, // guess: words of 1,024 characters that say something
  digestSizeLog2: 17, // computed: 16 KiB; 7 neighbours with 1,000 terms each fill 15 %, so 0.3 % of the answers are false
  digestHashes: 3, // computed: of unions as full as those, the fewest bits to send at that rate
  digestIntervalMs: 5_000, // protocols target: an index that changed is known within 5 s
  digestLinksMax: 16, // computed: twice the active view and its places above
  neighborPerSecondMax: 200, // computed: twice what `seenMax` is for; all questions of the mesh's larger part may come over one link
  ownPerSecondMax: 100, // computed: what `seenMax` is for, all of one peer
  countedNeighborsMax: 64, // guess: more than the membership keeps
  cacheMax: 256, // guess
  cacheCharsMax: 4_194_304, // guess: a sixteenth of the young generation's room
  cacheMs: 10_000, // guess: twice what digests take to follow a change
  parkedSweepMs: 1_000, // guess
  traceSpansMax: 256, // computed: about 170 bytes each, so that a list and 64 Ki characters of documents fit a frame
  traceSpansTotalMax: 1_024, // guess: four rounds at their bound; what waits for a slow client stays below 200 KB
};
