import type { Duration } from '@bufbuild/protobuf/wkt';
import { QuerySpanState, type QueryTrace as QueryTraceProto } from '@starling/wire';
import { type QueryStrategyName, strategyName } from './query-strategy.ts';

/** What one peer did for a query. Times in ms, each a difference by one clock; null: not known. */
export interface QuerySpan {
  readonly peerId: string;
  /** Who asked it; '' for the peer that was called. */
  readonly parentId: string;
  /** Everything but `done` hides what may lie behind it. */
  readonly state: 'done' | 'late' | 'missing' | 'broken' | 'shed' | 'stopped' | 'unknown';
  /** From when its asker got the query until it asked this peer. */
  readonly askedAfterMs: number | null;
  /** From the question to the end of the answer, at its asker. */
  readonly roundTripMs: number | null;
  /** From the question to the end of the answer, at the peer; the rest of the round trip is the link's. */
  readonly elapsedMs: number | null;
  /** Until its own index and engines had answered. */
  readonly localMs: number | null;
  readonly hits: number;
  /** Messages between peers from here downward. */
  readonly messages: number;
  /** Neighbours that had heard the query from others already. */
  readonly declined: number;
}

/** The way that a query took, or the part of it that one wave or one round did. */
export interface QueryTrace {
  /** Which way this part went: a query may go several, one after another. */
  readonly strategy: QueryStrategyName;
  /** Of `exhaustive`. 0: along the tree. 1: once more over all links, because somebody was missing. */
  readonly wave: number;
  /** Of `walk`, `ring` and `guided`, from 1; else 0. A round passes down the branches of those before it, to where it goes on. */
  readonly round: number;
  readonly spans: readonly QuerySpan[];
  /** Peers left out, since a trace has a bound. */
  readonly spansCut: number;
}

const states: Readonly<Record<number, QuerySpan['state']>> = {
  [QuerySpanState.DONE]: 'done',
  [QuerySpanState.LATE]: 'late',
  [QuerySpanState.MISSING]: 'missing',
  [QuerySpanState.BROKEN]: 'broken',
  [QuerySpanState.SHED]: 'shed',
  [QuerySpanState.STOPPED]: 'stopped',
};

export function toQueryTrace({ strategy, wave, round, spans, spansCut }: QueryTraceProto): QueryTrace {
  return {
    // A peer of before this was told traces queries that ask everybody, and no others.
    strategy: strategyName(strategy) ?? 'exhaustive',
    wave,
    round,
    spansCut,
    spans: spans.map((span) => ({
      peerId: span.peerId,
      parentId: span.parentId,
      state: states[span.state] ?? 'unknown',
      askedAfterMs: fractionalMs(span.askedAfter),
      roundTripMs: fractionalMs(span.roundTrip),
      elapsedMs: fractionalMs(span.elapsed),
      localMs: fractionalMs(span.local),
      hits: span.hitCount,
      messages: span.messagesSpent,
      declined: span.declined,
    })),
  };
}

/** With its fraction: hops in a data centre take less than a millisecond. */
function fractionalMs(duration: Duration | undefined): number | null {
  return duration === undefined ? null : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}
