/** What a directory is told about itself. Times in ms. Every default says where it comes from. */
export interface DirectoryConfig {
  /** A peer announces itself again within max(`refreshMinMs`, peers × `refreshPerPeerMs`), at most `refreshMaxMs`. */
  readonly refreshMinMs: number;
  /** Lower forgets the silently dead sooner and costs every peer more: at 5,000 the whole mesh's refreshes are 0.2 a second. */
  readonly refreshPerPeerMs: number;
  /** Also the most that is believed of a neighbour's promise. */
  readonly refreshMaxMs: number;
  /** A record lives for so many refresh intervals of its peer without news. */
  readonly missedRefreshes: number;
  /** The first announcement waits a random part of this, so that a second link may form and the tree carries it. */
  readonly announceDelayMs: number;
  /** Least time between two announcements that only a new first neighbour calls for. */
  readonly announceGapMs: number;
  /** A broken neighbour is accused after a random part of this, unless two others were faster or it is back. */
  readonly accuseSpreadMs: number;
  /** Each one that waits already makes it longer by as much again, up to this. */
  readonly accuseSpreadMaxMs: number;
  /** Accusations that wait for their moment; more are dropped and counted. */
  readonly accusationsMax: number;
  /** So many dials in a row without an answer are a word against a member, one less when somebody else accuses it … */
  readonly silentDials: number;
  /** … so long after each other. */
  readonly redialMs: number;
  /** Members dialled so at once; more are dropped and counted: where so many are silent, the fault is hardly theirs. */
  readonly redialsMax: number;
  /** Who refuted lives although dials find no answer: for so long they are no word against it. */
  readonly refutedMs: number;
  /** For so long after this peer was late itself it takes nothing for the silence of others. */
  readonly lateDoubtMs: number;
  /** The same peer is not accused again for a refused dial within this time: an address that only we cannot reach must not cost the mesh. */
  readonly refusalGapMs: number;
  /** An accusation that nobody has confirmed for so long is checked by about `secondOpinions` members, who dial the accused. */
  readonly secondOpinionMs: number;
  readonly secondOpinions: number;
  /** When a member dies, about so many in the whole mesh dial somebody at random: with it may have gone one whom nobody misses. */
  readonly spotChecks: number;
  /** … unless that one said something to all within this time. */
  readonly spotCheckSilenceMs: number;
  /** Such dials under way at once; more are dropped and counted. */
  readonly checksMax: number;
  /** Two accusers make a peer dead after so long, in which it may refute. Plus the refutation's own spread. */
  readonly confirmMs: number;
  /** One accuser, and no refutation for so long, is as good as expiry. Longer than `refuteSpreadMaxMs`. */
  readonly loneAccusationMs: number;
  /** In a mesh of so many peers or fewer there may be nobody else to accuse … */
  readonly smallMeshPeers: number;
  /** … so one word is enough after this time. */
  readonly smallMeshAccusationMs: number;
  /** A peer that was listed as gone and came back by its own word is listed so again only after so much more silence, times how often that happened of late … */
  readonly flapHoldMs: number;
  /** … and at most so long: a peer that flapped and then really dies is listed all the same. */
  readonly flapHoldMaxMs: number;
  /** How often that happened counts half after so long (RFC 2439 §4.2). */
  readonly flapHalfLifeMs: number;
  /** An accused peer refutes after a random part of peers × this: after a merge, half the mesh may have to. */
  readonly refutePerPeerMs: number;
  readonly refuteSpreadMaxMs: number;
  /** A tombstone lives so long, or as long as any record it must not let back in. */
  readonly tombstoneMs: number;
  /** Tombstones held; the oldest goes first, and is counted. */
  readonly tombstonesMax: number;
  /** Peers held, this one included; newcomers beyond are refused and counted, and `size` becomes an estimate. */
  readonly membersMax: number;
  /** Sample behind that estimate; its standard error is about 1.2 / √sample. */
  readonly estimateSampleMax: number;
  /** Pace of the round: forget what expired, compare digests with one random neighbour. */
  readonly digestIntervalMs: number;
  /** What repair taught is offered to all neighbours after half to all of this. */
  readonly repairSpreadMs: number;
  /** A repair whose neighbour is silent for so long is given up; a later digest begins it again. */
  readonly repairTimeoutMs: number;
  /** Repairs that this peer leads at once. */
  readonly repairsMax: number;
  /** Records in one message. */
  readonly pageRecordsMax: number;
  /** Who is up with less life left than this is asked about, once in a round: somebody may have heard of it since. */
  readonly askBeforeMs: number;
  /** Records with less life left are not handed on: they would only come back where they have just expired. */
  readonly recordTtlMinMs: number;
  /** A digest is made as fine as this many records per bucket ask for, up to 256 buckets. */
  readonly recordsPerBucket: number;
  /** Characters in any text of a peer's info. */
  readonly textLengthMax: number;
}

