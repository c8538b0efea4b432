import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { components, hopsFrom } from './components.ts';

const graph = fc.integer({ min: 1, max: 24 }).chain((size) => {
  const peer = fc.integer({ min: 0, max: size - 1 }).map((i) => `p${String(i).padStart(2, '0')}`);
  return fc.record({
    peers: fc.constant(Array.from({ length: size }, (_, i) => `p${String(i).padStart(2, '0')}`)),
    connections: fc.array(fc.record({ a: peer, b: peer }), { maxLength: 40 }),
  });
});

describe('components', () => {
  it('are what walking from each peer finds', () => {
    fc.assert(
      fc.property(graph, ({ peers, connections }) => {
        const neighbors = (peer: string): string[] =>
          connections.flatMap(({ a, b }) => (a === peer ? [b] : b === peer ? [a] : []));
        const walked = new Set(peers.map((peer) => [...hopsFrom(peer, neighbors).keys()].sort().join()));
        expect(new Set(components(peers, connections).map((part) => part.join()))).toEqual(walked);
      }),
    );
  });

  it('come largest first, whatever the order of the connections', () => {
    fc.assert(
      fc.property(graph, ({ peers, connections }) => {
        const parts = components(peers, connections);
        expect(components([...peers].reverse(), [...connections].reverse())).toEqual(parts);
        const sizes = parts.map((part) => part.length);
        expect(sizes).toEqual([...sizes].sort((one, other) => other - one));
      }),
    );
  });

  it('leave out ends that are no peers', () => {
    expect(components(['a'], [{ a: 'a', b: 'ghost' }])).toEqual([['a']]);
  });
});

describe('hops', () => {
  it('differ by one at most between neighbours', () => {
    fc.assert(
      fc.property(graph, ({ peers: [start = ''], connections }) => {
        const hops = hopsFrom(start, (peer) =>
          connections.flatMap(({ a, b }) => (a === peer ? [b] : b === peer ? [a] : [])),
        );
        for (const { a, b } of connections) {
          expect(hops.has(a)).toBe(hops.has(b));
          expect(Math.abs((hops.get(a) ?? 0) - (hops.get(b) ?? 0))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
