/** What summaries are told about themselves. Times in ms. Every default says where it comes from. */
export interface SummariesConfig {
  /** False: this peer neither tells its terms nor holds others'; whoever asks counts it among those that may hold anything. */
  readonly enabled: boolean;
  /** Terms of one peer, and fewer when `bytesMax` shared out among all peers has room for fewer: one with more says that it may hold anything, and is always asked. */
  readonly termsMax: number;
  /** What a term takes then. */
  readonly bitsPerTerm: number;
  /** In a larger mesh nobody tells or holds summaries. It is the same at every peer. */
  readonly peersMax: number;
  /** Memory for summaries. Nearing it they are made less exact; when that no longer helps this peer holds none and says so. */
  readonly bytesMax: number;
  /** The share of false answers to one term beyond which less exact is useless. */
  readonly falseShareMax: number;
  /** A change is told after so long, with those that follow it … */
  readonly batchMs: number;
  /** … but no sooner than this after the last. */
  readonly deltaGapMs: number;
  /** Deltas that came before the one they follow, of all peers together; more are dropped, counted, and fetched as records. */
  readonly waitingMax: number;
  /** What a broadcast is expected to bring is fetched from a neighbour after so long. */
  readonly patienceMs: number;
  /** Pace of the round: compare with one random neighbour, drop those who are no members. */
  readonly digestIntervalMs: number;
  /** A digest is made as fine as this many peers per bucket ask for, up to 256 buckets. */
  readonly peersPerBucket: number;
  /** Versions in one message. */
  readonly versionsMax: number;
  /** Peers whose records are asked for at once. */
  readonly fetchMax: number;
  /** Neighbours that are asked at once. */
  readonly fetchesMax: number;
  readonly fetchTimeoutMs: number;
  /** Fetching pauses so that it takes no more than this, mean over a few seconds. */
  readonly fetchBytesPerSecond: number;
  /** Serving does: a neighbour that asks for more gets an empty answer. */
  readonly serveBytesPerSecond: number;
  /** An answer ends with the record that reaches this. */
  readonly answerBytesMax: number;
}

export const defaultSummariesConfig: SummariesConfig = {
  enabled: true,
  termsMax: 200_000, // computed: 400 kB on the wire, under half of the largest message
  bitsPerTerm: 10.7, // computed: 21 bits wide, with the objects around 10,000 of them; 0.5 % false answers
  peersMax: 5_000, // the largest mesh whose summaries fit in `bytesMax` at 10,000 terms a peer
  bytesMax: 67_108_864, // target: 64 MiB
  falseShareMax: 0.05, // guess: beyond it one question in a mesh of 5,000 asks 250 peers for nothing
  batchMs: 500, // guess: a program that puts documents one by one makes one delta of many
  deltaGapMs: 2_000, // computed: with `batchMs` and a broadcast below 1 s it keeps the promise of 5 s
  waitingMax: 256, // guess: broadcast keeps the order of an origin but for a graft
  patienceMs: 1_500, // guess: longer than a broadcast with one graft
  digestIntervalMs: 60_000, // computed: 12 bytes a minute when all is well
  peersPerBucket: 16, // guess: one difference costs one bucket, about 1 kB
  versionsMax: 512, // computed: 35 kB
  fetchMax: 64, // guess
  fetchesMax: 2, // guess: two neighbours hide each other's latency
  fetchTimeoutMs: 5_000, // guess
  fetchBytesPerSecond: 1_048_576, // guess: a joiner of the largest mesh has all within two minutes
  serveBytesPerSecond: 2_097_152, // guess: two joiners at their full rate
  answerBytesMax: 65_536, // one frame
};
