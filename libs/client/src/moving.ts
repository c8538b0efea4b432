import { fromStatus } from './error-status.ts';
import { type StarlingCode, StarlingError, type StarlingReason } from './errors.ts';

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

/** As the promise; rejects with CANCELLED when the caller gives up first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new StarlingError('the caller gave up', { reason: 'CANCELLED' }));
  });
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Waits so long, or until it is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** Whether another peer may do better. */
export function canMove(error: unknown): boolean {
  const { code, reason } = fromStatus(error);
  // A connection that breaks in the middle is INTERNAL, UNKNOWN or CANCELLED with grpc-js, as it pleases.
  return !refusals.has(code) || fullReasons.has(reason);
}
