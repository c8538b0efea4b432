import { assert, type Millis } from '@starling/kernel';
import type { SignatureMode } from './batch-signatures.ts';

/** Every bound and every time of the broadcast. Check a changed one with `checkPlumtreeConfig`. */
export interface PlumtreeConfig {
  /**
   * An announcement waits so long for company, to twice as long: at random, so that of two neighbours one is sooner. Raising it saves
   * frames and delays repair by as much. 30 ms: with jitter about the 50 ms at which protocol studies end; guess.
   */
  readonly iHaveBatchMs: Millis;
  /** Announcements leave at least so far apart: where many messages come each would be a frame to most neighbours. 150 ms: less than `graft1MinMs`, which follows; guess. */
  readonly iHaveGapMs: Millis;
  /** An announcement of a patient stream waits at most so long for something else that goes to the same neighbour. 5 s: longer than the pings of an idle link are apart. */
  readonly patientMs: Millis;
  /** Such announcements waiting for one neighbour; at the bound they are sent at once. 64: guess, more than the mesh makes in that time when it is idle. */
  readonly patientItemsMax: number;
  /** Announcements that are waiting; at the bound they are sent at once. 512: guess, about 40 KiB. */
  readonly iHaveItemsMax: number;
  /** Longest range that one announcement may name; a longer one is a violation. 1,024: guess. */
  readonly iHaveRangeMax: number;
  /** From the first announcement of a missing message to the first graft, at most. Must exceed how much later the tree may be than a lazy link. 400 ms: guess, above a 10-hop detour over 40 ms links. */
  readonly graft1Ms: Millis;
  /** … at least. Between the two it follows the lags that were seen. 250 ms: measured (plumtree/fig2), with 200 and less whole subtrees graft before new links have mended them, and RMR under churn rose from 0.04 to 0.1 with one seed of three. */
  readonly graft1MinMs: Millis;
  /** … where the tree's parent has left a message out within `doubtMs`. 100 ms: measured (attack/censor, 200 peers), p99 1.18 s without, 0.83 s with. Whoever turns out to be only late is not meant. */
  readonly graft1DoubtMs: Millis;
  /** Deliveries after which such a lag is believed. 32: guess. */
  readonly lagDeliveriesMin: number;
  /** From one graft to the next announcer; less than `graft1Ms` (SRDS'07 §3.6: about one round trip). 200 ms: guess. */
  readonly graft2Ms: Millis;
  /** How long announcers that were all asked in vain have before it counts as a broken promise. 5 s: guess, many round trips between continents. */
  readonly promiseMs: Millis;
  /** Announced messages that are waited for, over all streams; further ones are left to the digests. 4,096: guess, about 1 MiB. */
  readonly missingMax: number;
  /** … of which one neighbour may have been the first to announce so many: one that invents messages leaves room for what the others announce. 512: an eighth, for seven or eight links (attack/announcement-spam). */
  readonly missingPerPeerMax: number;
  /** Messages of one stream that announcers have been asked for and have not sent yet; others wait. 16: measured (attack/flooding-publisher), without a bound three quarters of what overloaded peers took had come before. */
  readonly askingPerStreamMax: number;
  /**
   * Swap a tree link for an announcer that is nearer to the origin by at least so many hops (SRDS'07 §3.8). Infinity, off.
   *
   * Deviation: the paper uses 3 or 7 and needs it, because its cycle engine seeds a bad tree. In an event-driven run the
   * first flood comes in order of latency and leaves a shortest-path tree; measured at 10,000 peers with many senders, the last
   * hop was 14.5 without and 17.6 to 20 with thresholds 3 to 7.
   */
  readonly optimizationThreshold: number;
  /** A tree parent is doubted once it left out so many messages that had to be grafted from others: one more neighbour pushes then, too. 2: guess, one may be lost with a relay further up. */
  readonly doubtOmissions: number;
  /** … within so long, and for as long. 60 s: guess. */
  readonly doubtMs: Millis;
  /** A tree that had a message within so long gets another parent as soon as its parent goes. 30 s: guess, some canaries. */
  readonly reattachMs: Millis;
  /**
   * A neighbour whose place went to another still pushes, and is pushed to, for so long: trees change their links before they lose one. Less
   * than links linger that nobody needs. 1.5 s: guess, many round trips.
   */
  readonly retireMs: Millis;
  /** Such neighbours at a time; at the bound the first goes at once. 16: guess, twice the places. */
  readonly retiringMax: number;
  /** A prune to a peer that goes on pushing is repeated after so long. 1 s: guess, many round trips. */
  readonly pruneRepeatMs: Millis;

