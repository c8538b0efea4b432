import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Hit, QueryTally, SearchMessage, SeekStrategy, SeekTally, TermsPart } from '@starling/core-search';
import { unreachable } from '@starling/kernel';
import type { TermStatistics } from '@starling/query';
import { enumNames } from './enum-names.ts';
import type { Message as MessageProto, MessageSchema } from './gen/starling/link/v1/link_pb.ts';
import {
  type Hit as HitProto,
  type HitSchema,
  SeekStrategy as SeekStrategyProto,
  type SeekTally as SeekTallyProto,
  type TermStatistics as StatisticsProto,
  type QueryTally as TallyProto,
  type TermFilter,
  type TermFilterSchema,
  type TermStatisticsSchema,
} from './gen/starling/link/v1/search_pb.ts';
import { finite, fromUint64, toUint64 } from './peer-codec.ts';
import { fromResponders, fromTrace, toSpans } from './search-parts.ts';

type KindInit = NonNullable<MessageInitShape<typeof MessageSchema>['kind']>;
type SearchKind = Extract<MessageProto['kind'], { readonly case: SearchMessage['kind'] }>;

const strategies = enumNames<SeekStrategy, SeekStrategyProto>({
  walk: SeekStrategyProto.WALK,
  ring: SeekStrategyProto.RING,
  guided: SeekStrategyProto.GUIDED,
});

/** A search message as a `Message.kind` of link.proto. */
export function toSearch(message: SearchMessage): KindInit {
  switch (message.kind) {
    case 'query': {
      const { queryId, wave, text, limit, timeoutMs, hops, tree, trace = false } = message;
      const value = { queryId, wave, text, limit, timeoutMs, hops, tree, trace, ...toStatistics(message.statistics) };
      return { case: 'query', value };
    }
    case 'answer': {
      const { queryId, wave, hits, done, trace } = message;
      const end = done === null ? {} : { done: toQueryTally(done), ...toSpans(trace) };
      return { case: 'answer', value: { queryId, wave, hits: hits.map(toHit), ...end } };
    }
    case 'decline':
      return { case: 'decline', value: { queryId: message.queryId, wave: message.wave } };
    case 'cancel':
      return { case: 'cancel', value: { queryId: message.queryId } };
    case 'seek':
      return { case: 'seek', value: toSeek(message) };
    case 'found': {
      const { queryId, round, hits, done, trace } = message;
      const end = done === null ? {} : { done: toTally(done) };
      return { case: 'found', value: { queryId, round, hits: hits.map(toHit), ...end, ...toSpans(trace) } };
    }
    case 'linkTerms': {
      const { version, near, beyond, degree, again } = message;
      const value = { version, ...toFilter('near', near), ...toFilter('beyond', beyond), degree, again };
      return { case: 'linkTerms', value };
    }
    default:
      return unreachable(message);
  }
}

/** Throws `MalformedError`, or `UnknownValueError` for a strategy that this version does not know. */
export function fromSearch(kind: SearchKind): SearchMessage {
  switch (kind.case) {
    case 'query': {
      const { queryId, wave, text, limit, timeoutMs, hops, tree, trace } = kind.value;
      const rest = { ...fromStatistics(kind.value.statistics), ...(trace && { trace }) };
      return { kind: 'query', queryId, wave, text, limit, timeoutMs: finite(timeoutMs), hops, tree, ...rest };
    }
    case 'answer': {
      const { queryId, wave, hits, done } = kind.value;
      return {
        kind: 'answer',
        queryId,
        wave,
        hits: hits.map(fromHit),
        done: fromTally(done),
        ...fromTrace(kind.value),
      };
    }
    case 'decline':
      return { kind: 'decline', queryId: kind.value.queryId, wave: kind.value.wave };
    case 'cancel':
      return { kind: 'cancel', queryId: kind.value.queryId };
    case 'seek': {
      const { queryId, round, text, limit, timeoutMs, roundMs, hops, steps, walkers, budget, resume, trace } =
        kind.value;
      return {
        kind: 'seek',
        queryId,
        strategy: strategies.fromProto(kind.value.strategy),
        round,
        text,
        limit,
        timeoutMs: finite(timeoutMs),
        roundMs: finite(roundMs),
        hops,
        steps,
        walkers,
        budget,
        terms: kind.value.terms.map((list) => list.terms),
        resume,
        ...(trace && { trace }),
      };
    }
    case 'found': {
      const { queryId, round, hits, done } = kind.value;
      const way = fromTrace(kind.value);
      return { kind: 'found', queryId, round, hits: hits.map(fromHit), done: fromSeekTally(done), ...way };
    }
    case 'linkTerms': {
      const { version, near, beyond, degree, again } = kind.value;
      return { kind: 'linkTerms', version, near: fromFilter(near), beyond: fromFilter(beyond), degree, again };
    }
    default:
      return unreachable(kind);
  }
}

