import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, anyUnpack, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  HelpSchema,
  type LookupCost,
  LookupCostSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@starling/wire';
import { type FieldViolation, reasons, type StarlingCode, StarlingError, type StarlingReason } from './errors.ts';

/** The domain of Starling's ErrorInfo. */
export const errorDomain = 'starling.dev';
const trailer = 'grpc-status-details-bin';

/**
 * Of a status, in bytes on the wire: clients in C take no more than 8 KiB of trailers, and of more they show nothing, not even
 * the code.
 */
const statusLimits = { messageBytesMax: 1_024, violationBytesMax: 512, violationsBytesMax: 2_048 };

/** What grpc-js answers a call with. */
export interface StatusAnswer {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What a peer answers with: anything but a StarlingError is a defect, and what it says stays in the peer's log. */
export function toAnswer(error: unknown): StarlingError {
  if (error instanceof StarlingError) return error;
  return new StarlingError('the peer failed; its log has the details', { reason: 'INTERNAL', cause: error });
}

/** An error as a gRPC status with google.rpc details (AIP-193). The only place that turns errors into statuses. */
export function toStatus(error: unknown): StatusAnswer {
  const known = toAnswer(error);
  const code = status[known.code];
  const message = cut(known.message, statusLimits.messageBytesMax);
  const details: Any[] = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason: known.reason, domain: errorDomain, metadata: { ...known.metadata } }),
    ),
  ];
  if (known.violations.length > 0) {
    const fieldViolations = firstOf(known.violations);
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (known.retryAfterMs !== null) {
    details.push(
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(Math.ceil(known.retryAfterMs)) })),
    );
  }
  if (known.help !== null) {
    details.push(
      anyPack(HelpSchema, create(HelpSchema, { links: [{ description: 'What to do about it', url: known.help }] })),
    );
  }
  if (known.lookupCost !== null) details.push(anyPack(LookupCostSchema, known.lookupCost));
  const metadata = new Metadata();
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  metadata.set(trailer, Buffer.from(bytes));
  return { code, details: message, metadata };
}

/** The first of them that there is room for, one at the least; how many there are is in the message. */
function firstOf(violations: readonly FieldViolation[]): FieldViolation[] {
  const taken: FieldViolation[] = [];
  let bytes = 0;
  for (const violation of violations) {
    const field = cut(violation.field, statusLimits.violationBytesMax);
    const description = cut(violation.description, statusLimits.violationBytesMax);
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description);
    if (taken.length > 0 && bytes > statusLimits.violationsBytesMax) break;
    taken.push({ field, description });
  }
  return taken;
}

/** As much of the text as takes so many bytes percent-encoded, as gRPC sends a message. Half a character would break that. */
function cut(text: string, bytesMax: number): string {
  const whole = text.replace(/\p{Surrogate}/gu, '\ufffd');
  let bytes = 0;
  let end = 0;
  for (const character of whole) {
    bytes += encodeURI(character).length;
    if (bytes > bytesMax) return `${whole.slice(0, end)}…`;
    end += character.length;
  }
  return whole;
}

/** The StarlingError of whatever a call failed with. Never throws: details that cannot be read are left out. */
export function fromStatus(error: unknown): StarlingError {
  if (error instanceof StarlingError) return error;
  if (!isServiceError(error)) {
    return new StarlingError(error instanceof Error ? error.message : String(error), { reason: 'OTHER', cause: error });
  }
  const code = codeNames.get(error.code) ?? 'UNKNOWN';
  const found = readDetails(error);
  const reason = found.reason ?? reasonWithoutDetails(code);
  return new StarlingError(error.details === '' ? error.message : error.details, {
    ...found,
    reason,
    ...(reasons[reason] === code ? {} : { code }),
    cause: error,
  });
}

const codeNames = new Map<status, StarlingCode>(
  Object.entries(status).flatMap(([name, value]) =>
    typeof value === 'number' ? [[value, name as StarlingCode] as const] : [],
  ),
);

/** Statuses that gRPC itself made, on either side. */
function reasonWithoutDetails(code: StarlingCode): StarlingReason {
  switch (code) {
    case 'UNAVAILABLE':
      return 'UNREACHABLE';
    case 'DEADLINE_EXCEEDED':
      return 'NO_ANSWER';
    case 'CANCELLED':
      return 'CANCELLED';
    case 'UNIMPLEMENTED':
      return 'UNKNOWN_METHOD';
    case 'RESOURCE_EXHAUSTED':
      return 'CALL_TOO_LARGE';
    default:
      return 'OTHER';
  }
}

function readDetails(error: ServiceError): {
  reason?: StarlingReason;
  violations?: { field: string; description: string }[];
  retryAfterMs?: number;
  metadata?: Record<string, string>;
  help?: string;
  lookupCost?: LookupCost;
} {
  const bytes = error.metadata?.get(trailer)[0];
  if (!(bytes instanceof Uint8Array)) return {};
  const found: ReturnType<typeof readDetails> = {};
  try {
    for (const any of fromBinary(StatusSchema, bytes).details) {
      const info = anyUnpack(any, ErrorInfoSchema);
      if (info !== undefined && info.domain === errorDomain) {
        if (isReason(info.reason)) found.reason = info.reason;
        found.metadata = info.metadata;
      }
      const bad = anyUnpack(any, BadRequestSchema);
      if (bad !== undefined) {
        found.violations = bad.fieldViolations.map(({ field, description }) => ({ field, description }));
      }
      const retry = anyUnpack(any, RetryInfoSchema);
      if (retry?.retryDelay !== undefined) found.retryAfterMs = durationMs(retry.retryDelay);
      const help = anyUnpack(any, HelpSchema)?.links[0];
      if (help !== undefined) found.help = help.url;
      const lookupCost = anyUnpack(any, LookupCostSchema);
      if (lookupCost !== undefined) found.lookupCost = lookupCost;
    }
  } catch {
    // Something in between broke the trailer: the code and the message still stand.
  }
  return found;
}

function isReason(word: string): word is StarlingReason {
  return Object.hasOwn(reasons, word);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}