  /** Trees whose links are remembered; further ones share one. 256: guess, about 500 bytes each with 8 neighbours. */
  readonly treesMax: number;
  /** A tree without a message for so long makes room for another. 2 min: guess; a sender that comes back sooner finds its tree as it was. */
  readonly treeIdleMs: Millis;
  /** Trees in the mesh above which no sender begins one of its own. Half of `treesMax`, so that senders that begin at once find room. */
  readonly hotTreesMax: number;
  /**
   * A sender with so many messages within `hotWindowMs` gets a tree of its own. The flood that seeds it costs about
   * (degree − 2) messages' payloads, so at the least a sixth of what was sent. 32 in 60 s: guess.
   */
  readonly hotMessages: number;
  readonly hotWindowMs: Millis;
  /** How long a tree is left alone with the message that planted it: what comes meanwhile takes the one before, for it would flood as well. 1 s: guess, many round trips. */
  readonly growMs: Millis;
  /** Between two plantings of a tree, by the clock of its senders. 10 min: guess; per zone it costs an idle peer about 4 B/s. */
  readonly replantMs: Millis;
  /** … of a sender that lost as many links as it has since. `replantMs` is a multiple. 1 min: guess; while a mesh forms or is restarted, and not else. Infinity for both: never. */
  readonly replantSoonMs: Millis;

  /** A peer that yields its way into a zone to a better one, and misses a message within this time, yields no more for as long. 60 s: guess; it bounds what a neighbour that lies about entries can do to one late message a minute. */
  readonly yieldBarMs: Millis;

  /** Streams whose watermark is kept; at the bound those silent for longest are forgotten. 16,384: three lives each of 5,000 peers; guess. */
  readonly streamsMax: number;
  /** Holes between the seen messages of one stream; at the bound the oldest hole is given up. 64: guess, 1.5 KiB. */
  readonly holesMax: number;
  /** Messages published longer ago are refused as replays; more than `holdMs` by what clocks may differ. 10 min: hold time plus 5 min; guess. */
  readonly acceptOlderMs: Millis;

  /**
   * Messages dated so far ahead of this peer's clock are refused: one that is believed stays in everybody's replay window for as
   * much longer. 5 min: by what clocks may differ, as above.
   */
  readonly acceptNewerMs: Millis;

  /** Who is believed about who published what; the same in the whole mesh, but for a change-over. `links`: ADR 21. */
  readonly signatures: SignatureMode;
  /** Streams of which verified batches are remembered; at the bound the one verified longest ago is forgotten, and verified anew. 1,024: guess, publishers at the same time. */
  readonly verifiedStreamsMax: number;
  /** … batches of each. 8: guess, more than are under way over different links at once. */
  readonly verifiedPerStreamMax: number;
  /**
   * Work a second that one origin's messages may make here, in deliveries (one message, 16 KiB of it, or a twelfth of a
   * verified signature). What exceeds it is shed, and repaired once the origin is within it again. 10,000: above what one
   * peer publishes, an eighth of what one core takes. A peer that floods keep busy reads its links in turn: what the others pass on of
   * the floods must fit into the turn of one of seven, or true messages queue behind it (attack/flooding-publisher, ADR 23).
   */
  readonly originWorkPerSecond: number;
  /**
   * … at once: what gathers while this peer or a link stands still. 10,000, a second of it: measured (attack/flooding-publisher), with
   * three seconds of it a flood is told from a burst after others' messages were 2.5 s late, with one they are 0.3 s late.
   */
  readonly originWorkBurst: number;
  /**
   * What this peer publishes itself, as a share of that: more is refused where it is published. 0.8: guess; what is left is for clocks
   * that differ and for messages that a slow link brings together.
   */
  readonly ownWorkShare: number;
  /** Origins whose work is counted; at the bound the one that was first seen longest ago begins anew. 4,096: guess. */
  readonly originsMax: number;

