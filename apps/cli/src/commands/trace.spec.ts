import type { QuerySpan, QueryTrace } from '@starling/client';
import { describe, expect, it } from 'vitest';
import { linesOf } from './trace.ts';

const span = (peerId: string, parentId: string, more: Partial<QuerySpan> = {}): QuerySpan => ({
  peerId,
  parentId,
  state: 'done',
  askedAfterMs: 0,
  roundTripMs: 3.25,
  elapsedMs: 2,
  localMs: 0.5,
  hits: 1,
  messages: 0,
  declined: 0,
  ...more,
});
const names = new Map([
  ['a', 'peer-0'],
  ['b', 'peer-1'],
  ['c', 'peer-2'],
]);

const tree: QueryTrace = { strategy: 'exhaustive', wave: 0, round: 0, spans: [], spansCut: 0 };

describe('the way of a query on the terminal', () => {
  it('is a tree in the order of asking, with times and what is missing', () => {
    const spans = [
      span('c', 'a', { askedAfterMs: 2, state: 'missing', elapsedMs: null, localMs: null, hits: 0 }),
      span('b', 'a', { askedAfterMs: 1 }),
      span('a', '', { roundTripMs: 0, declined: 2 }),
    ];
    expect(linesOf({ ...tree, spans, spansCut: 3 }, names)).toEqual([
      'along the tree:',
      'peer-0  answered in 2.0 ms, its index in 0.5 ms, 1 hit, 2 neighbours had it already',
      '  └ peer-1  round trip 3.3 ms, answered in 2.0 ms, its index in 0.5 ms, 1 hit',
      '  └ peer-2  MISSING: round trip 3.3 ms, 0 hits',
      '… and 3 peers further down, left out',
    ]);
  });

  it('of a walk: each round, who only passed it on, and how deep it is when the screen ends', () => {
    const spans = [
      span('a', '', { roundTripMs: 0, localMs: null, hits: 0, elapsedMs: 9 }),
      span('b', 'a', { localMs: null, hits: 0, elapsedMs: 8 }),
      ...Array.from({ length: 15 }, (_, i) => span(`w${i}`, i === 0 ? 'b' : `w${i - 1}`)),
    ];
    const lines = linesOf({ ...tree, strategy: 'walk', round: 2, spans }, names);
    expect(lines.slice(0, 3)).toEqual([
      'random walks, round 2:',
      'peer-0  answered in 9.0 ms, passed it on',
      '  └ peer-1  round trip 3.3 ms, answered in 8.0 ms, passed it on',
    ]);
    expect(lines.at(-1)).toMatch(/^ {24}└ 16 links away: w14 /);
  });

  it('of summaries: a holder is its index and the link to it', () => {
    const spans = [
      span('a', '', { roundTripMs: 0, localMs: null, hits: 0 }),
      span('b', 'a', { elapsedMs: 2, localMs: 2 }),
    ];
    expect(linesOf({ ...tree, strategy: 'summary', spans }, names)).toEqual([
      'straight to those who are known to have the words:',
      'peer-0  answered in 2.0 ms, 0 hits',
      '  └ peer-1  round trip 3.3 ms, its index in 2.0 ms, 1 hit',
    ]);
  });

  it('ends, and loses nobody, whatever peers say of who asked them', () => {
    const spans = [span('b', 'c'), span('c', 'b'), span('a', ''), span('a', 'a'), span('d', 'x')];
    const lines = linesOf({ ...tree, wave: 1, spans }, names);
    expect(lines[0]).toBe('somebody was missing; once more, over every link:');
    expect(lines.slice(1).map((line) => /\S+ {2}/.exec(line)?.[0].trim())).toHaveLength(5);
    for (const name of ['peer-0', 'peer-1', 'peer-2', 'd']) expect(lines.join('\n')).toContain(name);
  });
});
