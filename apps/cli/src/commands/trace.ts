import type { QuerySpan, QuerySummary, QueryTrace } from '@starling/client';
import { counted, json, shortId } from '../output.ts';
import { pointed } from '../pointed.ts';
import { withClient } from '../session.ts';
import { askingOf, endOf, type QueryCommandOptions, summaryLine } from './query.ts';

/** The way that a query really took, peer by peer. Exit codes as of `query`. */
export function traceQuery(text: string, options: QueryCommandOptions): Promise<number> {
  const asking = askingOf(options);
  return withClient(options, 'client', async (client) => {
    const traces: QueryTrace[] = [];
    let summary: QuerySummary | undefined;
    try {
      const events = client.query(text, { ...asking, onTrace: (trace) => void traces.push(trace) });
      for await (const event of events) if (event.kind === 'summary') summary = event;
    } catch (error) {
      throw pointed(error, text);
    }
    if (options.output === 'json') {
      console.log(json(traces, 2));
      return endOf(summary);
    }
    const names = new Map((await Array.fromAsync(client.listPeers())).map(({ id, name }) => [id, name]));
    for (const trace of traces) for (const line of linesOf(trace, names)) console.log(line);
    if (summary !== undefined) console.log(summaryLine(summary));
    return endOf(summary);
  });
}

/** Deeper than this a number says how far, so that a long walk stays on the screen. */
const indentMax = 12;

/** A wave or a round as a tree: who asked whom, with times. Exported for its test. */
export function linesOf(trace: QueryTrace, names: ReadonlyMap<string, string>): string[] {
  const children = Map.groupBy(trace.spans, ({ parentId }) => parentId);
  const lines = [headingOf(trace)];
  const told = new Set<QuerySpan>();
  const walk = (span: QuerySpan, depth: number): void => {
    if (told.has(span)) return;
    told.add(span);
    const name = names.get(span.peerId) || shortId(span.peerId);
    const far = depth > indentMax ? `${depth} links away: ` : '';
    const indent = `${'  '.repeat(Math.min(depth, indentMax))}${depth === 0 ? '' : '└ '}`;
    lines.push(`${indent}${far}${name}  ${wordsOf(span, trace)}`);
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

function headingOf({ strategy, wave, round }: QueryTrace): string {
  switch (strategy) {
    case 'summary':
      return 'straight to those who are known to have the words:';
    case 'walk':
      return `random walks, round ${round}:`;
    case 'guided':
      return `guided walks, round ${round}:`;
    case 'ring':
      return `ring, everybody within ${counted(round, 'link')}:`;
    default:
      return wave === 0 ? 'along the tree:' : 'somebody was missing; once more, over every link:';
  }
}

const troubles: Readonly<Record<QuerySpan['state'], string>> = {
  done: '',
  late: 'LATE: ',
  missing: 'MISSING: ',
  broken: 'BROKE OFF: ',
  shed: 'TOO BUSY: ',
  stopped: 'STOPPED: ',
  unknown: '',
};

function wordsOf(span: QuerySpan, { strategy, round }: QueryTrace): string {
  const { state, roundTripMs, elapsedMs, localMs, hits, declined } = span;
  // A holder asks nobody: its answer takes what its index takes. In later rounds of a seek a peer only leads to others.
  const isIndexAlone = strategy === 'summary' && elapsedMs === localMs;
  const isPassingOn = round > 1 && localMs === null && hits === 0 && elapsedMs !== null;
  const parts = [
    ...(roundTripMs === null || roundTripMs === 0 ? [] : [`round trip ${ms(roundTripMs)}`]),
    ...(elapsedMs === null || isIndexAlone ? [] : [`answered in ${ms(elapsedMs)}`]),
    ...(localMs === null ? [] : [`its index in ${ms(localMs)}`]),
    isPassingOn ? 'passed it on' : counted(hits, 'hit'),
    ...(declined === 0 ? [] : [`${counted(declined, 'neighbour')} had it already`]),
  ];
  return troubles[state] + parts.join(', ');
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
