import { invalidRequest } from './errors.ts';

/** What a timer takes: 24.8 days. A longer one would fire at once. */
export const timeoutMsMax = 2 ** 31 - 1;

/** A time in ms as somebody gave it. Throws INVALID_REQUEST for what is none, such as `Infinity`. */
export function checkedMs(name: string, ms: number): number {
  if (ms >= 0 && ms <= timeoutMsMax) return ms;
  throw invalidRequest([{ field: name, description: `is ${ms}; from 0 to ${timeoutMsMax} ms are taken` }]);
}

/** A whole number as somebody gave it. Throws INVALID_REQUEST. */
export function checkedCount(name: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw invalidRequest([{ field: name, description: `is ${count}; a whole number from 0 is taken` }]);
}
