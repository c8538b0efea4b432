import type { Millis, Rng } from '@starling/kernel';

/** `spanMs` give or take `share` of it. */
export function jittered(rng: Rng, spanMs: Millis, share: number): Millis {
  return spanMs * (1 + share * (2 * rng.float() - 1));
}

/** `minMs` doubled `times` times, at most `maxMs`. */
export function backedOff(minMs: Millis, maxMs: Millis, times: number): Millis {
  return Math.min(maxMs, minMs * 2 ** Math.min(times, 30));
}
