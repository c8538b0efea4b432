import type { PeerId } from '@starling/kernel';
import { hash32 } from '../hash.ts';
import { type Guide, type Layout, type LayoutInput, type LayoutResult, type Point, quantized } from './layout.ts';

/** Successive points of a sunflower are this angle apart: no two rows ever line up. */
const goldenAngle = Math.PI * (3 - Math.sqrt(5));
/** Room around a zone's peers, in units of the distance between two of them. */
const zoneMargin = 0.9;
/** Room between zones, in the same unit. */
const zoneGap = 1.1;
/** A zone grows in steps of this factor, so that most joins change no radius and move nobody. */
const growth = 1.35;
/** A disc shrinks once it has room for so many times its seeds. */
const shrinkAt = 3;

/**
 * One disc per zone, discs side by side on a ring. Within a disc peers sit on the seeds of a sunflower; each keeps its
 * seed for life, and a newcomer takes the innermost that is free.
 */
export class ZoneLayout implements Layout {
  readonly #seeds = new Map<string, (PeerId | null)[]>();
  /** Seeds that each zone's disc has room for. */
  readonly #rooms = new Map<string, number>();

  place(input: LayoutInput): LayoutResult {
    this.#assignSeeds(input);
    const zones = [...this.#seeds.keys()].sort();
    const radii = zones.map((zone) => zoneRadius(this.#roomOf(zone)));
    const { centers, extent } = centered(centersOf(radii), radii);
    const positions = new Map<PeerId, Point>();
    const guides: Guide[] = [];
    zones.forEach((zone, i) => {
      const center = centers[i] as Point;
      guides.push({ x: center.x / extent, y: center.y / extent, radius: (radii[i] as number) / extent, label: zone });
      (this.#seeds.get(zone) ?? []).forEach((peer, seed) => {
        if (peer === null) return;
        const offset = seedPoint(seed);
        positions.set(peer, { x: (center.x + offset.x) / extent, y: (center.y + offset.y) / extent });
      });
    });
    return { positions, guides };
  }

  #roomOf(zone: string): number {
    const seeds = Math.max(3, this.#seeds.get(zone)?.length ?? 0);
    const room = this.#rooms.get(zone) ?? 0;
    // A zone that loses half of its peers keeps its size: who watches a failure must find the survivors where they were.
    if (seeds <= room && seeds * shrinkAt > room) return room;
    const fitting = quantized(seeds, growth);
    this.#rooms.set(zone, fitting);
    return fitting;
  }

  #assignSeeds({ peers }: LayoutInput): void {
    const zoneOf = new Map(peers.map((peer) => [peer.id, peer.zone]));
    for (const [zone, seeds] of this.#seeds) {
      for (let i = 0; i < seeds.length; i++) {
        const peer = seeds[i];
        if (peer === null || peer === undefined) continue;
        if (zoneOf.get(peer) === zone) zoneOf.delete(peer);
        else seeds[i] = null;
      }
      while (seeds.length > 0 && seeds.at(-1) === null) seeds.pop();
      if (seeds.length > 0) continue;
      this.#seeds.delete(zone);
      this.#rooms.delete(zone);
    }
    // What is left is new. By hash, not by name: the picture must not depend on the order of arrival within one update.
    const fresh = [...zoneOf.keys()].sort((one, other) => hash32(one) - hash32(other) || (one < other ? -1 : 1));
    for (const peer of fresh) {
      const zone = zoneOf.get(peer) as string;
      let seeds = this.#seeds.get(zone);
      if (seeds === undefined) {
        seeds = [];
        this.#seeds.set(zone, seeds);
      }
      const free = seeds.indexOf(null);
      if (free === -1) seeds.push(peer);
      else seeds[free] = peer;
    }
  }
}

function seedPoint(seed: number): Point {
  const radius = 0.62 * Math.sqrt(seed + 0.5);
  return { x: radius * Math.cos(seed * goldenAngle), y: radius * Math.sin(seed * goldenAngle) };
}

function zoneRadius(room: number): number {
  return 0.62 * Math.sqrt(room) + zoneMargin;
}

/** Moves discs so that the box around them is in the middle, and says half its longer side. */
function centered(centers: readonly Point[], radii: readonly number[]): { centers: Point[]; extent: number } {
  const edge = (axis: 'x' | 'y', sign: 1 | -1): number =>
    Math.max(...centers.map((center, i) => sign * center[axis] + (radii[i] ?? 0)));
  const [left, right, bottom, top] = [-edge('x', -1), edge('x', 1), -edge('y', -1), edge('y', 1)];
  return {
    centers: centers.map(({ x, y }) => ({ x: x - (left + right) / 2, y: y - (bottom + top) / 2 })),
    extent: Math.max(right - left, top - bottom) / 2,
  };
}

/** Discs in a ring, each touching the next but for the gap, the first on top. */
function centersOf(radii: readonly number[]): Point[] {
  if (radii.length <= 1) return radii.map(() => ({ x: 0, y: 0 }));
  const widths = radii.map((radius, i) => radius + (radii[(i + 1) % radii.length] ?? 0) + zoneGap);
  if (radii.length === 2) {
    const half = (widths[0] as number) / 2;
    return [
      { x: -half, y: 0 },
      { x: half, y: 0 },
    ];
  }
  const anglesAt = (ring: number): number[] => widths.map((width) => 2 * Math.asin(Math.min(1, width / (2 * ring))));
  let low = Math.max(...widths) / 2;
  let high = widths.reduce((sum, width) => sum + width, 0);
  for (let i = 0; i < 40; i++) {
    const ring = (low + high) / 2;
    const turn = anglesAt(ring).reduce((sum, angle) => sum + angle, 0);
    if (turn > 2 * Math.PI) low = ring;
    else high = ring;
  }
  const steps = anglesAt(high);
  let angle = Math.PI / 2;
  return radii.map((_, i) => {
    const center = { x: high * Math.cos(angle), y: high * Math.sin(angle) };
    angle -= steps[i] as number;
    return center;
  });
}
