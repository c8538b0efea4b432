import type { Clock } from '@starling/host';

/** Read once: it never changes, and its getter costs as much as the clock. */
const { timeOrigin } = performance;

class Timer {
  readonly #timeout: NodeJS.Timeout;
  #immediate: NodeJS.Immediate | undefined;

  constructor(delayMs: number, callback: () => void) {
    this.#timeout = setTimeout(() => {
      this.#immediate = setImmediate(callback);
    }, delayMs);
  }

  clear(): void {
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
  }
}

/**
 * Real time: read once from the wall when the process starts, monotonic from there. Node's event loop looks at timers before sockets, so a process
 * that was busy would find everybody silent. Here a timer is heard after the sockets: what others said in time counts.
 */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  setTimer: (delayMs, callback) => new Timer(delayMs, callback),
  clearTimer: (timer) => (timer as Timer).clear(),
};
