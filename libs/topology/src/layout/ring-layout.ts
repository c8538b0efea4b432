import type { PeerId } from '@starling/kernel';
import { hashUnit } from '../hash.ts';
import type { Layout, LayoutInput, LayoutResult, Point } from './layout.ts';

/** Share of the circle that peers would fill if each took its least distance: below 1, or a newcomer moves everybody. */
const fill = 0.6;
const radius = 0.9;

/**
 * Peers on a circle at the angle of their id's hash: a place of their own that no other peer decides. Peers that would
 * overlap are pushed apart, and only they.
 */
export class RingLayout implements Layout {
  place({ peers }: LayoutInput): LayoutResult {
    const turns = peers.map(({ id }) => ({ id, turn: hashUnit(id) }));
    turns.sort((one, other) => one.turn - other.turn || (one.id < other.id ? -1 : 1));
    const positions = new Map<PeerId, Point>();
    const spread = spreadOut(
      turns.map(({ turn }) => turn),
      fill / Math.max(1, turns.length),
    );
    turns.forEach(({ id }, i) => {
      const angle = 2 * Math.PI * (spread[i] as number);
      positions.set(id, { x: radius * Math.sin(angle), y: radius * Math.cos(angle) });
    });
    return { positions, guides: [{ x: 0, y: 0, radius, label: '' }] };
  }
}

/**
 * The sorted values nearest to `wanted` (least squares) that are at least `gap` apart: subtracting i × gap makes it
 * isotonic regression, which pooling adjacent violators solves exactly in one pass.
 */
function spreadOut(wanted: readonly number[], gap: number): number[] {
  const blocks: { sum: number; count: number }[] = [];
  wanted.forEach((value, i) => {
    blocks.push({ sum: value - i * gap, count: 1 });
    for (
      let last = blocks.at(-1), before = blocks.at(-2);
      last && before;
      last = blocks.at(-1), before = blocks.at(-2)
    ) {
      if (before.sum / before.count <= last.sum / last.count) break;
      before.sum += last.sum;
      before.count += last.count;
      blocks.pop();
    }
  });
  return blocks.flatMap(({ sum, count }) => Array<number>(count).fill(sum / count)).map((value, i) => value + i * gap);
}
