import type { PeerId } from '@starling/kernel';

/** A place in the picture. Layouts keep within −1 … 1 both ways. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A peer as layouts see it. */
export interface LayoutPeer {
  readonly id: PeerId;
  readonly zone: string;
}

/** A link as layouts see it; a heavier one pulls its ends closer. */
export interface LayoutEdge {
  readonly a: PeerId;
  readonly b: PeerId;
  readonly weight: number;
}

/** What is to be placed. */
export interface LayoutInput {
  readonly peers: readonly LayoutPeer[];
  readonly edges: readonly LayoutEdge[];
  /** The peer in the middle, for layouts that have one. */
  readonly focus: PeerId | null;
}

/** A circle that explains the picture: a zone, or a distance. */
export interface Guide extends Point {
  readonly radius: number;
  readonly label: string;
}

/** Where everything goes. Every peer of the input has a position. */
export interface LayoutResult {
  readonly positions: ReadonlyMap<PeerId, Point>;
  readonly guides: readonly Guide[];
}

/**
 * Places peers. Same calls, same picture, on every machine. A layout may remember what it placed, so that a peer that
 * joins or leaves hardly moves the others.
 */
export interface Layout {
  place(input: LayoutInput): LayoutResult;
}

/** The least power of `ratio` that is not below `count`, so that what is scaled by it changes seldom. */
export function quantized(count: number, ratio: number): number {
  return ratio ** Math.ceil(Math.log(Math.max(1, count)) / Math.log(ratio) - 1e-9);
}
