import { setTimeout } from 'k6/timers';

/** Waits until the condition holds, but no longer than `withinMs`; says whether it holds. Streams go on meanwhile. */
export async function until(withinMs: number, condition: () => boolean): Promise<boolean> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() >= end) return false;
    await pause(5);
  }
  return true;
}

/** Lets the virtual user's streams and answers be handled for so long. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