  /** Bytes, messages and time that messages are held for grafts, pulls and replays. 64 MiB, 250,000, 5 min: guess, a rolling restart of a pod takes less. */
  readonly holdBytesMax: number;
  readonly holdCountMax: number;
  readonly holdMs: Millis;
  /** The same for ephemeral messages: long enough for every graft. 16 MiB, 16,384, 10 s: guess. */
  readonly ephemeralBytesMax: number;
  readonly ephemeralCountMax: number;
  readonly ephemeralHoldMs: Millis;

  /** Runs on one page of a digest. 256: guess, about 20 KiB. */
  readonly digestStreamsMax: number;
  /** Runs of one stream in a digest, the latest. 8: guess. */
  readonly digestRunsMax: number;
  /** Between two pages of a first digest. 20 ms: guess, a megabyte a second. */
  readonly digestPageMs: Millis;
  /** Mean time between digests of what changed, each to one neighbour; none while nothing changes. 10 s: guess. */
  readonly digestIntervalMs: Millis;
  /** Before such a digest is acted on, so that what is on its way in the tree arrives first. 250 ms: guess. */
  readonly digestGraceMs: Millis;
  /** A comparison with a peer that is no neighbour is over after so long without a word of it. 4 s: guess, twice a pull's patience. */
  readonly comparisonMs: Millis;
  /** Before the digest of one that is followed is acted on: what is on its way comes first, also in a wide mesh. 750 ms: twice the last delivery among 10,000 peers (plumtree/latency), and less than there is between two comparisons. */
  readonly comparisonGraceMs: Millis;
  /** … of any other, for what that brings is evidence; and so long the tree is taken to be behind, not broken. 3 s: guess, where 16 processes keep two cores busy trees are later than 750 ms. */
  readonly comparisonLateMs: Millis;
  /** Streams that had a message within so long are compared. 2 min: guess, time for a dozen comparisons before it is too late. */
  readonly comparisonSpanMs: Millis;
  /** Peers compared with at a time, whoever began; at the bound the one that was there for longest makes room. 32: guess, 20 KiB each. */
  readonly outsidersMax: number;
  /** Of them, those that are pushed what comes; beyond that they pull. 16: guess, as many again as there are links. */
  readonly followersMax: number;
  /** What outsiders are given altogether, pushed or pulled, in bytes a second, and at once. 1 MiB: guess, a way around for events rather than for files. */
  readonly outsiderBytesPerSecond: number;
  /** Ranges of which a neighbour said that it holds them, still to be pulled. 32,768: guess, 2 MiB. */
  readonly wantsMax: number;
  /** Ranges and messages in one pull or graft. 64 and 256: guess. */
  readonly pullRangesMax: number;
  readonly pullMessagesMax: number;
  /** An answer ends after so many bytes (it has at least one message): the credit of a pull. 1 MiB: guess, the largest payload. */
  readonly repairBytesMax: number;
  /** Without a message of the answer for so long, the ranges are asked from the next neighbour. 2 s: guess. */
  readonly pullTimeoutMs: Millis;
  /** Fruitless pulls until a neighbour is not asked again before its next digest. 3: guess. */
  readonly strikesMax: number;
}

