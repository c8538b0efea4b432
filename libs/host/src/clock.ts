import type { Millis } from '@starling/kernel';

/** A timer that was set; opaque. */
export type TimerHandle = unknown;

/** Time, as a port: real in a pod, virtual in tests. */
export interface Clock {
  /** Never goes back; see `Millis`. */
  now(): Millis;
  /** Calls `callback` once, not before `delayMs` have passed. */
  setTimer(delayMs: Millis, callback: () => void): TimerHandle;
  clearTimer(timer: TimerHandle): void;
}
