/** What an observer is told about itself. Times in ms. Every default says where it comes from. */
export interface ObserveConfig {
  /** How long a watch lasts without renewal; it is renewed at half. */
  readonly leaseMs: number;
  /** The longest lease that is believed of another peer. */
  readonly leaseMaxMs: number;
  /** A peer reports every max(this, peers / `reportsPerSecond`), at most every `intervalMaxMs`. */
  readonly intervalMinMs: number;
  /** Reports of the whole mesh per second that watching may cost: 64 peers report each second, 640 every ten. */
  readonly reportsPerSecond: number;
  readonly intervalMaxMs: number;
  /** After a change of neighbours a report is due within this time … */
  readonly quickMs: number;
  /** … but no sooner than this share of the interval after the last one, and never under `quickMs`. */
  readonly quickGapShare: number;
  /** A report not renewed for so many intervals is dropped … */
  readonly staleIntervals: number;
  /** … but not before this. */
  readonly staleMinMs: number;
  /** Peers whose reports are held; others' are refused and counted. */
  readonly reportsMax: number;
}

export const defaultObserveConfig: ObserveConfig = {
  leaseMs: 15_000, // guess: the mesh stops reporting this long after the last watcher has gone
  leaseMaxMs: 60_000, // guess
  intervalMinMs: 1_000, // guess: a picture that feels live
  reportsPerSecond: 64, // computed: about 50 kB/s per peer while somebody watches, docs/protocols/observe.md
  intervalMaxMs: 60_000, // guess: reached at 3,840 peers
  quickMs: 250, // guess: a change that a person sees happen
  quickGapShare: 0.25, // guess: churn costs at most four times the quiet rate
  staleIntervals: 4, // guess
  staleMinMs: 10_000, // guess
  reportsMax: 5_000, // the largest mesh that is listed exactly
};
