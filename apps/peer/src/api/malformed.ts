import { StarlingError } from '@starling/client';
import type { GrpcMethod } from '@starling/wire';

/** Stands in a call for a request whose bytes are no message of its kind. */
class Malformed {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/**
 * A method that takes any bytes: whoever serves it asks `ensureReadable`. grpc-js would answer INTERNAL without a word why, which
 * is for the peer's own failures, and a document that is nested too deep is none.
 */
export function tolerant<I, O>(method: GrpcMethod<I, O>): GrpcMethod<I | Malformed, O> {
  return {
    ...method,
    requestDeserialize: (bytes) => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new Malformed(error instanceof Error ? error.message : String(error));
      }
    },
  } as GrpcMethod<I | Malformed, O>;
}

/** Throws INVALID_REQUEST for what could not be read. */
export function ensureReadable(request: unknown): void {
  if (!(request instanceof Malformed)) return;
  throw new StarlingError(`the request cannot be read: ${request.problem}`, { reason: 'INVALID_REQUEST' });
}
