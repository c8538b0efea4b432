/** The place of the last frame at or before a time; 0 when all are after it, -1 when there is none. */
export function nearestFrame(times: readonly number[], at: number): number {
  const place = times.findLastIndex((time) => time <= at);
  return place < 0 && times.length > 0 ? 0 : place;
}

/** The time of the frame before (-1) or after (1) the one of a time; null: there is none. */
export function stepFrame(times: readonly number[], at: number, by: 1 | -1): number | null {
  const place = nearestFrame(times, at);
  return place < 0 ? null : (times[place + by] ?? null);
}
