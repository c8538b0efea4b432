import { describe, expect, it } from 'vitest';
import type { Span } from './messages.ts';
import { isSpanList, Trace } from './trace.ts';

const span = (peer: string, parent: string): Span => ({
  ...{ peer, parent, state: 'done', askedAfterMs: 0, roundTripMs: 1, elapsedMs: 1, localMs: 1 },
  ...{ hits: 0, messages: 0, declined: 0 },
});

describe('the trace that a peer passes on', () => {
  it('is one whatever a branch says of this peer and of other branches', () => {
    const trace = new Trace('me', 'parent', 0, 16);
    for (const peer of ['a', 'b']) trace.asked(0, peer);
    trace.done(5, 'a', {
      spans: [span('a', 'me'), span('c', 'a'), span('me', 'c'), span('d', 'me')],
      cut: 2 ** 32 - 2,
    });
    trace.done(6, 'b', { spans: [span('b', 'me'), span('c', 'b'), span('b', 'a'), span('c', 'a')], cut: 9 });

    const list = trace.list(7, 'done', 10);
    expect(isSpanList(list, 'me', 16)).toBe(true);
    expect(list.spans.map(({ peer, parent }) => `${parent}>${peer}`)).toEqual([
      ...['parent>me', 'me>a', 'a>c', 'me>d', 'me>b', 'b>c', 'a>b'],
    ]);
    expect(list.cut).toBe(2 ** 32 - 1);
  });

  it('is none with times that no question takes', () => {
    for (const field of ['askedAfterMs', 'roundTripMs', 'elapsedMs', 'localMs'] as const) {
      const list = { spans: [{ ...span('a', 'me'), [field]: 1e300 }], cut: 0 };
      expect(isSpanList(list, 'a', 16), field).toBe(false);
    }
  });
});