export const defaultPlumtreeConfig: PlumtreeConfig = {
  iHaveBatchMs: 30,
  iHaveGapMs: 150,
  patientMs: 5_000,
  patientItemsMax: 64,
  iHaveItemsMax: 512,
  iHaveRangeMax: 1_024,
  graft1Ms: 400,
  graft1MinMs: 250,
  graft1DoubtMs: 100,
  lagDeliveriesMin: 32,
  graft2Ms: 200,
  promiseMs: 5_000,
  missingMax: 4_096,
  missingPerPeerMax: 512,
  askingPerStreamMax: 16,
  optimizationThreshold: Number.POSITIVE_INFINITY,
  doubtOmissions: 2,
  doubtMs: 60_000,
  reattachMs: 30_000,
  retireMs: 1_500,
  retiringMax: 16,
  pruneRepeatMs: 1_000,
  treesMax: 256,
  treeIdleMs: 120_000,
  hotTreesMax: 128,
  hotMessages: 32,
  hotWindowMs: 60_000,
  growMs: 1_000,
  replantMs: 600_000,
  replantSoonMs: 60_000,
  yieldBarMs: 60_000,
  streamsMax: 16_384,
  holesMax: 64,
  acceptOlderMs: 600_000,
  acceptNewerMs: 300_000,
  signatures: 'links',
  verifiedStreamsMax: 1_024,
  verifiedPerStreamMax: 8,
  originWorkPerSecond: 10_000,
  originWorkBurst: 10_000,
  ownWorkShare: 0.8,
  originsMax: 4_096,
  holdBytesMax: 64 * 1024 * 1024,
  holdCountMax: 250_000,
  holdMs: 300_000,
  ephemeralBytesMax: 16 * 1024 * 1024,
  ephemeralCountMax: 16_384,
  ephemeralHoldMs: 10_000,
  digestStreamsMax: 256,
  digestRunsMax: 8,
  digestPageMs: 20,
  digestIntervalMs: 10_000,
  digestGraceMs: 250,
  comparisonMs: 4_000,
  comparisonGraceMs: 750,
  comparisonLateMs: 3_000,
  comparisonSpanMs: 120_000,
  outsidersMax: 32,
  followersMax: 16,
  outsiderBytesPerSecond: 1024 * 1024,
  wantsMax: 32_768,
  pullRangesMax: 64,
  pullMessagesMax: 256,
  repairBytesMax: 1024 * 1024,
  pullTimeoutMs: 2_000,
  strikesMax: 3,
};

/** Checks the relations between the settings; throws on a broken one, for a configuration is our own. */
export function checkPlumtreeConfig(config: PlumtreeConfig): void {
  assert(config.graft2Ms < config.graft1Ms, 'graft2Ms < graft1Ms');
  assert(config.graft1MinMs <= config.graft1Ms, 'graft1MinMs <= graft1Ms');
  assert(config.graft1DoubtMs <= config.graft1MinMs, 'graft1DoubtMs <= graft1MinMs');
  assert(config.missingPerPeerMax <= config.missingMax, 'missingPerPeerMax <= missingMax');
  assert(config.askingPerStreamMax >= 2, 'askingPerStreamMax is at least 2');
  assert(2 * config.iHaveBatchMs <= config.graft1Ms, '2 * iHaveBatchMs <= graft1Ms');
  assert(config.iHaveGapMs <= config.graft1Ms, 'iHaveGapMs <= graft1Ms');
  assert(config.holdMs < config.acceptOlderMs, 'holdMs < acceptOlderMs');
  assert(config.ephemeralHoldMs > config.patientMs + 4 * config.graft1Ms, 'ephemeralHoldMs > patientMs + 4 * graft1Ms');
  assert(config.digestRunsMax <= config.digestStreamsMax, 'digestRunsMax <= digestStreamsMax');
  assert(config.hotTreesMax < config.treesMax, 'hotTreesMax < treesMax');
  const turns = config.replantMs / config.replantSoonMs;
  assert(!Number.isFinite(config.replantMs) || Number.isInteger(turns), 'replantMs is a multiple of replantSoonMs');
  assert(config.verifiedStreamsMax >= 1 && config.verifiedPerStreamMax >= 1, 'a verified batch is remembered');
  assert(config.originWorkBurst >= config.originWorkPerSecond, 'originWorkBurst >= originWorkPerSecond');
  assert(config.ownWorkShare > 0 && config.ownWorkShare <= 1, '0 < ownWorkShare <= 1');
  assert(config.pullMessagesMax >= 1 && config.pullRangesMax >= 1, 'a pull asks for something');
}
