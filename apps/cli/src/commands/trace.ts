import type { QuerySpan, QueryTrace } from '@starling/client';
import { exitCode } from '../exit-codes.ts';
import { counted, json, shortId } from '../output.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface TraceOptions extends SessionOptions {
  readonly limit: string;
}

/** The way that a query really took, peer by peer. Exit code 1 when not every peer has answered. */
export function traceQuery(text: string, options: TraceOptions): Promise<number> {
  const limit = wholeNumber('--limit', options.limit, 1, 1_000);
  return withClient(options, 'client', async (client) => {
    const traces: QueryTrace[] = [];
    const asking = {
      limit,
      timeoutMs: milliseconds(options.timeout),
      strategy: 'exhaustive',
      onTrace: (trace: QueryTrace) => void traces.push(trace),
    } as const;
    let code: number = exitCode.incomplete;
    let end = '';
    for await (const event of client.query(text, asking)) {
      if (event.kind !== 'summary') continue;
      code = event.complete ? exitCode.ok : exitCode.incomplete;
      const answered = `${event.peersAnswered} of ${counted(event.peersAsked, 'peer')} answered`;
      end = `${counted(event.hits, 'hit')}; ${answered}, ${counted(event.messagesSpent, 'message')}; ${event.complete ? 'complete' : 'NOT COMPLETE'}`;
    }
    if (options.output === 'json') {
      console.log(json(traces, 2));
      return code;
    }
    const names = new Map((await Array.fromAsync(client.listPeers())).map(({ id, name }) => [id, name]));
    for (const trace of traces) for (const line of linesOf(trace, names)) console.log(line);
    console.log(end);
    return code;
  });
}

/** A wave as a tree: who asked whom, with times. Exported for its test. */
export function linesOf(trace: QueryTrace, names: ReadonlyMap<string, string>): string[] {
  const children = Map.groupBy(trace.spans, ({ parentId }) => parentId);
  const lines = [trace.wave === 0 ? 'along the tree:' : 'somebody was missing; once more, over every link:'];
  const told = new Set<QuerySpan>();
  const walk = (span: QuerySpan, depth: number): void => {
    if (told.has(span)) return;
    told.add(span);
    const name = names.get(span.peerId) ?? shortId(span.peerId);
    lines.push(`${'  '.repeat(depth)}${depth === 0 ? '' : '└ '}${name}  ${wordsOf(span)}`);
    const below = children.get(span.peerId) ?? [];
    for (const child of below.toSorted((x, y) => (x.askedAfterMs ?? 0) - (y.askedAfterMs ?? 0))) walk(child, depth + 1);
  };
  // First the peer that was called, and whose asker the trace leaves out; then whom nothing leads to, should a peer say nonsense.
  const known = new Set(trace.spans.map(({ peerId }) => peerId));
  for (const span of trace.spans) if (span.parentId === '' || !known.has(span.parentId)) walk(span, 0);
  for (const span of trace.spans) walk(span, 0);
  if (trace.spansCut > 0) lines.push(`… and ${counted(trace.spansCut, 'peer')} further down, left out`);
  return lines;
}

const troubles: Readonly<Record<QuerySpan['state'], string>> = {
  done: '',
  late: 'LATE: ',
  missing: 'MISSING: ',
  broken: 'BROKE OFF: ',
  shed: 'TOO BUSY: ',
  unknown: '',
};

function wordsOf({ state, roundTripMs, elapsedMs, localMs, hits, declined }: QuerySpan): string {
  const parts = [
    ...(roundTripMs === null || roundTripMs === 0 ? [] : [`round trip ${ms(roundTripMs)}`]),
    ...(elapsedMs === null ? [] : [`answered in ${ms(elapsedMs)}`]),
    ...(localMs === null ? [] : [`its index in ${ms(localMs)}`]),
    counted(hits, 'hit'),
    ...(declined === 0 ? [] : [`${counted(declined, 'neighbour')} had it already`]),
  ];
  return troubles[state] + parts.join(', ');
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