function toSeek({ kind: _kind, strategy, terms, ...seek }: Extract<SearchMessage, { kind: 'seek' }>) {
  return { ...seek, strategy: strategies.toProto(strategy), terms: terms.map((list) => ({ terms: [...list] })) };
}

/** A field that is unset for null. */
function toFilter<Name extends string>(
  name: Name,
  part: TermsPart | null,
): { [K in Name]?: MessageInitShape<typeof TermFilterSchema> } {
  if (part === null) return {};
  const value = { delta: part.isDelta, filter: part.filter as Uint8Array<ArrayBuffer> };
  return { [name]: value } as { [K in Name]: typeof value };
}

function fromFilter(filter: TermFilter | undefined): TermsPart | null {
  return filter === undefined ? null : { isDelta: filter.delta, filter: Uint8Array.from(filter.filter) };
}

/** Both kinds of tally differ in the same way from their messages. */
function toTally<T extends QueryTally | SeekTally>(tally: T): Omit<T, 'bytes'> & { readonly bytes: bigint } {
  return { ...tally, bytes: toUint64(tally.bytes) };
}

function toQueryTally({ statistics, ...counts }: QueryTally) {
  return { ...toTally(counts), ...toStatistics(statistics) };
}

export function toStatistics(statistics: TermStatistics | undefined): {
  statistics?: MessageInitShape<typeof TermStatisticsSchema>;
} {
  if (statistics === undefined) return {};
  const { documents, words, frequencies } = statistics;
  return {
    statistics: { documents: toUint64(documents), words: toUint64(words), frequencies: frequencies.map(toUint64) },
  };
}

export function fromStatistics(statistics: StatisticsProto | undefined): { statistics?: TermStatistics } {
  if (statistics === undefined) return {};
  const documents = fromUint64(statistics.documents);
  const words = fromUint64(statistics.words);
  return { statistics: { documents, words, frequencies: statistics.frequencies.map(fromUint64) } };
}

/** Hits of any search travel alike. */
export function toHit({ version, length, terms, ...hit }: Hit): MessageInitShape<typeof HitSchema> {
  return { ...hit, version: toUint64(version ?? 0), length: length ?? 0, terms: [...(terms ?? [])] };
}

export function fromHit({ peer, documentId, version, score, length, terms, document, responder }: HitProto): Hit {
  return {
    peer,
    documentId,
    ...(version !== 0n && { version: fromUint64(version) }),
    score: finite(score),
    ...(length !== 0 && { length }),
    ...(terms.length > 0 && { terms }),
    document,
    ...(responder !== '' && { responder }),
  };
}

function fromTally(tally: TallyProto | undefined): QueryTally | null {
  if (tally === undefined) return null;
  const { asked, answered, messages, missing, broken, bytes } = tally;
  const rest = { ...fromStatistics(tally.statistics), ...fromResponders(tally.responders) };
  return { asked, answered, messages, missing, ...(broken > 0 && { broken }), bytes: fromUint64(bytes), ...rest };
}

function fromSeekTally(tally: SeekTallyProto | undefined): SeekTally | null {
  if (tally === undefined) return null;
  const { declined, asked, answered, messages, bytes, missing, walkers, edges } = tally;
  return { declined, asked, answered, messages, bytes: fromUint64(bytes), missing, walkers, edges };
}
