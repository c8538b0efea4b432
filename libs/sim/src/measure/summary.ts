/** What a list of samples comes to. All zero when the list is empty. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p99: number;
}

/** Summarises samples. Percentiles are the nearest rank. Does not change `samples`. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) return { count: 0, mean: 0, min: 0, max: 0, p50: 0, p99: 0 };
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  return {
    count: sorted.length,
    mean: sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length,
    min: rank(0),
    max: rank(1),
    p50: rank(0.5),
    p99: rank(0.99),
  };
}

/** The arithmetic mean; 0 of nothing. */
export function mean(samples: readonly number[]): number {
  return summarize(samples).mean;
}
