import { type Duration, durationMs, type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { type FieldViolation, invalidRequest, StarlingError } from '@starling/client';
import type { SignedBan } from '@starling/core-bans';
import { type Pattern, parsePattern, parseTopic } from '@starling/core-pubsub';
import { isPeerId } from '@starling/identity';
import type { QueryStrategy as MeshStrategy } from '@starling/mesh';
import { describeProblem, parseQuery, queryLimits } from '@starling/query';
import {
  Acknowledge,
  type BanPeerRequest,
  BanScope,
  banTextLimits,
  type Document,
  isBanText,
  type PublishRequest,
  type QueryRequest,
  QueryStrategy,
  type RespondAttach,
  type SubscribeRequest,
  type UnbanPeerRequest,
} from '@starling/wire';
import type { Question } from '../overlay/queries.ts';
import type { ResponderSpec } from '../responders/attachment.ts';
import { topicProblem } from '../responders/question.ts';

/** Bounds of the public API that are no settings; each is stated in the .proto files. */
export const apiLimits = {
  headersMax: 32,
  headersBytesMax: 8 * 1024,
  holdNeighborsMax: 8,
  requestIdMax: 64,
  topicsMax: 64,
  cursorsMax: 4_096,
  cursorCharsMax: 16_384,
  documentsMax: 1_000,
  documentIdMax: 256,
  documentBytesMax: 64 * 1024,
  queryCharsMax: queryLimits.queryCharsMax,
  queryHitsDefault: 20,
  queryHitsMax: 1_000,
  queryBudgetMax: 65_536,
  queryTimeoutDefaultMs: 5_000,
  queryTimeoutMaxMs: 30_000,
  responderNameMax: 64,
  responderTopicsMax: 16,
  responderConcurrencyMax: 256,
  answerBytesMax: 1024 * 1024,
  pageSizeMax: 1_000,
  drainTimeoutDefaultMs: 5_000,
  drainTimeoutMaxMs: 60_000,
  banReasonMax: banTextLimits.reason,
  banDurationMaxMs: 36_500 * 86_400_000,
  lookupTimeoutDefaultMs: 5_000,
  lookupTimeoutMaxMs: 60_000,
  lookupAnswersMax: 20,
  /** Of a trailer, which clients in C take no more than 8 KiB of, base64 included. */
  errorCallsBytesMax: 4 * 1024,
  recordLifeDefaultMs: 86_400_000,
  offerCharsMax: 256,
  findPeersDefault: 20,
  /** Holders that FindPeers hears: not every one knows the latest. */
  findPeersAnswers: 3,
} as const;

/** Collects what is wrong with a request, so that a person sees all of it at once. */
export class Violations {
  readonly #found: FieldViolation[] = [];
  #metadata: Readonly<Record<string, string>> = {};

  check(isFine: boolean, field: string, description: string): void {
    if (!isFine) this.#found.push({ field, description });
  }

  /** For programs, beside what is found. */
  tell(metadata: Readonly<Record<string, string>>): void {
    this.#metadata = { ...this.#metadata, ...metadata };
  }

  /** Throws INVALID_REQUEST when there is any. */
  done(): void {
    if (this.#found.length > 0) throw invalidRequest(this.#found, this.#metadata);
  }
}

const headerName = /^[a-z0-9][a-z0-9_.-]{0,127}$/;

/** Throws INVALID_REQUEST or PAYLOAD_TOO_LARGE. */
export function checkPublish(request: PublishRequest, payloadBytesMax: number): void {
  const { payload, headers, acknowledge, holdNeighbors, requestId } = request;
  if (payload.length > payloadBytesMax) {
    const description = `has ${payload.length} bytes; at most ${payloadBytesMax} are taken (STARLING_PAYLOAD_BYTES_MAX)`;
    throw new StarlingError(`payload ${description}`, {
      reason: 'PAYLOAD_TOO_LARGE',
      violations: [{ field: 'payload', description }],
      metadata: { limit_bytes: String(payloadBytesMax) },
    });
  }
  const violations = new Violations();
  const topic = parseTopic(request.topic);
  violations.check(topic.ok, 'topic', topic.ok ? '' : topic.problem);
  const entries = Object.entries(headers);
  violations.check(
    entries.length <= apiLimits.headersMax,
    'headers',
    `has ${entries.length} entries; at most ${apiLimits.headersMax} are taken`,
  );
  let bytes = 0;
  for (const [name, value] of entries.slice(0, apiLimits.headersMax)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    violations.check(
      headerName.test(name),
      `headers[${JSON.stringify(name.slice(0, 64))}]`,
      'must be named by lower-case letters, digits, "-", "_" or ".", beginning with a letter or digit',
    );
  }
  violations.check(
    bytes <= apiLimits.headersBytesMax,
    'headers',
    `have together ${bytes} bytes; at most ${apiLimits.headersBytesMax} are taken`,
  );
  // A later one may promise more than this peer would keep.
  violations.check(
    acknowledge >= 0 && acknowledge <= Acknowledge.HELD,
    'acknowledge',
    `is ${acknowledge}; known are ACKNOWLEDGE_ACCEPTED and ACKNOWLEDGE_HELD`,
  );
  violations.check(
    holdNeighbors <= apiLimits.holdNeighborsMax,
    'hold_neighbors',
    `is ${holdNeighbors}; at most ${apiLimits.holdNeighborsMax} can be waited for`,
  );
  violations.check(
    requestId.length <= apiLimits.requestIdMax,
    'request_id',
    `has ${requestId.length} characters; at most ${apiLimits.requestIdMax} are taken`,
  );
  violations.done();
}

/** Throws INVALID_REQUEST. Cursors are checked where they are read. */
export function checkSubscribe(request: SubscribeRequest): void {
  const { topics, cursors, sinceTime, replayAll } = request;
  const violations = new Violations();
  violations.check(
    topics.length >= 1 && topics.length <= apiLimits.topicsMax,
    'topics',
    `has ${topics.length} entries; from 1 to ${apiLimits.topicsMax} are taken`,
  );
  for (const [i, text] of topics.slice(0, apiLimits.topicsMax).entries()) {
    const pattern = parsePattern(text);
    violations.check(pattern.ok, `topics[${i}]`, pattern.ok ? '' : pattern.problem);
  }
  violations.check(
    cursors.length <= apiLimits.cursorsMax,
    'cursors',
    `has ${cursors.length} entries; at most ${apiLimits.cursorsMax} are taken`,
  );
  violations.check(
    cursors.every((cursor) => cursor.length <= apiLimits.cursorCharsMax),
    'cursors',
    `has an entry of more than ${apiLimits.cursorCharsMax} characters`,
  );
  const starts = [cursors.length > 0, sinceTime !== undefined, replayAll].filter(Boolean).length;
  violations.check(
    starts <= 1,
    'cursors',
    'cannot be combined with since_time or replay_all: choose one place to begin',
  );
  if (sinceTime !== undefined) {
    const ms = timestampMs(sinceTime);
    violations.check(Number.isFinite(ms) && isTimestamp(sinceTime), 'since_time', 'is not a valid time');
  }
  violations.done();
}

/** Throws INVALID_REQUEST. Returns the documents as the index keeps them; `now`: ms since 1970, for those without a version. */
export function checkDocuments(
  documents: readonly Document[],
  now: number,
): { readonly id: string; readonly json: string; readonly version: number }[] {
  const violations = new Violations();
  violations.check(
    documents.length >= 1 && documents.length <= apiLimits.documentsMax,
    'documents',
    `has ${documents.length} entries; from 1 to ${apiLimits.documentsMax} are taken`,
  );
  const checked = documents.slice(0, apiLimits.documentsMax).map((document, i) => {
    checkDocumentId(violations, document.id, `documents[${i}].id`);
    const json = JSON.stringify(document.fields ?? {});
    const bytes = Buffer.byteLength(json);
    violations.check(
      bytes <= apiLimits.documentBytesMax,
      `documents[${i}].fields`,
      `has ${bytes} bytes as JSON; at most ${apiLimits.documentBytesMax} are taken`,
    );
    violations.check(
      document.version <= Number.MAX_SAFE_INTEGER,
      `documents[${i}].version`,
      `is ${document.version}; at most ${Number.MAX_SAFE_INTEGER} is taken`,
    );
    return { id: document.id, json, version: document.version === 0n ? now : Number(document.version) };
  });
  violations.done();
  return checked;
}

/** Throws INVALID_REQUEST. */
export function checkDocumentIds(ids: readonly string[]): void {
  const violations = new Violations();
  violations.check(
    ids.length >= 1 && ids.length <= apiLimits.documentsMax,
    'ids',
    `has ${ids.length} entries; from 1 to ${apiLimits.documentsMax} are taken`,
  );
  for (const [i, id] of ids.slice(0, apiLimits.documentsMax).entries()) checkDocumentId(violations, id, `ids[${i}]`);
  violations.done();
}

/** The API's word for each strategy that there is. */
export const queryStrategies: Readonly<Record<Exclude<MeshStrategy, 'auto'>, QueryStrategy>> = {
  exhaustive: QueryStrategy.EXHAUSTIVE,
  walk: QueryStrategy.WALK,
  ring: QueryStrategy.RING,
  guided: QueryStrategy.GUIDED,
  summary: QueryStrategy.SUMMARY,
};
/** As the API writes them, for whoever misspelt one. */
const strategyNames = ['AUTO', ...Object.keys(queryStrategies).map((name) => name.toUpperCase())].join(', ');

/** Throws INVALID_REQUEST. Returns what is asked with the defaults filled in. */
export function checkQuery(request: QueryRequest): { question: Question; timeoutMs: number } {
  const violations = new Violations();
  const { text } = request;
  if (text.startsWith('@')) {
    const wrong = topicProblem(text);
    violations.check(wrong === null, 'text', wrong ?? '');
    const tooLong = `has ${text.length} characters; at most ${apiLimits.queryCharsMax} are taken`;
    violations.check(text.length <= apiLimits.queryCharsMax, 'text', tooLong);
  } else {
    const parsed = parseQuery(text);
    violations.check(parsed.ok, 'text', parsed.ok ? '' : describeProblem(parsed));
    if (!parsed.ok) violations.tell({ text_at: String(parsed.at), text_end: String(parsed.end) });
  }
  violations.check(
    request.limit <= apiLimits.queryHitsMax,
    'limit',
    `is ${request.limit}; at most ${apiLimits.queryHitsMax} hits are given`,
  );
  const timeoutMs = durationOr(request.timeout, apiLimits.queryTimeoutDefaultMs);
  violations.check(
    timeoutMs > 0 && timeoutMs <= apiLimits.queryTimeoutMaxMs,
    'timeout',
    `must be above 0 and at most ${apiLimits.queryTimeoutMaxMs / 1000} s`,
  );
  const strategy = strategyOf(request.strategy);
  violations.check(strategy !== undefined, 'strategy', `is ${request.strategy}; known are ${strategyNames}`);
  violations.check(
    request.messageBudget <= apiLimits.queryBudgetMax,
    'message_budget',
    `is ${request.messageBudget}; at most ${apiLimits.queryBudgetMax} messages are spent`,
  );
  // Who has an engine is only known when everybody is asked.
  const isForAll = text.startsWith('@');
  const canAskAll = strategy === 'auto' || strategy === 'exhaustive';
  violations.check(
    !isForAll || (canAskAll && request.messageBudget === 0),
    'strategy',
    'must be EXHAUSTIVE or AUTO, without a budget, for the engines of a topic',
  );
  violations.check(
    request.messageBudget === 0 || strategy !== 'exhaustive',
    'message_budget',
    'cannot be kept when everybody is asked: leave it out, or choose WALK, RING or GUIDED',
  );
  violations.done();
  return {
    question: {
      text,
      limit: request.limit === 0 ? apiLimits.queryHitsDefault : request.limit,
      strategy: isForAll ? 'exhaustive' : (strategy ?? 'auto'),
      trace: request.trace,
      budget: request.messageBudget,
    },
    timeoutMs,
  };
}

/** Undefined: a number that this version has no word for. */
function strategyOf(proto: QueryStrategy): MeshStrategy | undefined {
  if (proto === QueryStrategy.UNSPECIFIED || proto === QueryStrategy.AUTO) return 'auto';
  return (Object.keys(queryStrategies) as Exclude<MeshStrategy, 'auto'>[]).find(
    (name) => queryStrategies[name] === proto,
  );
}

const responderName = /^[A-Za-z0-9._-]+$/;
/** Questions at once of an engine that does not say. */
const concurrencyDefault = 8;

/** Throws INVALID_REQUEST. Undefined: the first request was something else. */
export function checkAttach(attach: RespondAttach | undefined): ResponderSpec {
  const { responderNameMax, responderTopicsMax, responderConcurrencyMax } = apiLimits;
  const violations = new Violations();
  violations.check(attach !== undefined, 'attach', 'must come first');
  violations.done();
  const { name = '', topics = [], concurrency = 0 } = attach ?? {};
  violations.check(
    name.length <= responderNameMax && responderName.test(name),
    'attach.name',
    `must have from 1 to ${responderNameMax} letters, digits, "-", "_" or "."`,
  );
  violations.check(
    topics.length >= 1 && topics.length <= responderTopicsMax,
    'attach.topics',
    `has ${topics.length} entries; from 1 to ${responderTopicsMax} are taken`,
  );
  const patterns: Pattern[] = [];
  for (const [i, text] of topics.slice(0, responderTopicsMax).entries()) {
    const pattern = parsePattern(text);
    if (pattern.ok) patterns.push(pattern.value);
    else violations.check(false, `attach.topics[${i}]`, pattern.problem);
  }
  violations.check(
    concurrency <= responderConcurrencyMax,
    'attach.concurrency',
    `is ${concurrency}; at most ${responderConcurrencyMax} questions are put at once`,
  );
  violations.done();
  return { name, topics: patterns, concurrency: concurrency === 0 ? concurrencyDefault : concurrency };
}

/** Throws INVALID_REQUEST. */
export function checkPageSize(pageSize: number): number {
  const violations = new Violations();
  violations.check(
    pageSize >= 0 && pageSize <= apiLimits.pageSizeMax,
    'page_size',
    `is ${pageSize}; from 0 to ${apiLimits.pageSizeMax} is taken`,
  );
  violations.done();
  return pageSize === 0 ? apiLimits.pageSizeMax : pageSize;
}

/** Throws INVALID_REQUEST. */
export function checkDrainTimeout(timeout: Duration | undefined): number {
  const violations = new Violations();
  const timeoutMs = durationOr(timeout, apiLimits.drainTimeoutDefaultMs);
  violations.check(
    timeoutMs >= 0 && timeoutMs <= apiLimits.drainTimeoutMaxMs,
    'timeout',
    `must be from 0 to ${apiLimits.drainTimeoutMaxMs / 1000} s`,
  );
  violations.done();
  return timeoutMs;
}

function checkDocumentId(violations: Violations, id: string, field: string): void {
  violations.check(
    id.length >= 1 && id.length <= apiLimits.documentIdMax,
    field,
    id === '' ? 'must not be empty' : `has ${id.length} characters; at most ${apiLimits.documentIdMax} are taken`,
  );
}

export function durationOr(duration: Duration | undefined, otherwise: number): number {
  return duration === undefined ? otherwise : durationMs(duration);
}

/** protobuf's own range: years 1 to 9999, and nanoseconds below a second. */
export function isTimestamp({ seconds, nanos }: Timestamp): boolean {
  return seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1_000_000_000;
}

/** Whom to ban or to let back in, and where. */
export type BanWish =
  | { readonly scope: 'peer'; readonly peerId: string; readonly forMs: number; readonly reason: string }
  | { readonly scope: 'mesh'; readonly peerId: string; readonly record: SignedBan };

/** Throws INVALID_REQUEST. */
export function checkBan(request: BanPeerRequest, selfId: string): BanWish {
  const { duration, reason, scope, peerId } = request;
  if (scope === BanScope.MESH) return checkRecord(request);
  const violations = new Violations();
  checkLocal(violations, request);
  violations.check(peerId !== selfId, 'peer_id', 'is the peer that is asked: no peer bans itself');
  const forMs = duration === undefined ? Number.POSITIVE_INFINITY : durationMs(duration);
  violations.check(
    forMs > 0 && (forMs <= apiLimits.banDurationMaxMs || duration === undefined),
    'duration',
    `must be above 0 and at most ${apiLimits.banDurationMaxMs / 86_400_000} days; leave it out for a ban until it is lifted`,
  );
  violations.check(reason.trim() !== '', 'reason', 'is missing: say why, for who finds it later');
  violations.check(
    isBanText(reason, 'reason'),
    'reason',
    `must have at most ${apiLimits.banReasonMax} characters, and no control characters`,
  );
  violations.done();
  return { scope: 'peer', peerId, forMs, reason };
}

/** Throws INVALID_REQUEST. */
export function checkUnban(request: UnbanPeerRequest): BanWish {
  if (request.scope === BanScope.MESH) return checkRecord(request);
  const violations = new Violations();
  checkLocal(violations, request);
  violations.done();
  return { scope: 'peer', peerId: request.peerId, forMs: 0, reason: '' };
}

function checkLocal(violations: Violations, { scope, peerId, record }: BanPeerRequest | UnbanPeerRequest): void {
  violations.check(scope >= 0 && scope <= BanScope.MESH, 'scope', 'is none that this peer knows');
  violations.check(record === undefined, 'record', 'is for the scope BAN_SCOPE_MESH');
  // A name, or a part of an id, would ban nobody without a word.
  violations.check(isPeerId(peerId), 'peer_id', 'must be the id of a peer, 52 letters and digits: ListPeers tells it');
}

function checkRecord({ peerId, record }: BanPeerRequest | UnbanPeerRequest): BanWish {
  if (record === undefined) {
    throw invalidRequest([
      { field: 'record', description: 'is missing: a ban of the mesh is signed by an operator (starling ban)' },
    ]);
  }
  const { statement, signature, key } = record;
  return { scope: 'mesh', peerId, record: { statement: new Uint8Array(statement), signature, key } };
}
