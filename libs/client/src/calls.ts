import type { ClientDuplexStream, ClientReadableStream } from '@grpc/grpc-js';
import type { GrpcMethod } from '@starling/wire';
import { fromStatus } from './error-status.ts';
import { StarlingError } from './errors.ts';
import type { PeerConnection } from './peer-pool.ts';

/** One unary call to one peer. Rejects with a StarlingError. `deadline` in ms since 1970; `signal` breaks it off. */
export function callUnary<I, O>(
  { client, metadata }: PeerConnection,
  method: GrpcMethod<I, O>,
  request: I,
  { deadline, signal }: { readonly deadline: number; readonly signal: AbortSignal },
): Promise<O> {
  const bytes = encoded(method, request);
  return new Promise((resolve, reject) => {
    const cancel = (): void => call.cancel();
    const call = client.makeUnaryRequest(
      method.path,
      asItIs,
      method.responseDeserialize,
      bytes,
      metadata(),
      { deadline },
      (error, response) => {
        signal.removeEventListener('abort', cancel);
        if (error !== null || response === undefined) reject(fromStatus(error));
        else resolve(response);
      },
    );
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}

/** A message that cannot be sent is its maker's fault; grpc-js would call it a failure of the peer. */
function encoded<I>(method: Pick<GrpcMethod<I, unknown>, 'requestSerialize'>, request: I): Buffer {
  try {
    return method.requestSerialize(request);
  } catch (error) {
    throw new StarlingError(`the request cannot be sent: ${(error as Error).message}`, {
      reason: 'INVALID_REQUEST',
      cause: error,
    });
  }
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}

/** Opens a stream of answers; without `deadline` it has none. */
export function openStream<I, O>(
  { client, metadata }: PeerConnection,
  method: GrpcMethod<I, O>,
  request: I,
  deadline?: number,
): ClientReadableStream<O> {
  return client.makeServerStreamRequest(
    method.path,
    asItIs,
    method.responseDeserialize,
    encoded(method, request),
    metadata(),
    deadline === undefined ? {} : { deadline },
  );
}

export function openDuplex<I, O>(
  { client, metadata }: PeerConnection,
  method: GrpcMethod<I, O>,
): ClientDuplexStream<I, O> {
  return client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, metadata(), {});
}

/**
 * Reads a stream of answers with its own back-pressure: what the caller has not taken stays at the peer. Rejects with a
 * StarlingError; with UNREACHABLE when `silenceMs` pass without an answer while one is waited for.
 */
export async function* readStream<O>(
  call: ClientReadableStream<O>,
  options: { readonly silenceMs?: number; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<O, void, void> {
  const { silenceMs, signal } = options;
  let isSilent = false;
  const cancel = (): void => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted === true) cancel();
  const iterator = call[Symbol.asyncIterator]() as AsyncIterableIterator<O, unknown>;
  try {
    for (;;) {
      const timer =
        silenceMs === undefined
          ? undefined
          : setTimeout(() => {
              isSilent = true;
              call.cancel();
            }, silenceMs);
      const next = await iterator.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (isSilent) throw new StarlingError(`the peer was silent for ${silenceMs} ms`, { reason: 'UNREACHABLE' });
    throw fromStatus(error);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
    // After the reader is gone the cancellation still arrives as an error: nobody is left to hear it.
    call.on('error', () => {});
  }
}
