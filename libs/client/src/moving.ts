import { fromStatus } from './error-status.ts';
import type { StarlingCode, StarlingReason } from './errors.ts';

/** What every peer would say. */
const refusals: ReadonlySet<StarlingCode> = new Set([
  'INVALID_ARGUMENT',
  'UNIMPLEMENTED',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
]);
/** But not these: another peer may have room. */
const fullReasons: ReadonlySet<StarlingReason> = new Set([
  'TOO_MANY_SUBSCRIPTIONS',
  'TOO_MANY_RESPONDERS',
  'TOO_MANY_STREAMS',
  'TOO_MANY_CALLS',
]);
/** Waits so long, or until it is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** Whether another peer may do better. */
export function canMove(error: unknown): boolean {
  const { code, reason } = fromStatus(error);
  // A connection that breaks in the middle is INTERNAL, UNKNOWN or CANCELLED with grpc-js, as it pleases.
  return !refusals.has(code) || fullReasons.has(reason);
}
