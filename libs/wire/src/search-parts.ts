import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ResponderTally, Span, SpanList, SpanState } from '@starling/core-search';
import {
  type Answer as AnswerProto,
  type AnswerSchema,
  type Found as FoundProto,
  type Span as SpanProto,
  SpanState as StateProto,
  type ResponderTally as TallyProto,
} from './gen/starling/link/v1/search_pb.ts';
import { finite } from './peer-codec.ts';

type SpansInit = Pick<MessageInitShape<typeof AnswerSchema>, 'spans' | 'spansCut'>;

const states: Readonly<Record<SpanState, StateProto>> = {
  done: StateProto.DONE,
  late: StateProto.LATE,
  missing: StateProto.MISSING,
  broken: StateProto.BROKEN,
  shed: StateProto.SHED,
  stopped: StateProto.STOPPED,
};
const words = new Map(Object.entries(states).map(([word, value]) => [value, word as SpanState]));

/** What a trace adds to an answer. */
export function toSpans(trace: SpanList | undefined): SpansInit {
  if (trace === undefined) return {};
  return { spans: trace.spans.map((span) => ({ ...span, state: states[span.state] })), spansCut: trace.cut };
}

/** Nothing when no engine was asked. */
export function fromResponders(tally: TallyProto | undefined): { readonly responders?: ResponderTally } {
  if (tally === undefined) return {};
  const { asked, answered, late } = tally;
  return { responders: { asked, answered, late } };
}

/** Nothing when the answer does not say which way it came. */
export function fromTrace({ spans, spansCut }: AnswerProto | FoundProto): { readonly trace?: SpanList } {
  return spans.length === 0 ? {} : { trace: { spans: spans.map(fromSpan), cut: spansCut } };
}

function fromSpan(span: SpanProto): Span {
  const { peer, parent, hits, messages, declined } = span;
  return {
    peer,
    parent,
    // A state of a later version is no reason to lose the answer.
    state: words.get(span.state) ?? 'done',
    askedAfterMs: finite(span.askedAfterMs),
    roundTripMs: finite(span.roundTripMs),
    elapsedMs: finite(span.elapsedMs),
    localMs: finite(span.localMs),
    hits,
    messages,
    declined,
  };
}
