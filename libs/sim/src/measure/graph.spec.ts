import { Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { clustering, componentSizes, degrees, flood, graphOf, oneSidedLinks, pathLengths } from './graph.ts';
import { summarize } from './summary.ts';

/** Undirected edges as text: `ab bc`. */
function undirected(edges: string, loners = ''): ReturnType<typeof graphOf> {
  const links = new Map<string, string[]>([...loners].map((id) => [id, []]));
  for (const [a, b] of edges.split(' ').filter((edge) => edge !== '') as Iterable<string>) {
    if (a === undefined || b === undefined) throw new Error('an edge is two letters');
    links.set(a, [...(links.get(a) ?? []), b]);
    links.set(b, [...(links.get(b) ?? []), a]);
  }
  return graphOf([...links].map(([id, targets]) => ({ id, links: targets })));
}

describe('graph measures', () => {
  it.each([
    ['a triangle', 'ab bc ca', '', { components: [3], clustering: 1, mean: 1, lastHop: 1 }],
    ['a square', 'ab bc cd da', '', { components: [4], clustering: 0, mean: 4 / 3, lastHop: 2 }],
    [
      'a triangle with a tail',
      'ab bc ca cd',
      '',
      { components: [4], clustering: (1 + 1 + 1 / 3) / 4, mean: 4 / 3, lastHop: 7 / 4 },
    ],
    ['two islands', 'ab cd', 'e', { components: [2, 2, 1], clustering: 0, mean: 1, lastHop: 4 / 5 }],
  ])('of %s', (_, edges, loners, expected) => {
    const graph = undirected(edges, loners);
    const { mean, lastHop } = pathLengths(graph, new Rng(1), 100);
    expect(componentSizes(graph)).toEqual(expected.components);
    expect(clustering(graph)).toBeCloseTo(expected.clustering, 10);
    expect(mean).toBeCloseTo(expected.mean, 10);
    expect(lastHop).toBeCloseTo(expected.lastHop, 10);
    expect(oneSidedLinks(graph)).toBe(0);
  });

  it('leaves out links to the dead and counts those that only one side has', () => {
    const graph = graphOf([
      { id: 'a', links: ['b', 'dead'] },
      { id: 'b', links: [] },
    ]);
    expect(degrees(graph)).toEqual([1, 0]);
    expect(oneSidedLinks(graph)).toBe(1);
    expect(flood(graph, 0)).toEqual({ reached: 2, lastHop: 1, hops: 1 });
    expect(flood(graph, 1)).toEqual({ reached: 1, lastHop: 0, hops: 0 });
  });
});

describe('summarize', () => {
  it('takes percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(summarize(hundred)).toEqual({ count: 100, mean: 50.5, min: 1, max: 100, p50: 50, p99: 99 });
    expect(summarize([7])).toMatchObject({ min: 7, max: 7, p50: 7, p99: 7 });
    expect(summarize([])).toMatchObject({ count: 0, mean: 0 });
  });
});
