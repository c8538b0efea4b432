import { Rng } from '@starling/kernel';
import { describe, expect, it } from 'vitest';
import { DistanceLayout } from './distance-layout.ts';
import { ForceLayout } from './force-layout.ts';
import { type Layout, type LayoutInput, type LayoutResult, quantized } from './layout.ts';
import { RingLayout } from './ring-layout.ts';
import { ZoneLayout } from './zone-layout.ts';

/** A connected random mesh: each peer links to up to three before it. */
function meshOf(size: number, zones = 3): LayoutInput {
  const rng = new Rng(size);
  const peers = Array.from({ length: size }, (_, i) => ({ id: `peer-${i}`, zone: `zone-${i % zones}` }));
  const edges = peers.flatMap(({ id }, i) =>
    i === 0 ? [] : [1, 0.03, 0.03].map((weight) => ({ a: id, b: `peer-${rng.below(i)}`, weight })),
  );
  return { peers, edges, focus: null };
}

/** The same mesh after its last peers left. */
function without(input: LayoutInput, left: number): LayoutInput {
  const peers = input.peers.slice(0, input.peers.length - left);
  const ids = new Set(peers.map(({ id }) => id));
  return { ...input, peers, edges: input.edges.filter(({ a, b }) => ids.has(a) && ids.has(b)) };
}

function movesBetween(before: LayoutResult, after: LayoutResult): number[] {
  const moves: number[] = [];
  for (const [id, from] of before.positions) {
    const to = after.positions.get(id);
    if (to !== undefined) moves.push(Math.hypot(to.x - from.x, to.y - from.y));
  }
  return moves.sort((one, other) => one - other);
}

function leastDistance({ positions }: LayoutResult): number {
  const points = [...positions.values()];
  let least = Number.POSITIVE_INFINITY;
  points.forEach((one, i) => {
    for (const other of points.slice(i + 1)) least = Math.min(least, Math.hypot(one.x - other.x, one.y - other.y));
  });
  return least;
}

const kinds: readonly [string, () => Layout][] = [
  ['zones', () => new ZoneLayout()],
  ['ring', () => new RingLayout()],
  ['force', () => new ForceLayout()],
  ['hops', () => new DistanceLayout()],
];

describe.each(kinds)('the %s layout', (_, make) => {
  it.each([0, 1, 2, 8, 64, 300])('places each of %i peers once, within the picture', (size) => {
    const { positions } = make().place(meshOf(size));
    expect(positions.size).toBe(size);
    for (const { x, y } of positions.values()) {
      expect(Math.abs(x)).toBeLessThanOrEqual(1);
      expect(Math.abs(y)).toBeLessThanOrEqual(1);
    }
  });

  it('gives the same picture for the same calls, in whatever order the peers come', () => {
    const mesh = meshOf(64);
    const reversed = { ...mesh, peers: [...mesh.peers].reverse() };
    const first = make().place(mesh);
    expect(new Map([...make().place(reversed).positions].sort())).toEqual(new Map([...first.positions].sort()));
  });

  it('lets no two of 64 peers lie on each other', () => {
    expect(leastDistance(make().place(meshOf(64)))).toBeGreaterThan(0.01);
  });
});

describe.each(kinds.slice(0, 3))('the %s layout is stable', (_, make) => {
  it('when one peer joins: the others move by 3 % of the picture at most', () => {
    const mesh = meshOf(64);
    const layout = make();
    const before = layout.place(without(mesh, 1));
    const moves = movesBetween(before, layout.place(mesh));
    expect(moves.length).toBe(63);
    expect(moves.at(-1)).toBeLessThan(0.06);
  });

  it('when a quarter leaves: half of the others move by 2 % at most', () => {
    const mesh = meshOf(64);
    const layout = make();
    const before = layout.place(mesh);
    const moves = movesBetween(before, layout.place(without(mesh, 16)));
    expect(moves[24]).toBeLessThan(0.04);
  });
});

