import { describe, expect, it } from 'vitest';
import { type PathPart, type PathSpan, stepsOf } from './query-path.ts';

const span = (peer: string, parent: string, more: Partial<PathSpan> = {}): PathSpan => ({
  peer,
  parent,
  state: 'done',
  askedAfterMs: 1,
  roundTripMs: 10,
  elapsedMs: 6,
  localMs: 1,
  hits: 0,
  ...more,
});
const root = span('a', '', { askedAfterMs: 0, roundTripMs: 0, elapsedMs: 30 });
const part = (spans: readonly PathSpan[]): PathPart => ({ strategy: 'walk', wave: 0, round: 1, spans, cut: 0 });

describe('the steps of a query', () => {
  it('are in the order of asking, whatever the order of the answers', () => {
    // b was asked at 1 and heard at 3: c is asked 1 ms after that; d after 2 ms by a.
    const steps = stepsOf([part([root, span('b', 'a'), span('c', 'b'), span('d', 'a', { askedAfterMs: 2 })])]);
    expect(steps.map(({ peer, atMs, depth }) => [peer, atMs, depth])).toEqual([
      ['a', 0, 0],
      ['b', 1, 1],
      ['d', 2, 1],
      ['c', 4, 2],
    ]);
  });

  it('of a next round come after those of the one before', () => {
    const steps = stepsOf([part([root, span('b', 'a', { askedAfterMs: 25 })]), part([root, span('c', 'a')])]);
    expect(steps.map(({ peer, part: of, atMs }) => [peer, of, atMs])).toEqual([
      ['a', 0, 0],
      ['b', 0, 25],
      ['a', 1, 30],
      ['c', 1, 31],
    ]);
  });

  it('lose nobody, and end, whatever peers say of each other', () => {
    const odd = [
      span('x', 'y'),
      span('y', 'x'),
      span('x', 'z'),
      span('a', 'a', { askedAfterMs: null, roundTripMs: null }),
    ];
    const steps = stepsOf([part(odd)]);
    expect(steps.map(({ peer }) => peer).sort()).toEqual(['a', 'x', 'x', 'y']);
    expect(steps.every(({ atMs }) => Number.isFinite(atMs) && atMs >= 0)).toBe(true);
  });
});
