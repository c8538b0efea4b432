import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { StarlingError, toStatus } from '@starling/client';
import type { Logger } from 'pino';

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/** Part of a deadline kept for the answer's way back, so that the caller reads our reason rather than its own timeout. */
const answerMargin = { share: 0.1, mostMs: 100 };

/**
 * How long work for a call may take, in ms: what the caller left, less the way back, and at most `mostMs`; `defaultMs`
 * when the caller set no deadline. Throws DEADLINE_EXPIRED when it is over already.
 */
export function budgetOf(call: Pick<AnyCall, 'getDeadline'>, defaultMs: number, mostMs: number): number {
  const deadline = call.getDeadline();
  const left = (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now();
  if (left === Number.POSITIVE_INFINITY) return Math.min(defaultMs, mostMs);
  if (left <= 0) {
    throw new StarlingError('the deadline had passed before the call was begun', { reason: 'DEADLINE_EXPIRED' });
  }
  return Math.min(mostMs, left - Math.min(answerMargin.mostMs, left * answerMargin.share));
}

/** Fires when the caller has gone. */
export function signalOf(call: { on(event: 'cancelled', listener: () => void): unknown }): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}

/** Whether the caller is on the peer's own machine. */
export function isLoopback(call: Pick<AnyCall, 'getPeer'>): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[?::1\]?|\[?::ffff:127\.\d+\.\d+\.\d+\]?):\d+$/.test(call.getPeer());
}

/** Ends a stream with an error's status. A defect is logged; a refusal is the caller's business. */
export function failStream(call: { emit(event: 'error', error: unknown): boolean }, error: unknown, log: Logger): void {
  if (!(error instanceof StarlingError)) log.error({ err: error }, 'a call of the API failed');
  const { code, details, metadata } = toStatus(error);
  call.emit('error', { code, details, metadata });
}
