import type { status } from '@grpc/grpc-js';
import type { LookupCost } from '@starling/wire';

/** The canonical gRPC codes but OK. */
export type StarlingCode = Exclude<keyof typeof status, 'OK'>;

/**
 * Why a call failed: stable words that programs may compare (google.rpc.ErrorInfo.reason in the domain starling.dev),
 * each with the one code it comes with. The comment says whether the peer's state changed.
 */
export const reasons = {
  /** A field breaks its rule; `violations` names it. Nothing changed. */
  INVALID_REQUEST: 'INVALID_ARGUMENT',
  /** The payload is above the peer's limit. Nothing changed. */
  PAYLOAD_TOO_LARGE: 'INVALID_ARGUMENT',
  /** A cursor is none of Starling's. Nothing changed. */
  INVALID_CURSOR: 'INVALID_ARGUMENT',
  /** A page token is none of this method's. Nothing changed. */
  INVALID_PAGE_TOKEN: 'INVALID_ARGUMENT',
  /** The same request_id was used for another message. Nothing changed. */
  REQUEST_ID_REUSED: 'INVALID_ARGUMENT',
  /** Another peer than the one that was asked is meant. Nothing changed. */
  WRONG_PEER: 'FAILED_PRECONDITION',
  /** The call carries no token, and the peer asks for one. Nothing changed. */
  TOKEN_MISSING: 'UNAUTHENTICATED',
  /** The token is none that the peer knows, or is not to be read. Nothing changed. */
  TOKEN_UNKNOWN: 'UNAUTHENTICATED',
  /** The token's time is over, or it was taken back; also ends streams. Of a call that had not begun nothing changed. */
  TOKEN_EXPIRED: 'UNAUTHENTICATED',
  /** The keys by which tokens are judged cannot be had at this peer: another one may have them. Nothing changed. */
  ISSUER_UNREACHABLE: 'UNAVAILABLE',
  /** The token's role may not call the method; `metadata.role_needed` names the least that may. Nothing changed. */
  ROLE_TOO_LOW: 'PERMISSION_DENIED',
  /**
   * A record of a ban is not taken; `metadata.refusal` says why: malformed, forged, unknownKey, expired, stale (then
   * `metadata.number` is what to exceed) or full. Nothing changed.
   */
  BAN_REFUSED: 'FAILED_PRECONDITION',
  /** The peers nearest to the key hold no record of it. */
  RECORD_NOT_FOUND: 'NOT_FOUND',
  /** A holder has a higher version of the same publisher's record. Nothing changed that lasts. */
  RECORD_SUPERSEDED: 'FAILED_PRECONDITION',
  /** Fewer than half of the peers that should hold the record took it; some may hold it. */
  RECORD_NOT_STORED: 'UNAVAILABLE',
  /** The lookup's time was over before an answer was found, or before half of the peers had taken the record; some may hold it. */
  LOOKUP_EXPIRED: 'DEADLINE_EXCEEDED',
  /** What is asked would cost more messages than it may; `metadata.messages` says how many. Nobody was asked. */
  QUERY_TOO_COSTLY: 'FAILED_PRECONDITION',
  /** The method is taken from the peer's own machine only. Nothing changed. */
  NOT_LOOPBACK: 'PERMISSION_DENIED',
  /** The deadline had passed before the work began. Nothing changed. */
  DEADLINE_EXPIRED: 'DEADLINE_EXCEEDED',
  /** The message is accepted and held by this peer, but not by as many neighbours as asked. */
  NOT_HELD: 'DEADLINE_EXCEEDED',
  /** No answer within the client's deadline; what the peer did is not known. */
  NO_ANSWER: 'DEADLINE_EXCEEDED',
  /** A bound of the peer is reached; `retryAfterMs` says when to try again. Nothing changed. */
  TOO_MANY_SUBSCRIPTIONS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_WATCHES: 'RESOURCE_EXHAUSTED',
  TOO_MANY_QUERIES: 'RESOURCE_EXHAUSTED',
  TOO_MANY_LOOKUPS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_RESPONDERS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_PUBLISHES: 'RESOURCE_EXHAUSTED',
  /** All that is published at this peer together is as much as the mesh takes of one origin; `retryAfterMs` says when the next message fits. Nothing changed. */
  PUBLISHED_TOO_FAST: 'RESOURCE_EXHAUSTED',
  /** The caller calls this peer more often than it may; `retryAfterMs` says when the next call fits. Nothing changed. */
  TOO_MANY_CALLS: 'RESOURCE_EXHAUSTED',
  /** The caller has too many streams open at this peer. Nothing changed. */
  TOO_MANY_STREAMS: 'RESOURCE_EXHAUSTED',
  /** The call's metadata is above the peer's limit. Nothing changed. */
  METADATA_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  /** The call's one message did not come in time. Nothing changed. */
  REQUEST_STALLED: 'DEADLINE_EXCEEDED',
  /** The engine answered what it was not asked, or had ended. It is no longer attached. */
  ANSWER_UNASKED: 'INVALID_ARGUMENT',
  /** The engine gave more answers than were wanted. It is no longer attached. */
  RESPONDER_FLOODS: 'RESOURCE_EXHAUSTED',
  /** The engine said nothing, or took nothing, for too long while it was asked. It is no longer attached. */
  RESPONDER_STALLED: 'DEADLINE_EXCEEDED',
  /** The index is full. Documents before the one named were stored. */
  INDEX_FULL: 'RESOURCE_EXHAUSTED',
  /** The disk of the index takes no more. Documents before the one named were stored. */
  DISK_FULL: 'RESOURCE_EXHAUSTED',
  /** The index of this peer does not work: another peer's may. Documents before the one named were stored. */
  INDEX_BROKEN: 'UNAVAILABLE',
  /** The message of the call is above the limit of the connection. Nothing changed. */
  CALL_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  /** The peer leaves the mesh: go to another. Nothing changed. */
  DRAINING: 'UNAVAILABLE',
  /** No peer could be reached. */
  UNREACHABLE: 'UNAVAILABLE',
  /** The caller gave up. */
  CANCELLED: 'CANCELLED',
  /** The peer does not know the method: it is older than the client. */
  UNKNOWN_METHOD: 'UNIMPLEMENTED',
  /** A defect of the peer; its log has the details. */
  INTERNAL: 'INTERNAL',
  /** What answered is no Starling peer, or one that is newer: see `code` and the message. */
  OTHER: 'UNKNOWN',
} as const satisfies Record<string, StarlingCode>;

