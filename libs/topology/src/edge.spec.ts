import { describe, expect, it } from 'vitest';
import {
  type Edge,
  edgeKey,
  edgeMessagesPerSecond,
  edgeRole,
  edgeRttMs,
  flowFrom,
  otherEnd,
  viewFrom,
} from './edge.ts';
import type { LinkFacts } from './facts.ts';
import { linkFacts } from './sample.ts';

function edge(fromA: LinkFacts | null, fromB: LinkFacts | null): Edge {
  return { key: edgeKey('a', 'b'), a: 'a', b: 'b', fromA, fromB, halfSince: null };
}

describe('a link as one thing', () => {
  it('has one key whichever end asks', () => {
    expect(edgeKey('b', 'a')).toBe(edgeKey('a', 'b'));
  });

  it.each([
    ['tree', 'eager', 'eager'],
    ['half', 'eager', 'lazy'],
    ['half', 'lazy', 'eager'],
    ['spare', 'lazy', 'lazy'],
  ] as const)('is %s when its ends say %s and %s', (role, fromA, fromB) => {
    expect(edgeRole(edge(linkFacts('b', fromA), linkFacts('a', fromB)))).toBe(role);
  });

  it('takes the word of the only end that reports', () => {
    expect(edgeRole(edge(linkFacts('b', 'eager'), null))).toBe('tree');
    expect(edgeRole(edge(null, linkFacts('a', 'lazy')))).toBe('spare');
  });

  it('has the mean of both round trips, or the one that was measured', () => {
    const [two, four, none] = [2, 4, null].map((rttMs) => linkFacts('x', 'eager', { rttMs }));
    expect(edgeRttMs(edge(two ?? null, four ?? null))).toBe(3);
    expect(edgeRttMs(edge(none ?? null, four ?? null))).toBe(4);
    expect(edgeRttMs(edge(none ?? null, null))).toBeNull();
  });

  it('flows as the sender counts, is known twice as the receiver counts', () => {
    const both = edge(
      linkFacts('b', 'eager', { messagesOutPerSecond: 10, messagesInPerSecond: 3, duplicatesPerSecond: 1 }),
      linkFacts('a', 'eager', { messagesOutPerSecond: 4, messagesInPerSecond: 9, duplicatesPerSecond: 2 }),
    );
    expect(flowFrom(both, 'a')).toEqual({ messagesPerSecond: 10, bytesPerSecond: 0, duplicatesPerSecond: 2 });
    expect(flowFrom(both, 'b')).toEqual({ messagesPerSecond: 4, bytesPerSecond: 0, duplicatesPerSecond: 1 });
    expect(edgeMessagesPerSecond(both)).toBe(14);
  });

  it('flows as the receiver counts when the sender is silent', () => {
    const half = edge(null, linkFacts('a', 'eager', { messagesInPerSecond: 9 }));
    expect(flowFrom(half, 'a').messagesPerSecond).toBe(9);
  });

  it('knows its ends', () => {
    const half = edge(linkFacts('b'), null);
    expect([otherEnd(half, 'a'), otherEnd(half, 'b')]).toEqual(['b', 'a']);
    expect([viewFrom(half, 'a')?.peerId, viewFrom(half, 'b')]).toEqual(['b', null]);
  });
});
