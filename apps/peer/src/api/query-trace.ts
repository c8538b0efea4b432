import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Span, SpanState } from '@starling/core-search';
import { type QueryResponse, QueryResponseSchema, type QuerySpanSchema, QuerySpanState } from '@starling/wire';
import type { QueryPath } from '../overlay/queries.ts';
import { toDuration } from './convert.ts';
import { queryStrategies } from './validate.ts';

const states: Readonly<Record<SpanState, QuerySpanState>> = {
  done: QuerySpanState.DONE,
  late: QuerySpanState.LATE,
  missing: QuerySpanState.MISSING,
  broken: QuerySpanState.BROKEN,
  shed: QuerySpanState.SHED,
  stopped: QuerySpanState.STOPPED,
};

/** Of those that ask everybody waves are counted, of those that go on from where they stood rounds. */
export function toTrace({ strategy, wave, trace: { spans, cut } }: QueryPath): QueryResponse {
  const isByRounds = strategy === 'walk' || strategy === 'ring' || strategy === 'guided';
  const part = isByRounds ? { round: wave } : { wave };
  return create(QueryResponseSchema, {
    event: {
      case: 'trace',
      value: { ...part, strategy: queryStrategies[strategy], spans: spans.map(toSpan), spansCut: cut },
    },
  });
}

function toSpan(span: Span): MessageInitShape<typeof QuerySpanSchema> {
  return {
    peerId: span.peer,
    parentId: span.parent,
    state: states[span.state],
    askedAfter: toDuration(span.askedAfterMs),
    roundTrip: toDuration(span.roundTripMs),
    // Below 0: not known.
    ...(span.elapsedMs >= 0 && { elapsed: toDuration(span.elapsedMs) }),
    ...(span.localMs >= 0 && { local: toDuration(span.localMs) }),
    hitCount: span.hits,
    messagesSpent: span.messages,
    declined: span.declined,
  };
}