export const defaultDirectoryConfig: DirectoryConfig = {
  refreshMinMs: 60_000, // guess: a small mesh forgets within three minutes
  refreshPerPeerMs: 5_000, // computed: about 45 B/s per peer at any size, docs/protocols/directory.md
  refreshMaxMs: 86_400_000, // guess: reached at 17,280 peers
  missedRefreshes: 3, // guess: broadcast loses next to nothing, so three in a row is silence
  announceDelayMs: 50, // guess: a few LAN round trips
  announceGapMs: 5_000, // guess: a link that flaps costs the mesh one broadcast in this time
  accuseSpreadMs: 500, // guess: longer than one broadcast takes, so mostly two of seven neighbours speak
  accuseSpreadMaxMs: 5_000, // guess: ten at once
  accusationsMax: 64, // guess: far above any active view
  silentDials: 3, // guess: with redialMs about 9 s, longer than a crowd of peers takes to start on one machine
  redialMs: 3_000, // guess: as long as a silent host takes to be noticed by its neighbours
  redialsMax: 4, // guess: as many as second opinions
  refutedMs: 60_000, // guess: what keeps it from answering seldom lasts longer
  lateDoubtMs: 5_000, // guess: one more such moment is likely to come soon
  refusalGapMs: 600_000, // guess
  secondOpinionMs: 1_000, // guess: by then the other former neighbours have spoken, twice accuseSpreadMs
  secondOpinions: 4, // computed: as a Poisson number, nobody checks in e^-4 = 2 % of the cases, and then loneAccusationMs counts
  spotChecks: 8, // computed: after a crash of half, a member is dialled by 4 on average, so 2 % are missed; a death costs 8 dials
  spotCheckSilenceMs: 3_000, // guess: about as long as a death takes to be believed
  checksMax: 8, // guess: each is a handshake, 3 ms of CPU
  confirmMs: 1_000, // guess: twice a WAN broadcast there and back
  loneAccusationMs: 30_000, // guess: SWIM's suspicion at 1,000 peers is 12 s, ours has only one witness
  smallMeshPeers: 3, // by definition: below it there may be no second former neighbour
  smallMeshAccusationMs: 3_000, // guess: as long as a silent host may take to be noticed
  flapHoldMs: 60_000, // guess: three times the 20 s for which Rapid's flip-flop (ATC 2018) cuts a peer off
  flapHoldMaxMs: 300_000, // guess
  flapHalfLifeMs: 600_000, // guess: forgotten after twice that; RFC 2439 suggests 15 min for routes that are up
  refutePerPeerMs: 1, // guess: at most 1,000 refutations a second in the whole mesh
  refuteSpreadMaxMs: 5_000, // guess
  tombstoneMs: 3_600_000, // guess: longer than a partition that is still worth repairing peer by peer
  tombstonesMax: 4_096, // guess: a rolling restart of the largest mesh we aim at, which is 5,000, nearly fits
  membersMax: 20_000, // measured: 120 B each at 5,000; with their infos about 10 MB, computed
  estimateSampleMax: 256, // Wegman's adaptive sampling: error about 7 %
  digestIntervalMs: 20_000, // guess: 12 bytes a time when all is well
  repairSpreadMs: 250, // guess: islands merge in diameter × this
  repairTimeoutMs: 5_000, // guess
  repairsMax: 2, // guess: more would fetch the same records twice
  pageRecordsMax: 128, // measured: 18 KiB on the wire
  askBeforeMs: 60_000, // computed: three rounds; the shortest life is three minutes, so two refreshes have been missed
  recordTtlMinMs: 5_000, // guess: longer than a page can be under way
  recordsPerBucket: 16, // guess: one difference costs one bucket, about 2.5 KiB
  textLengthMax: 256, // DNS names end at 253
};
