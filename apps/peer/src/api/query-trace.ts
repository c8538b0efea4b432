import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Span, SpanList, SpanState } from '@starling/core-search';
import { type QueryResponse, QueryResponseSchema, type QuerySpanSchema, QuerySpanState } from '@starling/wire';

const states: Readonly<Record<SpanState, QuerySpanState>> = {
  done: QuerySpanState.DONE,
  late: QuerySpanState.LATE,
  missing: QuerySpanState.MISSING,
  broken: QuerySpanState.BROKEN,
  shed: QuerySpanState.SHED,
};

export function toTrace(wave: number, { spans, cut }: SpanList): QueryResponse {
  return create(QueryResponseSchema, {
    event: { case: 'trace', value: { wave, spans: spans.map(toSpan), spansCut: cut } },
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

/** Hops in a data centre take less than a millisecond. */
function toDuration(ms: number): ReturnType<typeof durationFromMs> {
  const micros = Math.round(ms * 1_000);
  const seconds = Math.floor(micros / 1e6);
  return { ...durationFromMs(0), seconds: BigInt(seconds), nanos: (micros - seconds * 1e6) * 1_000 };
}
