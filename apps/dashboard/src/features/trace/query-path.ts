/** One peer on the way of a query, as its trace tells. Times in ms, each by one clock; null: not known. */
export interface PathSpan {
  readonly peer: string;
  /** Who asked it; '' for the peer that was called. */
  readonly parent: string;
  readonly state: 'done' | 'late' | 'missing' | 'broken' | 'shed' | 'stopped' | 'unknown';
  readonly askedAfterMs: number | null;
  readonly roundTripMs: number | null;
  readonly elapsedMs: number | null;
  readonly localMs: number | null;
  readonly hits: number;
}

/** The way of a query, or the part of it that one wave or one round did. */
export interface PathPart {
  readonly strategy: string;
  readonly wave: number;
  readonly round: number;
  readonly spans: readonly PathSpan[];
  /** Peers that the trace leaves out. */
  readonly cut: number;
}

/** One question on its way, in the order in which they were asked. */
export interface PathStep extends PathSpan {
  /** Which part it belongs to. */
  readonly part: number;
  /** Since the query began. Half of what a round trip took beside the peer's own time is taken for the way there. */
  readonly atMs: number;
  /** Links from the peer that was called. */
  readonly depth: number;
}

/** All questions of all parts, in the order of asking: a part begins when the one before it has ended. */
export function stepsOf(parts: readonly PathPart[]): PathStep[] {
  const steps: PathStep[] = [];
  let begin = 0;
  for (const [part, { spans }] of parts.entries()) {
    const heard = new Map<string, { readonly at: number; readonly depth: number }>([['', { at: begin, depth: -1 }]]);
    const own: PathStep[] = [];
    for (const span of spans) {
      const parent = heard.get(span.parent) ?? { at: begin, depth: -1 };
      const atMs = parent.at + (span.askedAfterMs ?? 0);
      const onTheWay = Math.max(0, (span.roundTripMs ?? 0) - (span.elapsedMs ?? span.roundTripMs ?? 0)) / 2;
      const depth = parent.depth + 1;
      // Whom several asked is where it was heard of first.
      if (!heard.has(span.peer)) heard.set(span.peer, { at: atMs + onTheWay, depth });
      own.push({ ...span, part, atMs, depth });
    }
    steps.push(...own.sort((one, other) => one.atMs - other.atMs || one.depth - other.depth));
    begin += spans[0]?.elapsedMs ?? 0;
  }
  return steps;
}

/** What a part is, in words. */
export function titleOf({ strategy, wave, round }: PathPart): string {
  switch (strategy) {
    case 'summary':
      return 'Straight to those who are known to have the words';
    case 'walk':
      return `Random walks, round ${round}`;
    case 'guided':
      return `Guided walks, round ${round}`;
    case 'ring':
      return `Ring, everybody within ${round === 1 ? '1 link' : `${round} links`}`;
    default:
      return wave === 0 ? 'Along the broadcast tree' : 'Somebody was missing: once more, over every link';
  }
}

/** What became of it when it is not simply done. */
export const troubleWords: Readonly<Record<PathSpan['state'], string>> = {
  done: '',
  late: 'ran out of time',
  missing: 'did not answer',
  broken: 'broke off',
  shed: 'was too busy',
  stopped: 'was stopped: enough had been found',
  unknown: '',
};