describe('the zones layout', () => {
  it('keeps each peer within the disc of its zone, and discs apart', () => {
    const mesh = meshOf(90, 5);
    const { positions, guides } = new ZoneLayout().place(mesh);
    for (const { id, zone } of mesh.peers) {
      const disc = guides.find(({ label }) => label === zone);
      const point = positions.get(id);
      expect(Math.hypot((point?.x ?? 9) - (disc?.x ?? 0), (point?.y ?? 9) - (disc?.y ?? 0))).toBeLessThan(
        disc?.radius ?? 0,
      );
    }
    guides.forEach((one, i) => {
      for (const other of guides.slice(i + 1)) {
        expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(one.radius + other.radius);
      }
    });
  });

  it('gives the seat of a peer that left to the next that comes', () => {
    const layout = new ZoneLayout();
    const mesh = meshOf(12, 1);
    const before = layout.place(mesh).positions.get('peer-3');
    const others = mesh.peers.filter(({ id }) => id !== 'peer-3');
    layout.place({ ...mesh, peers: others });
    const after = layout.place({ ...mesh, peers: [...others, { id: 'new', zone: 'zone-0' }] });
    expect(after.positions.get('new')).toEqual(before);
  });

  it('moves a peer that changed its zone', () => {
    const layout = new ZoneLayout();
    layout.place({ peers: [{ id: 'a', zone: 'x' }], edges: [], focus: null });
    const { guides } = layout.place({ peers: [{ id: 'a', zone: 'y' }], edges: [], focus: null });
    expect(guides.map(({ label }) => label)).toEqual(['y']);
  });
});

describe('the hops layout', () => {
  const peers = ['a', 'b', 'c', 'd'].map((id) => ({ id, zone: '' }));
  const edges = [
    { a: 'a', b: 'b', weight: 1 },
    { a: 'b', b: 'c', weight: 1 },
  ];

  it('puts the focus in the middle and each peer on the ring of its hops, the unreachable outside', () => {
    const { positions, guides } = new DistanceLayout().place({ peers, edges, focus: 'a' });
    const radius = (id: string): number => Math.hypot(positions.get(id)?.x ?? 9, positions.get(id)?.y ?? 9);
    expect(radius('a')).toBeCloseTo(0);
    expect(radius('b')).toBeCloseTo(guides[0]?.radius ?? 0);
    expect(radius('c')).toBeCloseTo(guides[1]?.radius ?? 0);
    expect(radius('d')).toBeCloseTo(guides[2]?.radius ?? 0);
    expect(guides.map(({ label }) => label)).toEqual(['1 hop', '2 hops', 'not reached']);
  });

  it('takes some peer for the middle when the focus has gone', () => {
    const { positions } = new DistanceLayout().place({ peers, edges, focus: 'gone' });
    expect(Math.hypot(positions.get('a')?.x ?? 9, positions.get('a')?.y ?? 9)).toBe(0);
  });
});

describe('the force layout', () => {
  it('draws linked peers nearer to each other than strangers', () => {
    const mesh = meshOf(64);
    const { positions } = new ForceLayout().place(mesh);
    const distance = (a: string, b: string): number =>
      Math.hypot(
        (positions.get(a)?.x ?? 0) - (positions.get(b)?.x ?? 0),
        (positions.get(a)?.y ?? 0) - (positions.get(b)?.y ?? 0),
      );
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const linked = mean(mesh.edges.filter(({ weight }) => weight === 1).map(({ a, b }) => distance(a, b)));
    const strangers = mean(mesh.peers.flatMap(({ id }) => mesh.peers.map((other) => distance(id, other.id))));
    expect(linked).toBeLessThan(strangers * 0.6);
  });
});

describe('a quantized count', () => {
  it('is never below the count, and seldom changes', () => {
    const steps = new Set<number>();
    for (let count = 1; count <= 1_000; count++) {
      expect(quantized(count, 1.35)).toBeGreaterThanOrEqual(count - 1e-6);
      steps.add(quantized(count, 1.35));
    }
    expect(steps.size).toBeLessThan(26);
  });
});
