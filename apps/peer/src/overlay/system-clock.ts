import type { Clock } from '@starling/host';

/** Read once: it never changes, and its getter costs as much as the clock. */
const { timeOrigin } = performance;

/** Real time: read once from the wall when the process starts, monotonic from there. */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  setTimer: (delayMs, callback) => setTimeout(callback, delayMs),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
