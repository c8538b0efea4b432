import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Hit } from '@starling/core-search';
import type { HolderMessage, SummariesMessage, SummaryDelta, SummaryRecord } from '@starling/core-summaries';
import { unreachable } from '@starling/kernel';
import type { KindInit, KindOf } from './control-codec.ts';
import type { SummaryDelta as DeltaProto, SummaryDeltaSchema } from './gen/starling/link/v1/body_pb.ts';
import type { SummaryRecord as RecordProto, SummaryRecordSchema } from './gen/starling/link/v1/summaries_pb.ts';
import { finite, fromUint64, toUint64 } from './peer-codec.ts';
import { fromHit, fromStatistics, toHit, toStatistics } from './search-codec.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export function toSummaries(message: SummariesMessage): KindInit {
  switch (message.kind) {
    case 'summaryDigest':
      return { case: 'summaryDigest', value: { hashes: [...message.hashes] } };
    case 'summaryVersions': {
      const { bucketCount, buckets, entries, reply } = message;
      const versions = entries.map(({ id, version }) => ({ id, version: toUint64(version) }));
      return { case: 'summaryVersions', value: { bucketCount, buckets: [...buckets], entries: versions, reply } };
    }
    case 'summaryFetch':
      return { case: 'summaryFetch', value: { ids: [...message.ids] } };
    case 'summaryRecords':
      return { case: 'summaryRecords', value: { records: message.records.map(toRecord) } };
    default:
      return unreachable(message);
  }
}

export function fromSummaries(kind: KindOf<SummariesMessage['kind']>): SummariesMessage {
  switch (kind.case) {
    case 'summaryDigest':
      return { kind: 'summaryDigest', hashes: kind.value.hashes };
    case 'summaryVersions': {
      const { bucketCount, buckets, reply } = kind.value;
      const entries = kind.value.entries.map(({ id, version }) => ({ id, version: fromUint64(version) }));
      return { kind: 'summaryVersions', bucketCount, buckets, entries, reply };
    }
    case 'summaryFetch':
      return { kind: 'summaryFetch', ids: kind.value.ids };
    case 'summaryRecords':
      return { kind: 'summaryRecords', records: kind.value.records.map(fromRecord) };
    default:
      return unreachable(kind);
  }
}

export function toHolders(message: HolderMessage<Hit>): KindInit {
  switch (message.kind) {
    case 'holderQuery': {
      const { queryId, text, limit, timeoutMs, statistics, trace = false } = message;
      return { case: 'holderQuery', value: { queryId, text, limit, timeoutMs, ...toStatistics(statistics), trace } };
    }
    case 'holderAnswer': {
      const { queryId, hits, done, refused, statistics, elapsedMs } = message;
      const rest = { ...toStatistics(statistics), ...(elapsedMs !== undefined && { elapsedMs }) };
      return { case: 'holderAnswer', value: { queryId, hits: hits.map(toHit), done, refused, ...rest } };
    }
    case 'holderCancel':
      return { case: 'holderCancel', value: { queryId: message.queryId } };
    default:
      return unreachable(message);
  }
}

export function fromHolders(kind: KindOf<HolderMessage<Hit>['kind']>): HolderMessage<Hit> {
  switch (kind.case) {
    case 'holderQuery': {
      const { queryId, text, limit, timeoutMs, statistics, trace } = kind.value;
      const rest = { ...fromStatistics(statistics), ...(trace && { trace }) };
      return { kind: 'holderQuery', queryId, text, limit, timeoutMs: finite(timeoutMs), ...rest };
    }
    case 'holderAnswer': {
      const { queryId, hits, done, refused, statistics, elapsedMs } = kind.value;
      const rest = { ...fromStatistics(statistics), ...(elapsedMs !== undefined && { elapsedMs: finite(elapsedMs) }) };
      return { kind: 'holderAnswer', queryId, hits: hits.map(fromHit), done, refused, ...rest };
    }
    case 'holderCancel':
      return { kind: 'holderCancel', queryId: kind.value.queryId };
    default:
      return unreachable(kind);
  }
}

export function toDelta(delta: SummaryDelta): MessageInitShape<typeof SummaryDeltaSchema> {
  const { version, base, added, removed, documents, words, mayHold } = delta;
  return {
    version: toUint64(version),
    base: toUint64(base),
    added: added as Bytes,
    removed: removed as Bytes,
    documents: toUint64(documents),
    words: toUint64(words),
    mayHold,
  };
}

export function fromDelta({ version, base, added, removed, documents, words, mayHold }: DeltaProto): SummaryDelta {
  return {
    version: fromUint64(version),
    base: fromUint64(base),
    added: plain(added),
    removed: plain(removed),
    documents: fromUint64(documents),
    words: fromUint64(words),
    mayHold,
  };
}

function toRecord(record: SummaryRecord): MessageInitShape<typeof SummaryRecordSchema> {
  const { id, version, terms, exact, documents, words, mayHold } = record;
  return {
    id,
    version: toUint64(version),
    terms: terms as Bytes,
    documents: toUint64(documents),
    words: toUint64(words),
    mayHold,
    ...(exact !== undefined && { exactTerms: exact as Bytes }),
  };
}

function fromRecord({ id, version, terms, documents, words, mayHold, exactTerms }: RecordProto): SummaryRecord {
  return {
    id,
    version: fromUint64(version),
    terms: plain(terms),
    documents: fromUint64(documents),
    words: fromUint64(words),
    mayHold,
    ...(exactTerms.length > 0 && { exact: plain(exactTerms) }),
  };
}

/** A view of bytes that may be a part of Node's Buffer. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
