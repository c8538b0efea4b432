import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { LookupRecord, UnsignedRecord } from '@starling/core-kademlia';
import { publisherOf } from '@starling/identity';
import { defaultMeshConfig } from '@starling/mesh';
import type { FindPeersRequest, GetRecordRequest, PutRecordRequest, Record } from '@starling/wire';
import { apiLimits, durationOr, isTimestamp, Violations } from './validate.ts';

const { keyBytesMax, valueBytesMax, lifeMaxMs, pathsMax, putPaths, publishersPerValueMax, providersPerKeyMax } =
  defaultMeshConfig.lookup;

/** What is to be put, and who has signed it; null: nobody yet. */
export interface PutWish {
  readonly record: UnsignedRecord;
  readonly signedBy: Pick<LookupRecord, 'publisher' | 'publicKey' | 'signature'> | null;
  readonly paths: number;
  readonly timeoutMs: number;
}

/** Throws INVALID_REQUEST. */
export function checkPutRecord(request: PutRecordRequest, now: number): PutWish {
  const violations = new Violations();
  const common = {
    paths: checkPaths(violations, request.paths, putPaths),
    timeoutMs: checkTimeout(violations, request.timeout),
  };
  const { what } = request;
  switch (what.case) {
    case 'record': {
      const wish = checkRecord(violations, what.value, now);
      violations.check(request.offerDuration === undefined, 'offer_duration', 'is for an offer');
      violations.done();
      return { ...wish, ...common };
    }
    case 'offer': {
      const forMs = durationOr(request.offerDuration, apiLimits.recordLifeDefaultMs);
      checkName(violations, what.value, 'offer');
      violations.check(forMs > 0 && forMs <= lifeMaxMs, 'offer_duration', `must be above 0 and at most ${days} days`);
      violations.done();
      const key = Uint8Array.from(Buffer.from(what.value));
      const time = { version: Math.floor(now), expiresAt: Math.floor(now + forMs) };
      return { record: { kind: 'provider', key, value: new Uint8Array(), ...time }, signedBy: null, ...common };
    }
    default:
      violations.check(false, 'record', 'or an offer must be given');
      violations.done();
      throw new Error('a violation was found');
  }
}

const days = lifeMaxMs / 86_400_000;

function checkRecord(violations: Violations, record: Record, now: number): Pick<PutWish, 'record' | 'signedBy'> {
  const { value, publicKey, signature } = record;
  checkKey(violations, record.key, 'record.key');
  violations.check(
    value.length <= valueBytesMax,
    'record.value',
    `has ${value.length} bytes; at most ${valueBytesMax} are taken`,
  );
  const isSigned = publicKey.length > 0 || signature.length > 0;
  const publisher = isSigned ? publisherOf(publicKey) : '';
  violations.check(publisher !== null, 'record.public_key', 'is no P-256 key in DER (SubjectPublicKeyInfo)');
  const version = Number(record.version);
  violations.check(Number.isSafeInteger(version), 'record.version', 'is above 2^53 − 1');
  violations.check(!isSigned || version > 0, 'record.version', 'must be set in a signed record');
  violations.check(
    !isSigned || record.expireTime !== undefined,
    'record.expire_time',
    'must be set in a signed record',
  );
  let expiresAt = Math.floor(now + apiLimits.recordLifeDefaultMs);
  if (record.expireTime !== undefined) {
    violations.check(isTimestamp(record.expireTime), 'record.expire_time', 'is not a valid time');
    violations.check(
      record.expireTime.nanos % 1_000_000 === 0 || !isSigned,
      'record.expire_time',
      'must be whole milliseconds in a signed record',
    );
    expiresAt = Math.floor(timestampMs(record.expireTime));
    violations.check(expiresAt > now, 'record.expire_time', 'is over already');
    violations.check(expiresAt <= now + lifeMaxMs, 'record.expire_time', `is more than ${days} days away`);
  }
  return {
    record: {
      ...{ kind: 'value', key: copy(record.key), value: copy(value), expiresAt },
      version: version === 0 ? Math.floor(now) : version,
    },
    signedBy: isSigned ? { publisher: publisher ?? '', publicKey: copy(publicKey), signature: copy(signature) } : null,
  };
}

/** Throws INVALID_REQUEST. Returns what is asked with the defaults filled in. */
export function checkGetRecord(
  request: GetRecordRequest,
): Pick<GetRecordRequest, 'key' | 'publisher' | 'answers' | 'limit' | 'paths'> & { readonly timeoutMs: number } {
  const violations = new Violations();
  const { key, publisher, answers, limit } = request;
  checkKey(violations, key, 'key');
  violations.check(publisher.length <= 64, 'publisher', `has ${publisher.length} characters; no id has more than 64`);
  violations.check(
    answers <= apiLimits.lookupAnswersMax,
    'answers',
    `is ${answers}; at most ${apiLimits.lookupAnswersMax} can be waited for`,
  );
  violations.check(
    limit <= publishersPerValueMax,
    'limit',
    `is ${limit}; there are at most ${publishersPerValueMax} publishers`,
  );
  const paths = checkPaths(violations, request.paths, 1);
  const timeoutMs = checkTimeout(violations, request.timeout);
  violations.done();
  return {
    ...{ key: copy(key), publisher, answers: Math.max(1, answers), paths, timeoutMs },
    limit: limit === 0 ? publishersPerValueMax : limit,
  };
}

/** Throws INVALID_REQUEST. Returns what is asked with the defaults filled in. */
export function checkFindPeers(
  request: FindPeersRequest,
): Pick<FindPeersRequest, 'name' | 'limit' | 'paths'> & { readonly timeoutMs: number } {
  const violations = new Violations();
  const { name, limit } = request;
  checkName(violations, name, 'name');
  violations.check(limit <= providersPerKeyMax, 'limit', `is ${limit}; at most ${providersPerKeyMax} are given`);
  const paths = checkPaths(violations, request.paths, 1);
  const timeoutMs = checkTimeout(violations, request.timeout);
  violations.done();
  return { name, limit: limit === 0 ? apiLimits.findPeersDefault : limit, paths, timeoutMs };
}

function checkKey(violations: Violations, key: Uint8Array, field: string): void {
  const isFine = key.length >= 1 && key.length <= keyBytesMax;
  violations.check(isFine, field, `has ${key.length} bytes; from 1 to ${keyBytesMax} are taken`);
}

function checkName(violations: Violations, name: string, field: string): void {
  const isFine = name.length >= 1 && name.length <= apiLimits.offerCharsMax && Buffer.byteLength(name) <= keyBytesMax;
  violations.check(
    isFine,
    field,
    `has ${name.length} characters; from 1 to ${apiLimits.offerCharsMax}, in ${keyBytesMax} bytes of UTF-8, are taken`,
  );
}

function checkPaths(violations: Violations, paths: number, otherwise: number): number {
  violations.check(paths <= pathsMax, 'paths', `is ${paths}; at most ${pathsMax} are taken`);
  return paths === 0 ? otherwise : paths;
}

function checkTimeout(violations: Violations, timeout: PutRecordRequest['timeout']): number {
  const timeoutMs = durationOr(timeout, apiLimits.lookupTimeoutDefaultMs);
  violations.check(
    timeoutMs > 0 && timeoutMs <= apiLimits.lookupTimeoutMaxMs,
    'timeout',
    `must be above 0 and at most ${apiLimits.lookupTimeoutMaxMs / 1000} s`,
  );
  return timeoutMs;
}

/** What is kept must not keep the buffer of its call alive. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}
