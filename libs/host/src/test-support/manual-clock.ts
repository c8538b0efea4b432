import type { Millis } from '@starling/kernel';
import type { Clock, TimerHandle } from '../clock.ts';

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  readonly #timers = new Map<number, { readonly at: Millis; readonly callback: () => void }>();
  #now: Millis = 0;
  #next = 1;

  now(): Millis {
    return this.#now;
  }

  setTimer(delayMs: Millis, callback: () => void): TimerHandle {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return id;
  }

  clearTimer(timer: TimerHandle): void {
    this.#timers.delete(timer as number);
  }

  /** Timers set so far. */
  get timersSet(): number {
    return this.#next - 1;
  }

  get armed(): number {
    return this.#timers.size;
  }

  /** Lets time pass, firing timers when they are due. */
  pass(ms: Millis): void {
    const end = this.#now + ms;
    for (let due = this.#first(end); due !== undefined; due = this.#first(end)) {
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
    }
    this.#now = end;
  }

  /** The process was stopped for so long: no timer fires meanwhile, all that are due do afterwards. */
  stall(ms: Millis): void {
    this.#now += ms;
    this.pass(0);
  }

  #first(end: Millis): [number, { readonly at: Millis; readonly callback: () => void }] | undefined {
    return [...this.#timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
  }
}

/** Lets every promise that can go on, go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}