export type StarlingReason = keyof typeof reasons;

/** One field of a request that breaks its rule. */
export interface FieldViolation {
  /** As in the .proto file: `topics[2]`, `documents[0].id`. */
  readonly field: string;
  /** What is wrong, for people. */
  readonly description: string;
}

/** Everything beside the message. All but `reason` is optional. */
export interface ErrorDetails {
  readonly reason: StarlingReason;
  /** Only for OTHER: the code that was answered. */
  readonly code?: StarlingCode;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** A page that says more. */
  readonly help?: string;
  /** What a lookup without an answer took. */
  readonly lookupCost?: LookupCost;
  readonly cause?: unknown;
}

/** The one error that Starling's API and its clients throw. */
export class StarlingError extends Error {
  override readonly name = 'StarlingError';
  readonly code: StarlingCode;
  readonly reason: StarlingReason;
  readonly violations: readonly FieldViolation[];
  /** When to try again, in ms; null when the peer did not say. */
  readonly retryAfterMs: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly help: string | null;
  /** What a lookup that found nothing, or was not in time, took; its first calls when a trace was wanted. */
  readonly lookupCost: LookupCost | null;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = details.reason;
    this.code = details.code ?? reasons[details.reason];
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.metadata = details.metadata ?? {};
    this.help = details.help ?? null;
    this.lookupCost = details.lookupCost ?? null;
  }

  /** The same call may succeed at once at another peer. */
  get isRetryable(): boolean {
    return this.code === 'UNAVAILABLE';
  }
}

/** A refusal of one or more fields; the message is the first violation, for people. */
export function invalidRequest(
  violations: readonly FieldViolation[],
  metadata: Readonly<Record<string, string>> = {},
): StarlingError {
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  const first = violations[0];
  return new StarlingError(`${first?.field ?? 'request'} ${first?.description ?? 'is invalid'}${more}`, {
    reason: 'INVALID_REQUEST',
    violations,
    metadata,
  });
}
