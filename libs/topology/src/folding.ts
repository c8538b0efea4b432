import type { PeerId } from '@starling/kernel';
import { otherEnd } from './edge.ts';
import type { MeshPicture, PeerView } from './mesh-picture.ts';

/** When a picture is folded into zones, and what is drawn for itself all the same. */
export interface FoldingConfig {
  /** Up to here every peer is drawn. Measured: software GL redraws 2,000 peers in 41 ms, 10,000 in 214 ms. */
  readonly drawnPeersMax: number;
  /** A folded picture unfolds below this share of it: a mesh that breathes around the bound must not flicker. Guess. */
  readonly unfoldShare: number;
  /** Peers in trouble, or found, that are drawn out of closed zones; a crowd stays a number. Guess: what an eye can follow. */
  readonly revealedPeersMax: number;
}

/** See each field for where its value comes from. */
export const defaultFoldingConfig: FoldingConfig = { drawnPeersMax: 2_000, unfoldShare: 0.9, revealedPeersMax: 200 };

/** Whether a mesh of so many peers is drawn as zones. `isFolded`: whether it was until now. */
export function isFoldedAt(peers: number, isFolded: boolean, config: FoldingConfig = defaultFoldingConfig): boolean {
  return peers > config.drawnPeersMax * (isFolded ? config.unfoldShare : 1);
}

/** What a viewer looks at. */
export interface FoldingFocus {
  /** Zones that are drawn peer by peer. */
  readonly open: ReadonlySet<string>;
  /** Empty for none. */
  readonly selected: PeerId;
  /** What the find expression matches; null when there is none. */
  readonly matches: ReadonlySet<PeerId> | null;
}

/**
 * Which peers of a folded picture are drawn for themselves: those of open zones, the selected one with its neighbours,
 * and, while they are few, those in trouble and those found. `critical` goes before `warning` where both are too many.
 */
export function drawnPeers(
  picture: MeshPicture,
  focus: FoldingFocus,
  config: FoldingConfig = defaultFoldingConfig,
): (view: PeerView) => boolean {
  const near = new Set([
    focus.selected,
    ...picture.edgesOf(focus.selected).map((edge) => otherEnd(edge, focus.selected)),
  ]);
  let [critical, warning] = [0, 0];
  for (const { verdict } of picture.peers.values()) {
    if (verdict.health === 'critical') critical++;
    if (verdict.health === 'warning') warning++;
  }
  const areCriticalFew = critical <= config.revealedPeersMax;
  const areSickFew = critical + warning <= config.revealedPeersMax;
  const found = focus.matches !== null && focus.matches.size <= config.revealedPeersMax ? focus.matches : null;
  return ({ peer, verdict: { health } }) =>
    focus.open.has(peer.zone) ||
    near.has(peer.id) ||
    found?.has(peer.id) === true ||
    (health === 'critical' && areCriticalFew) ||
    (health === 'warning' && areSickFew);
}
